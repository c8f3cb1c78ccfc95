import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CodingProfile, readProfile, type TensorProfile, writeProfile } from '@featherwire/codec';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  bundleContent,
  bytesOf,
  createExampleBundle,
  describedPoint,
  expectCode,
  snapshotOf,
} from '../../test/bundle-directory.js';
import { profileOfPoint } from '../point-profiles.js';
import { addOperatingPoints } from './operating-points.js';
import type { ProfiledPointSource } from './point-sources.js';
import { readBundle, readManifest } from './read-bundle.js';
import { writeBundle } from './write-bundle.js';

let root: string;
let target: string;

beforeEach(async () => {
  ({ root, target } = await createExampleBundle());
});
afterEach(() => rm(root, { recursive: true, force: true }));

const MODEL_ENTRIES = ['featherwire.json', 'head.onnx', 'tail.onnx', 'weights'];
const snapshot = () => snapshotOf(root);
const tables = async () => (await readdir(join(target, 'tables'))).sort();
const idsOf = ({ manifest }: Awaited<ReturnType<typeof readManifest>>) =>
  manifest.operatingPoints.map(({ id }) => id);

/** A profile of the example's cut; other steps make other bytes. */
function profile(step = 0.5, changes: Partial<TensorProfile> = {}): CodingProfile {
  const affine = { levelCount: 8, offset: 0, step, zeroPoint: 0 };
  return {
    tensors: [
      {
        dtype: 'float32',
        shape: [1, 8, 6, null],
        quantizer: { kind: 'affine', affine },
        thresholds: null,
        coder: null,
        ...changes,
      },
      {
        dtype: 'uint8',
        shape: [],
        quantizer: { kind: 'integer', lowest: 0, levelCount: 256 },
        thresholds: null,
        coder: null,
      },
    ],
  };
}

function profiled(id: string, bytes = writeProfile(profile())): ProfiledPointSource {
  return { id, kind: 'profiled', profile: bytes };
}

describe('described points', () => {
  test('are appended to the manifest, and nothing else changes', async () => {
    const before = await readBundle(target);
    const after = await addOperatingPoints(target, [describedPoint('a'), describedPoint('b')]);
    expect(idsOf(after)).toEqual(['q16', 'a', 'b']);
    expect({ ...after.manifest, operatingPoints: [] }).toEqual({ ...before.manifest, operatingPoints: [] });
    expect(after.digest).not.toBe(before.digest);
    expect((await readBundle(target)).digest).toBe(after.digest);
    expect((await readdir(target)).sort()).toEqual(MODEL_ENTRIES);
  });

  test('with a taken id are refused unless asked to replace, as those that do not fit the cut', async () => {
    const before = await snapshot();
    await expectCode(addOperatingPoints(target, [describedPoint('q16')]), 'invalid-manifest');
    await expectCode(
      addOperatingPoints(target, [describedPoint('a'), describedPoint('a')]),
      'invalid-manifest',
    );
    const other = {
      ...describedPoint('c'),
      coding: [{ tensor: 'other', quantizer: { kind: 'none' } as const }],
    };
    await expectCode(addOperatingPoints(target, [other]), 'invalid-manifest');
    expect(await snapshot()).toEqual(before);
    const { measured: _, ...unmeasured } = describedPoint('q16');
    const { manifest } = await addOperatingPoints(target, [unmeasured], { replace: 'same-id' });
    expect(manifest.operatingPoints).toEqual([unmeasured]);
    const all = await addOperatingPoints(target, [describedPoint('x')], { replace: 'all' });
    expect(idsOf(all)).toEqual(['x']);
  });

  test('need a bundle to be added to', async () => {
    await expectCode(addOperatingPoints(join(root, 'absent'), [describedPoint('a')]), 'not-found');
  });
});

describe('profiled points', () => {
  test('have their profile in a file of their own that a reader gets parsed', async () => {
    const bytes = writeProfile(profile());
    const added = await addOperatingPoints(target, [profiled('p', bytes)]);
    const read = await readBundle(target);
    for (const bundle of [added, read]) {
      expect(profileOfPoint(bundle, 'p')).toEqual(readProfile(bytes));
      expect([...bundle.profiles.keys()]).toEqual(['p']);
    }
    const point = read.manifest.operatingPoints[1];
    if (point.kind !== 'profiled') throw new Error(`a profiled point expected, got ${point.kind}`);
    expect(await readFile(join(target, point.profile.file))).toEqual(Buffer.from(bytes));
    expect(() => profileOfPoint(read, 'q16')).toThrow("got 'q16', a described one");
    expect(() => profileOfPoint(read, 'x')).toThrow("got 'x', none");
    const { manifest, digest, profiles } = await readManifest(target);
    expect(() => profileOfPoint({ manifest, digest, profiles }, 'p')).toThrow('was not loaded');
  });

  test('may be there from the first write on, and share a profile', async () => {
    const { manifest, parts } = bundleContent();
    const path = join(root, 'other');
    const operatingPoints = [profiled('a'), profiled('b'), profiled('c', writeProfile(profile(0.25)))];
    const written = await writeBundle(path, { manifest: { ...manifest, operatingPoints }, parts });
    const read = await readBundle(path);
    expect(read.profiles).toEqual(written.profiles);
    expect([...read.profiles.keys()]).toEqual(['a', 'b', 'c']);
    expect(await readdir(join(path, 'tables'))).toHaveLength(2);
  });

  test('that are replaced lose their file after the manifest names it no more', async () => {
    await addOperatingPoints(target, [profiled('p'), profiled('shares')]);
    const [first] = await tables();
    await addOperatingPoints(target, [profiled('p', writeProfile(profile(0.25)))], { replace: 'same-id' });
    expect(await tables()).toHaveLength(2);
    const { manifest } = await addOperatingPoints(target, [describedPoint('shares')], { replace: 'same-id' });
    expect(manifest.operatingPoints.map(({ kind }) => kind)).toEqual(['described', 'profiled', 'described']);
    expect(await tables()).toHaveLength(1);
    expect(await tables()).not.toContain(first);
    expect((await readBundle(target)).profiles.size).toBe(1);
  });

  test('replaced by the same content keep their file', async () => {
    await addOperatingPoints(target, [profiled('p')]);
    const before = await snapshot();
    await addOperatingPoints(target, [profiled('p')], { replace: 'same-id' });
    expect(await snapshot()).toEqual(before);
  });

  test.each<[string, Uint8Array]>([
    ['no profile', bytesOf('profile')],
    ['a damaged one', writeProfile(profile()).map((byte, i) => (i === 9 ? byte ^ 1 : byte))],
    ['one of another number of tensors', writeProfile({ tensors: profile().tensors.slice(1) })],
    ['one of another element type', writeProfile(profile(1, { dtype: 'float16' }))],
    ['one of another rank', writeProfile(profile(1, { shape: [1, 8, 6] }))],
    ['one of other dimensions', writeProfile(profile(1, { shape: [1, 8, 7, null] }))],
  ])('with %s are refused and nothing is written', async (_, bytes) => {
    const before = await snapshot();
    await expectCode(addOperatingPoints(target, [profiled('p', bytes)]), 'invalid-profile');
    expect(await snapshot()).toEqual(before);
    const { manifest, parts } = bundleContent();
    const broken = { manifest: { ...manifest, operatingPoints: [profiled('p', bytes)] }, parts };
    await expectCode(writeBundle(join(root, 'other'), broken), 'invalid-profile');
    expect(await snapshot()).toEqual(before);
  });

  test('whose manifest cannot be written leave no file', async () => {
    await addOperatingPoints(target, [profiled('p')]);
    const before = await snapshot();
    const second = profiled('q', writeProfile(profile(0.25)));
    await expectCode(addOperatingPoints(target, [second, describedPoint('q')]), 'invalid-manifest');
    expect(await snapshot()).toEqual(before);
  });

  test('whose table folder is taken are a failed write', async () => {
    await writeFile(join(target, 'tables'), 'x');
    const before = await snapshot();
    await expectCode(addOperatingPoints(target, [profiled('p')]), 'write-failed');
    expect(await snapshot()).toEqual(before);
  });

  test('are refused when their file was tampered with, cut short, or is gone', async () => {
    const { manifest } = await addOperatingPoints(target, [profiled('p')]);
    const path = join(target, 'tables', (await tables())[0]);
    const original = await readFile(path);
    await writeFile(
      path,
      Uint8Array.from(original, (byte, i) => (i === 9 ? byte ^ 1 : byte)),
    );
    await expectCode(readBundle(target, { verify: [] }), 'digest-mismatch');
    await expectCode(addOperatingPoints(target, [describedPoint('a')]), 'digest-mismatch');
    await writeFile(path, original.subarray(1));
    await expectCode(readBundle(target), 'digest-mismatch');
    await rm(path);
    await expectCode(readBundle(target), 'missing-file');
    expect((await readManifest(target)).manifest).toEqual(manifest);
  });
});

describe('leftovers of an interrupted write', () => {
  test('of a manifest or a table do not stop reading, adding or replacing', async () => {
    const bytes = writeProfile(profile());
    const { manifest } = await addOperatingPoints(target, [profiled('p', bytes)]);
    const [name] = await tables();
    await writeFile(join(target, '.featherwire.json.tmp-1'), '{');
    await writeFile(join(target, 'tables', `.${name}.tmp-1`), bytes.subarray(3));
    await writeFile(join(target, 'tables', '0123456789abcdef.bin'), bytes);
    expect((await readBundle(target)).manifest).toEqual(manifest);
    await addOperatingPoints(target, [describedPoint('a')]);
    await writeBundle(target, bundleContent('new'), { overwrite: true });
    expect((await readdir(target)).sort()).toEqual(MODEL_ENTRIES);
  });

  test('a table that an interrupted write cut short is written again', async () => {
    await mkdir(join(target, 'tables'));
    await addOperatingPoints(target, [profiled('p')]);
    const path = join(target, 'tables', (await tables())[0]);
    const { size } = await stat(path);
    await addOperatingPoints(target, [describedPoint('p')], { replace: 'same-id' });
    await writeFile(path, 'half');
    await addOperatingPoints(target, [profiled('p')], { replace: 'same-id' });
    expect((await stat(path)).size).toBe(size);
    expect((await readBundle(target)).profiles.size).toBe(1);
  });

  test('another file among the tables is none, and is not deleted', async () => {
    await mkdir(join(target, 'tables'));
    await writeFile(join(target, 'tables', 'thesis.bin'), 'x');
    await expectCode(writeBundle(target, bundleContent(), { overwrite: true }), 'not-a-bundle');
  });
});
