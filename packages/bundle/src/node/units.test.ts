import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CodingProfile, writeProfile } from '@featherwire/codec';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  bundleContent,
  bytesOf,
  createExampleBundle,
  describedPoint,
  expectCode,
  snapshotOf,
} from '../../test/bundle-directory.js';
import { codedTensors, unitOfPoint } from '../coded-tensors.js';
import { addOperatingPoints } from './operating-points.js';
import type { ProfiledPointSource, UnitSource } from './point-sources.js';
import { readBundle } from './read-bundle.js';
import { writeBundle } from './write-bundle.js';

let root: string;
let target: string;

beforeEach(async () => {
  ({ root, target } = await createExampleBundle());
});
afterEach(() => rm(root, { recursive: true, force: true }));

const LATENT = { name: 'latent', dtype: 'float32', shape: [1, 4] } as const;
const unitFiles = async () => (await readdir(join(target, 'units'))).sort();

function unit(id: string, reduction = `reduction of ${id}`): UnitSource {
  const part = (text: string) => ({ model: bytesOf(text), parameters: 3, macs: null });
  return { id, latent: [LATENT], reduction: part(reduction), restoration: part(`restoration of ${id}`) };
}

/** A point of a unit's latent. */
function point(id: string, unitId: string, shape: readonly number[] = [1, 4]): ProfiledPointSource {
  const affine = { levelCount: 8, offset: 0, step: 1, zeroPoint: 4 };
  const tensor = { dtype: 'float32', shape, quantizer: { kind: 'affine', affine } } as const;
  const profile: CodingProfile = { tensors: [{ ...tensor, thresholds: null, coder: null }] };
  return { id, kind: 'profiled', unit: unitId, profile: writeProfile(profile) };
}

describe('units', () => {
  test('are added with their points, and read with their files checked', async () => {
    const added = await addOperatingPoints(target, [point('fine', 'a'), point('coarse', 'b')], {
      units: [unit('a'), unit('b')],
    });
    const read = await readBundle(target);
    expect(read.manifest).toEqual(added.manifest);
    const [, fine] = read.manifest.operatingPoints;
    expect(unitOfPoint(read.manifest, fine)?.id).toBe('a');
    expect(codedTensors(read.manifest, fine)).toEqual([LATENT]);
    expect(codedTensors(read.manifest, read.manifest.operatingPoints[0])).toBe(read.manifest.cut);
    expect(await readFile(read.unitPath('b', 'restoration'), 'utf8')).toBe('restoration of b');
    expect(() => read.unitPath('c', 'reduction')).toThrow("got 'c'");
    await writeFile(read.unitPath('b', 'restoration'), 'restoration of x');
    await expectCode(readBundle(target), 'digest-mismatch');
    await expectCode(readBundle(target, { verify: ['restoration'] }), 'digest-mismatch');
    await expect(readBundle(target, { verify: ['head', 'reduction'] })).resolves.toBeTruthy();
  });

  test('may be there from the first write on, and may share a half', async () => {
    const { manifest, parts } = bundleContent();
    const path = join(root, 'other');
    const units = [unit('a', 'same'), unit('b', 'same')];
    const operatingPoints = [point('fine', 'a'), point('coarse', 'b')];
    await writeBundle(path, { manifest: { ...manifest, units, operatingPoints }, parts });
    expect((await readBundle(path)).manifest.units?.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(await readdir(join(path, 'units'))).toHaveLength(3);
    await writeBundle(path, bundleContent('new'), { overwrite: true });
    expect(await readdir(path)).not.toContain('units');
  });

  test('leave the bundle with the last point that names them', async () => {
    await addOperatingPoints(target, [point('fine', 'a'), point('coarse', 'b')], {
      units: [unit('a'), unit('b')],
    });
    expect(await unitFiles()).toHaveLength(4);
    const { manifest } = await addOperatingPoints(target, [describedPoint('fine')], { replace: 'same-id' });
    expect(manifest.units?.map(({ id }) => id)).toEqual(['b']);
    expect(await unitFiles()).toHaveLength(2);
    const bare = await addOperatingPoints(target, [describedPoint('q16')], { replace: 'all' });
    expect('units' in bare.manifest).toBe(false);
    expect(await unitFiles()).toHaveLength(0);
  });

  test('take the place of one of the same id only where that is asked for', async () => {
    await addOperatingPoints(target, [point('fine', 'a')], { units: [unit('a')] });
    const before = await snapshotOf(root);
    const other = { units: [unit('a', 'other')] };
    await expectCode(addOperatingPoints(target, [point('x', 'a')], other), 'invalid-manifest');
    expect(await snapshotOf(root)).toEqual(before);
    const replaced = await addOperatingPoints(target, [point('fine', 'a')], {
      ...other,
      replace: 'same-id',
    });
    expect(await readFile(replaced.unitPath('a', 'reduction'), 'utf8')).toBe('other');
    expect(await unitFiles()).toHaveLength(2);
  });

  test('that change take the other points of theirs along', async () => {
    const points = [point('fine', 'a'), point('coarse', 'a'), point('other', 'b')];
    await addOperatingPoints(target, points, { units: [unit('a'), unit('b')] });
    const again = { units: [unit('a'), unit('b')], replace: 'same-id' } as const;
    const same = await addOperatingPoints(target, [point('fine', 'a')], again);
    expect(same.manifest.operatingPoints.map(({ id }) => id)).toEqual(['q16', 'fine', 'coarse', 'other']);
    const changed = { units: [unit('a', 'other')], replace: 'same-id' } as const;
    const { manifest } = await addOperatingPoints(target, [point('fine', 'a')], changed);
    expect(manifest.operatingPoints.map(({ id }) => id)).toEqual(['q16', 'other', 'fine']);
  });

  test('are refused with points that do not fit them, and nothing is written', async () => {
    const before = await snapshotOf(root);
    const add = (source: ProfiledPointSource) => addOperatingPoints(target, [source], { units: [unit('a')] });
    await expectCode(add(point('fine', 'b')), 'invalid-manifest');
    await expectCode(add(point('fine', 'a', [1, 5])), 'invalid-profile');
    expect(await snapshotOf(root)).toEqual(before);
  });
});
