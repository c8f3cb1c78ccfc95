import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Code blocks of a document that are marked as JavaScript. */
function examplesIn(document: string): string[] {
  const text = readFileSync(root + document, 'utf8');
  return [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
}

describe('examples of the documents run as printed', () => {
  test.each(['README.md', 'packages/codec/README.md'])('%s', (document) => {
    const examples = examplesIn(document);
    expect(examples.length).toBeGreaterThan(0);
    for (const code of examples) {
      const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
        cwd: root,
        encoding: 'utf8',
      });
      expect(output).not.toBe('');
    }
  });
});
