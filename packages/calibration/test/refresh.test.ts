/** Points after the inputs changed, on the network of known tail. */

import { decodeFrame, encodeBundledFrame, loadBackend, summarizeFeature } from '@featherwire/codec';
import { DataSetError, type Sample } from '@featherwire/eval';
import { type Tensor, type TensorOf, tensor } from '@featherwire/tensor';
import { beforeAll, expect, test } from 'vitest';
import { componentFamily } from '../src/component-family.js';
import { deviationOf, levelsFamily, spectralFamily, tensorSamples } from '../src/families.js';
import {
  type Calibration,
  calibrate,
  holdsFeatures,
  recordedFeatures,
  refresh,
  type SplitSource,
} from '../src/index.js';
import { redesign } from '../src/redesign.js';
import { spectralBasis } from '../src/spectral-design.js';
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

/** What the head makes of the first samples. */
async function featuresOf(data: ReturnType<typeof dataOf>, count: number): Promise<TensorOf<'float32'>[]> {
  const features: TensorOf<'float32'>[] = [];
  for (let i = 0; i < count; i++) {
    const { input } = await data.sample(i);
    if (input.kind !== 'tensor') throw new Error('sample is no tensor');
    features.push((await source.head.run({ x: input.tensor })).outputs.cut as TensorOf<'float32'>);
  }
  return features;
}

/** Channels of the first half have those of the second half in them, which are small themselves. */
function joinChannels(data: Float32Array): Float32Array {
  const size = 64;
  return data.map((value, i) => (Math.floor(i / size) < 6 ? value + data[i + 6 * size] : value / 4));
}

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

test('a refreshed point spares the output of changed inputs, keeps its steps, and saturates as little', async () => {
  const cut = [tensorSamples(await featuresOf(dataOf(1, 3_000), 16))];
  const damage = { frequencies: new Float64Array(64).fill(1), channels: new Float64Array(12).fill(1) };
  const bases = [spectralBasis(cut[0].samples, 8, damage, deviationOf(cut[0]))];
  const family = spectralFamily(cut, bases, { frequency: 0, channel: 0 }, 0, backend);
  const points = [2, 1].map((scale) => ({ id: `scale ${scale}`, coding: family.create(scale)! }));
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
    expect(measured.bands![0].saturated.mean).toBeLessThan(2e-3);
  }
}, 60_000);

test('components follow channels that change their places', async () => {
  const features = await featuresOf(dataOf(1, 3_000), 16);
  const joined = features.map((feature) => ({ ...feature, data: joinChannels(feature.data) }));
  const turned = joined.map((feature) => ({ ...feature, data: feature.data.slice().reverse() }));
  const { create } = componentFamily([tensorSamples(joined)], 8, 0, backend);
  const before = create(0.5)!;
  const after = redesign(before, [tensorSamples(turned)], backend)!;
  const [old, own] = [before, after].map(({ profile }) => profile.tensors[0].quantizer);
  if (own.kind !== 'blocks' || old.kind !== 'blocks') throw new Error(`quantizer is ${own.kind}`);
  expect(own.blocks.step).toBe(old.blocks.step);
  expect(own.blocks.basis!.weights).not.toEqual(old.blocks.basis!.weights);
  // Components that the old channels did not need are those that the new ones are made of.
  const errorOf = ({ profile, lambda }: typeof after): number => {
    const frame = encodeBundledFrame([turned[0]], { profile, point: 0, sequenceNumber: 0, lambda, backend });
    const { data } = decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) });
    return turned[0].data.reduce((sum, value, i) => sum + (value - Number(data[i])) ** 2, 0);
  };
  expect(errorOf(after)).toBeLessThan(0.5 * errorOf(before));
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
  const tensors = [tensorSamples(await featuresOf(dataOf(1, 3_000), 8))];
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
