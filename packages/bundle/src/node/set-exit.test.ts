import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  bundleContent,
  bytesOf,
  createExampleBundle,
  describedPoint,
  expectCode,
  snapshotOf,
} from '../../test/bundle-directory.js';
import { EXIT_CONFIDENCE } from '../manifest.js';
import { edgeFilesOfManifest } from '../manifest-files.js';
import { addOperatingPoints } from './operating-points.js';
import { readBundle } from './read-bundle.js';
import { type ExitSource, setExit } from './set-exit.js';
import { writeBundle } from './write-bundle.js';

let root: string;
let target: string;

beforeEach(async () => {
  ({ root, target } = await createExampleBundle());
});
afterEach(() => rm(root, { recursive: true, force: true }));

function exit(text = 'exit', threshold = 0.75): ExitSource {
  return { model: bytesOf(text), parameters: 3, macs: null, threshold };
}

describe('an exit', () => {
  test("is written with its digest, read with its file checked, and is the edge's", async () => {
    const written = await setExit(target, exit());
    const read = await readBundle(target);
    expect([read.manifest, read.digest]).toEqual([written.manifest, written.digest]);
    expect(read.manifest.exit).toMatchObject({ threshold: 0.75, bytes: 4, parameters: 3 });
    expect(edgeFilesOfManifest(read.manifest)).toContainEqual(read.manifest.exit);
    expect(await readFile(read.exitPath(), 'utf8')).toBe('exit');
    await writeFile(read.exitPath(), 'exot');
    await expectCode(readBundle(target), 'digest-mismatch');
    await expectCode(readBundle(target, { verify: ['exit'] }), 'digest-mismatch');
    await expect(readBundle(target, { verify: ['head'] })).resolves.toBeTruthy();
    await rm(read.exitPath());
    await expectCode(readBundle(target, { verify: ['exit'] }), 'missing-file');
  });

  test('takes the place of another, and leaves with its file', async () => {
    const before = await readBundle(target);
    expect(() => before.exitPath()).toThrow(RangeError);
    await setExit(target, exit('first'));
    await setExit(target, exit('second', 0.5));
    expect(await readdir(join(target, 'exits'))).toHaveLength(1);
    const without = await setExit(target, null);
    expect('exit' in without.manifest).toBe(false);
    expect(without.digest).toBe(before.digest);
    expect(await readdir(join(target, 'exits'))).toHaveLength(0);
  });

  test('outlasts new operating points, and goes with a bundle that is replaced', async () => {
    const { manifest } = await setExit(target, exit());
    const added = await addOperatingPoints(target, [describedPoint('other')], { replace: 'all' });
    expect(added.manifest.exit).toEqual(manifest.exit);
    await writeBundle(target, bundleContent('new'), { overwrite: true });
    expect(await readdir(target)).not.toContain('exits');
  });

  test('over a limit, without content or beside an output of its own name is refused, and nothing is written', async () => {
    const before = await snapshotOf(root);
    await expectCode(setExit(target, exit('exit', 1.5)), 'invalid-manifest');
    await expectCode(setExit(target, exit('')), 'invalid-manifest');
    expect(await snapshotOf(root)).toEqual(before);
    const { manifest, parts } = bundleContent();
    const path = join(root, 'other');
    const outputs = [...manifest.outputs, { name: EXIT_CONFIDENCE, dtype: 'float32', shape: [1] } as const];
    await writeBundle(path, { manifest: { ...manifest, outputs }, parts });
    await expectCode(setExit(path, exit()), 'invalid-manifest');
  });
});
