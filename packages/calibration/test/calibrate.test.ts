import { decodeFrame, encodeBundledFrame, loadBackend, readProfile, writeProfile } from '@featherwire/codec';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { refineCoding } from '../src/fine-contexts.js';
import { type Calibration, type CalibrationOptions, calibrate, measureOnData } from '../src/index.js';
import { lossOf } from '../src/measure.js';
import { noises, pooledManifest, pooledNetwork, sampleOf } from './pooled-network.js';

vi.mock('../src/fine-contexts.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../src/fine-contexts.js')>();
  return { refineCoding: vi.fn(original.refineCoding) };
});

let options: CalibrationOptions;
let calibration: Calibration;
beforeAll(async () => {
  const backend = await loadBackend('reference');
  const source = {
    manifest: pooledManifest,
    ...pooledNetwork(),
    data: noises(160),
    truth: 'agreement' as const,
  };
  options = { source, backend, maxLoss: 5, pointCount: 3 };
  calibration = await calibrate(options);
}, 120_000);

describe('a network that only looks at averages', () => {
  test('is calibrated to code averages: a fraction of the bytes of one range', () => {
    const { chosen, points, comparisons } = calibration;
    const point = points.find(({ id }) => id === chosen);
    expect(point?.kind).toBe('sensitivity');
    const [tensor] = point!.coding.profile.tensors;
    if (tensor.quantizer.kind !== 'spectral') throw new Error(`quantizer is ${tensor.quantizer.kind}`);
    const { blockSize, kept } = tensor.quantizer.spectral;
    expect(blockSize).toBe(8);
    // Averages, and next to nothing of the other frequencies.
    const countKept = (from: number, to: number) => kept.slice(from, to).reduce((sum, bit) => sum + bit, 0);
    expect(countKept(0, 12)).toBeGreaterThan(0);
    expect(countKept(12, kept.length)).toBeLessThan(0.02 * (kept.length - 12));
    const range = comparisons.find(({ kind }) => kind === 'range');
    expect(range!.saved).toBeGreaterThan(0.3);
  });

  test('tells its samples apart', () => {
    expect(calibration.exchangedLoss).toBeGreaterThan(2 * calibration.maxLoss);
  });

  test('points ascend in bytes and fall in damage', () => {
    const { points } = calibration;
    expect(points.length).toBeGreaterThan(1);
    for (const [i, point] of points.entries()) {
      if (i === 0) continue;
      expect(point.bytesPerSample).toBeGreaterThan(points[i - 1].bytesPerSample);
      expect(point.distance).toBeLessThan(points[i - 1].distance);
    }
  });

  test('what is claimed is what samples not seen before show, within the interval', async () => {
    const point = calibration.points.find(({ id }) => id === calibration.chosen)!;
    const { source, backend } = options;
    const fresh = await measureOnData({
      source: { ...source, data: noises(300, 10_000) },
      backend,
      coding: point.coding,
    });
    const [low, high] = point.measured.loss.interval;
    expect(fresh.loss.value).toBeGreaterThanOrEqual(low);
    expect(fresh.loss.value).toBeLessThanOrEqual(high);
    expect(Math.abs(fresh.bytesPerSample / point.bytesPerSample - 1)).toBeLessThan(0.1);
    expect(point.measured.sampleCount).toBe(calibration.samples.claim);
    const { lost, won } = point.hits!;
    expect((100 * (lost - won)) / calibration.samples.claim).toBeCloseTo(point.measured.loss.value, 9);
  });

  test('profiles survive their bytes, and the bytes counted are those of the frames', async () => {
    const { coding, measured } = calibration.points[0];
    const profile = readProfile(writeProfile(coding.profile));
    const { backend, source } = options;
    const { input } = await sampleOf(5);
    if (input.kind !== 'tensor') throw new Error('sample is no tensor');
    const { outputs } = await source.head.run({ x: input.tensor });
    const frame = encodeBundledFrame([outputs.cut], {
      profile,
      point: 0,
      sequenceNumber: 0,
      lambda: coding.lambda,
      backend,
    });
    expect(frame.length).toBeLessThanOrEqual(1.5 * measured.bytes!.max);
    expect(decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) }).shape).toEqual([1, 12, 8, 8]);
  });

  test('the same seed gives the same points', async () => {
    const again = await calibrate(options);
    expect(again.points.map(({ bytesPerSample }) => bytesPerSample)).toEqual(
      calibration.points.map(({ bytesPerSample }) => bytesPerSample),
    );
  }, 120_000);

  test('fine contexts give the same answers, within 2 % of the bytes', async () => {
    expect(refineCoding).not.toHaveBeenCalled();
    const fine = await calibrate({ ...options, contexts: 'least' });
    // Averages of small maps are too few for fine models to be smaller, but each point has been tried with them.
    expect(refineCoding).toHaveBeenCalledTimes(fine.points.length);
    for (const point of fine.points) {
      const plain = calibration.points.find(({ id }) => id === point.id);
      expect(point.measured.loss).toEqual(plain?.measured.loss);
      expect(point.bytesPerSample).toBeLessThan(1.02 * plain!.bytesPerSample);
    }
  }, 120_000);
});

describe('losses', () => {
  const hits = (count: number) => Array.from({ length: count }, () => ({ numerator: 1, denominator: 1 }));

  test('samples that all agree do not make sure that none ever disagrees', () => {
    const { value, low, high } = lossOf({ ratios: hits(100), references: hits(100) }, 'higher', 0.95);
    expect(value).toBe(0);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0.9);
    expect(high).toBeLessThan(4);
  });

  test('worse is positive, whichever way the metric points', () => {
    const misses = hits(50).map(() => ({ numerator: 0, denominator: 1 }));
    const worse = lossOf({ ratios: misses, references: hits(50) }, 'higher', 0.95);
    const errors = lossOf({ ratios: hits(50), references: misses }, 'lower', 0.95);
    expect([worse.value, errors.value]).toEqual([100, 100]);
  });
});

test('a raised signal ends the work with its reason', async () => {
  const stopping = new AbortController();
  stopping.abort(new Error('enough'));
  await expect(calibrate({ ...options, signal: stopping.signal })).rejects.toThrow('enough');
});

test.each([
  ['maxLoss', { maxLoss: -1 }],
  ['pointCount', { pointCount: 0 }],
  ['samples', { sampleCount: 3 }],
])('%s out of range is refused', async (name, change) => {
  await expect(calibrate({ ...options, ...change })).rejects.toThrow(new RegExp(`^${name} expected`));
});
