import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCtcOutput } from '@featherwire/bundle';
import { createWorkerSession } from '@featherwire/inference/node';
import { describe, expect, test } from 'vitest';
import { tensorOfInput } from '../data/preparation.js';
import { createTextLines } from '../data/text/text-lines.js';
import { bootstrapRatio } from '../metrics/bootstrap.js';
import { characterErrors } from '../metrics/character-errors.js';
import type { Ratio } from '../metrics/ratio.js';
import { findPpOcrFiles, PP_OCR_INPUT, ppOcrPreprocessing, readPpOcrAlphabet } from './pp-ocr.js';

const LINE_COUNT = 120;

describe('the alphabet', () => {
  test('has the blank first, the space last, and every printable ASCII character', async () => {
    const alphabet = await readPpOcrAlphabet();
    expect(alphabet).toHaveLength(6625);
    expect(alphabet[0]).toBe('');
    expect(alphabet[6624]).toBe(' ');
    expect(new Set(alphabet).size).toBe(6625);
    for (let code = 0x20; code < 0x7f; code++) expect(alphabet).toContain(String.fromCharCode(code));
  });

  test('another dictionary is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'featherwire-eval-'));
    await writeFile(join(folder, 'keys.txt'), 'a\nb\n');
    await expect(readPpOcrAlphabet(join(folder, 'keys.txt'))).rejects.toThrow('expected 6623 keys, got 2');
    await rm(folder, { recursive: true });
  });
});

test('the recogniser errs 2 to 6 % of the characters of default text lines', async () => {
  const files = findPpOcrFiles();
  const alphabet = await readPpOcrAlphabet(files.dictionary);
  const session = await createWorkerSession(files.recognizer);
  try {
    const lines = await createTextLines({ split: 'calibration', count: LINE_COUNT });
    const errors: Ratio[] = [];
    for (let i = 0; i < lines.length; i++) {
      const { input, label } = await lines.sample(i);
      const picture = await tensorOfInput(input, ppOcrPreprocessing(320));
      const { outputs } = await session.run({ [PP_OCR_INPUT]: picture });
      const [text] = decodeCtcOutput(outputs[session.outputs[0].name], alphabet);
      errors.push(characterErrors(label, text));
    }
    const { value, low, high } = bootstrapRatio(errors);
    const range = `seed 1, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`;
    expect(value, range).toBeGreaterThan(0.02);
    expect(value, range).toBeLessThan(0.06);
  } finally {
    await session.close();
  }
});
