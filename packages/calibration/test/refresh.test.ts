/** Points after the inputs changed, on the network of known tail. */

import { loadBackend, summarizeFeature } from '@featherwire/codec';
import { DataSetError, type Sample } from '@featherwire/eval';
import { type Tensor, type TensorOf, tensor } from '@featherwire/tensor';
import { beforeAll, expect, test } from 'vitest';
import { levelsFamily, tensorSamples } from '../src/families.js';
import {
  type Calibration,
  calibrate,
  holdsFeatures,
  recordedFeatures,
  refresh,
  type SplitSource,
} from '../src/index.js';
import { pooledManifest, pooledNetwork, sampleOf } from './pooled-network.js';

const SAMPLES = 120;

/** Samples whose values are so many times as large. */
const dataOf = (gain: number, from = 0) => ({
  name: 'noise',
  length: SAMPLES,
  description: `${SAMPLES} noises`,
  async sample(index: number): Promise<Sample> {
    const own = await sampleOf(from + index);
    if (own.input.kind !== 'tensor') throw new Error('sample is no tensor');
    const { dtype, shape, data } = own.input.tensor as TensorOf<'float32'>;
    return {
      ...own,
      input: { kind: 'tensor', tensor: { dtype, shape, data: data.map((value) => gain * value) } },
    };
  },
});

let backend: Awaited<ReturnType<typeof loadBackend>>;
let source: SplitSource;
let calibration: Calibration;
beforeAll(async () => {
  backend = await loadBackend('reference');
  source = { manifest: pooledManifest, ...pooledNetwork(), data: dataOf(1), truth: 'agreement' };
  calibration = await calibrate({ source, backend, maxLoss: 5, pointCount: 2 });
}, 120_000);

const isWithin = (value: number, { low, high }: { low: number; high: number }) =>
  value >= low && value <= high;

test('calibrated points have bands in which fresh samples stay, and shifted ones do not', async () => {
  for (const { coding, measured } of calibration.points) {
    const [{ saturated, background }] = measured.bands!;
    const sharesOf = async (gain: number) => {
      const sums = { saturated: 0, background: 0 };
      for (let i = 0; i < 64; i++) {
        const { input } = await dataOf(gain, 5_000).sample(i);
        if (input.kind !== 'tensor') throw new Error('sample is no tensor');
        const { outputs } = await source.head.run({ x: input.tensor });
        const summary = summarizeFeature(outputs.cut, coding.profile.tensors[0], backend);
        sums.saturated += summary.saturatedShare / 64;
        sums.background += summary.backgroundShare / 64;
      }
      return sums;
    };
    const usual = await sharesOf(1);
    expect(isWithin(usual.saturated, saturated) && isWithin(usual.background, background)).toBe(true);
    const shifted = await sharesOf(3);
    expect(isWithin(shifted.saturated, saturated) && isWithin(shifted.background, background)).toBe(false);
  }
});

test('a refreshed point spares the output of changed inputs, keeps its steps, and has their bands', async () => {
  const points = calibration.points.map(({ id, coding }) => ({ id, coding }));
  const { points: refreshed, samples } = await refresh({
    source: { ...source, data: dataOf(3, 1_000) },
    points,
    backend,
  });
  expect(refreshed.map(({ id }) => id)).toEqual(points.map(({ id }) => id));
  for (const [i, { change, coding, before, after, measured }] of refreshed.entries()) {
    expect(change).toBe('redesigned');
    expect(after.distance).toBeLessThan(0.5 * before.distance);
    expect(measured.sampleCount).toBe(samples.claim);
    expect(measured.bytesPerSample).toBe(after.bytesPerSample);
    const [own, old] = [coding, points[i].coding].map(({ profile }) => profile.tensors[0].quantizer);
    if (own.kind !== 'spectral' || old.kind !== 'spectral') throw new Error(`quantizer is ${own.kind}`);
    expect(own.spectral.steps).toEqual(old.spectral.steps);
    expect(own.spectral.weights).toEqual(old.spectral.weights);
    const band = calibration.points[i].measured.bands![0].saturated;
    expect(isWithin(measured.bands![0].saturated.mean, { low: 0, high: Math.max(band.high, 2e-3) })).toBe(
      true,
    );
  }
}, 60_000);

test('inputs that did not change leave the points nearly as they were', async () => {
  const points = calibration.points.map(({ id, coding }) => ({ id, coding }));
  const { points: refreshed } = await refresh({
    source: { ...source, data: dataOf(1, 2_000) },
    points,
    backend,
  });
  for (const { before, after } of refreshed) {
    expect(Math.abs(after.bytesPerSample / before.bytesPerSample - 1)).toBeLessThan(0.1);
    expect(after.distance).toBeLessThan(1.3 * before.distance);
  }
}, 60_000);

test('codings that calibration does not design stay and get their bands', async () => {
  const { coding } = calibration.points[0];
  const [profile] = coding.profile.tensors;
  const integers = {
    ...profile,
    quantizer: { kind: 'integer', lowest: 0, levelCount: 3 },
    coder: null,
  } as const;
  const points = [{ id: 'integers', coding: { lambda: 0, profile: { tensors: [integers] } } }];
  const { points: refreshed } = await refresh({ source, points, backend });
  expect(refreshed[0]).toMatchObject({ change: 'kept', coding: points[0].coding });
  expect(refreshed[0].measured.bands).toHaveLength(1);
}, 60_000);

test('listed levels follow their values', async () => {
  const features: TensorOf<'float32'>[] = [];
  for (let i = 0; i < 8; i++) {
    const { input } = await dataOf(1, 3_000).sample(i);
    if (input.kind !== 'tensor') throw new Error('sample is no tensor');
    features.push((await source.head.run({ x: input.tensor })).outputs.cut as TensorOf<'float32'>);
  }
  const tensors = [tensorSamples(features)];
  const coding = levelsFamily(tensors, backend).create(0.25)!;
  const options = { source: { ...source, data: dataOf(3, 1_000) }, points: [{ id: 'own', coding }], backend };
  const [{ change, before, after }] = (await refresh(options)).points;
  expect(change).toBe('redesigned');
  expect(after.distance).toBeLessThan(0.5 * before.distance);
}, 60_000);

test('recorded features stand for inputs and head', async () => {
  const values: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const { input } = await dataOf(3, 1_000).sample(i);
    if (input.kind !== 'tensor') throw new Error('sample is no tensor');
    values.push(...((await source.head.run({ x: input.tensor })).outputs.cut.data as Float32Array));
  }
  const cut = tensor('float32', [SAMPLES, 12, 8, 8], Float32Array.from(values));
  const arrays = new Map<string, Tensor>([['cut', cut]]);
  expect(holdsFeatures(arrays, pooledManifest.cut)).toBe(true);
  const points = calibration.points.slice(0, 1);
  const recorded = { ...source, ...recordedFeatures(arrays, pooledManifest.cut, 'recorded.npz') };
  const direct = await refresh({ source: { ...source, data: dataOf(3, 1_000) }, points, backend });
  const looked = await refresh({ source: recorded, points, backend });
  expect(looked.points[0].after).toEqual(direct.points[0].after);
  expect(looked.points[0].measured.data).toContain('features of recorded.npz');
}, 60_000);

test.each([
  [
    'another shape',
    tensor('float32', [3, 12, 8, 4], new Float32Array(3 * 12 * 32)),
    'got float32 [3, 12, 8, 4]',
  ],
  ['no samples', tensor('float32', [0, 12, 8, 8], new Float32Array(0)), 'got 0'],
])('recorded features of %s are refused', (_, array, got) => {
  const open = () => recordedFeatures(new Map([['cut', array]]), pooledManifest.cut, 'recorded.npz');
  expect(open).toThrow(DataSetError);
  expect(open).toThrow(got);
});
