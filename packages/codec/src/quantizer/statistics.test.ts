import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { meanAndVariance } from './distribution.js';
import {
  addValues,
  createStatistics,
  distributionOfStatistics,
  mergeStatistics,
  positiveMeanOf,
  quantileOf,
  statisticsOf,
  varianceOf,
  zeroShareOf,
} from './statistics.js';

function draw(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from(
    { length: count },
    () => Math.max(-0.1, random.nextNormal()) * 10 ** random.nextInteger(3),
  );
}

function exactMoments(values: Float32Array): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
}

describe('streaming statistics', () => {
  test('equal those of all values at once', () => {
    const values = draw(50_000, 1);
    values.fill(0, 100, 300);
    const statistics = createStatistics();
    for (let from = 0; from < values.length; from += 777)
      addValues(statistics, values.subarray(from, from + 777));
    const { mean, variance } = exactMoments(values);
    expect(statistics.count).toBe(50_000);
    expect(statistics.low).toBe(Math.min(...values));
    expect(statistics.high).toBe(Math.max(...values));
    expect(zeroShareOf(statistics)).toBe(200 / 50_000);
    expect(statistics.mean / mean).toBeCloseTo(1, 12);
    expect(varianceOf(statistics) / variance).toBeCloseTo(1, 12);
  });

  test('merge in any order to the same counts, limits and histogram', () => {
    const parts = [1, 2, 3, 4].map((seed) => statisticsOf(draw(5_000 * seed, seed)));
    const one = mergeStatistics(parts);
    const other = mergeStatistics([
      mergeStatistics([parts[3], parts[1]]),
      createStatistics(),
      parts[0],
      parts[2],
    ]);
    expect(other.histogram).toEqual(one.histogram);
    expect([other.count, other.low, other.high]).toEqual([one.count, one.low, one.high]);
    expect(other.mean / one.mean).toBeCloseTo(1, 12);
    expect(other.squaredDeviations / one.squaredDeviations).toBeCloseTo(1, 12);
    const whole = statisticsOf(
      Float32Array.of(...[1, 2, 3, 4].flatMap((seed) => [...draw(5_000 * seed, seed)])),
    );
    expect(whole.histogram).toEqual(one.histogram);
  });

  test('keep the variance of values far from 0', () => {
    const values = draw(20_000, 5).map((value) => Math.fround(1e6 + (value % 4)));
    expect(varianceOf(statisticsOf(values)) / exactMoments(values).variance).toBeCloseTo(1, 9);
  });

  test('count NaN and infinities and leave them out', () => {
    const values = Float32Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0);
    const statistics = statisticsOf(values);
    expect(statistics).toMatchObject({
      count: 3,
      nanCount: 1,
      infiniteCount: 2,
      zeroCount: 1,
      low: 0,
      high: 3,
    });
    expect(statistics.mean).toBeCloseTo(4 / 3, 12);
    expect(quantileOf(statistics, 1)).toBe(3);
  });

  test('survive a structured clone', () => {
    const statistics = statisticsOf(draw(1_000, 6));
    expect(mergeStatistics([structuredClone(statistics)])).toEqual(mergeStatistics([statistics]));
  });

  test('of nothing have no mean to speak of', () => {
    const statistics = statisticsOf(new Float32Array(0));
    expect(statistics).toMatchObject({ count: 0, mean: 0 });
    expect(varianceOf(statistics)).toBeNaN();
    expect(quantileOf(statistics, 0.5)).toBeNaN();
    expect(distributionOfStatistics(statistics)).toEqual({ pieces: [], masses: [] });
  });

  test('take no more memory for more values', () => {
    const statistics = createStatistics();
    const random = createRandom(8);
    const words = Uint32Array.from({ length: 200_000 }, () => random.nextUint32());
    addValues(statistics, new Float32Array(words.buffer));
    const bytes = statistics.histogram.octaves.reduce((sum, octave) => sum + (octave?.byteLength ?? 0), 0);
    expect(bytes).toBe(510 * 3 * 64 * 8);
  });
});

describe('the histogram', () => {
  test('gives quantiles to 1/64 of the value', () => {
    const values = draw(30_000, 9);
    const sorted = values.slice().sort();
    const statistics = statisticsOf(values);
    for (const share of [0, 0.001, 0.1, 0.3, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
      const found = quantileOf(statistics, share);
      expect(Math.abs(found - exact), `${share}: ${found} for ${exact}`).toBeLessThanOrEqual(
        Math.abs(exact) / 64 + 1e-3,
      );
    }
    expect(() => quantileOf(statistics, 1.1)).toThrow(RangeError);
  });

  test('keeps mean and variance, and tells masses at one value', () => {
    const values = draw(30_000, 10);
    values.fill(0, 0, 5_000);
    values.fill(6, 5_000, 9_000);
    const distribution = distributionOfStatistics(statisticsOf(values));
    expect(distribution.masses.find(({ value }) => value === 0)?.mass).toBeCloseTo(5 / 30, 12);
    const exact = exactMoments(values);
    const found = meanAndVariance(distribution);
    expect(found.mean / exact.mean).toBeCloseTo(1, 5);
    expect(found.variance / exact.variance).toBeCloseTo(1, 4);
    const onlySix = distributionOfStatistics(statisticsOf(new Float32Array(10).fill(6)));
    expect(onlySix).toEqual({ pieces: [], masses: [{ value: 6, mass: 1 }] });
  });

  test('keeps mean and variance where small values are joined', () => {
    const values = draw(30_000, 11);
    const exact = exactMoments(values);
    const statistics = statisticsOf(values);
    const coarse = distributionOfStatistics(statistics, 8);
    expect(coarse.pieces.length).toBeLessThan(distributionOfStatistics(statistics).pieces.length / 2);
    expect(meanAndVariance(coarse).mean / exact.mean).toBeCloseTo(1, 5);
    expect(meanAndVariance(coarse).variance / exact.variance).toBeCloseTo(1, 2);
    expect(
      coarse.pieces.every(({ from, to }, i, { [i - 1]: before }) => from < to && !(before?.to > from)),
    ).toBe(true);
  });

  test('has the mean of the positive values to 2^-18', () => {
    const values = draw(10_000, 12);
    const positive = values.filter((value) => value > 0);
    const found = positiveMeanOf(statisticsOf(values));
    expect(Math.abs(found / exactMoments(positive).mean - 1)).toBeLessThan(2 ** -18);
  });

  test('holds the smallest and the largest float32', () => {
    const values = Float32Array.of(2 ** -149, -(2 ** -149), 3.4028234663852886e38, -3.4028234663852886e38);
    const statistics = statisticsOf(values);
    const { masses } = distributionOfStatistics(statistics);
    expect(masses.reduce((sum, { mass }) => sum + mass, 0)).toBe(1);
    expect(masses.every(({ value }) => Number.isFinite(value))).toBe(true);
    expect(quantileOf(statistics, 1)).toBe(3.4028234663852886e38);
  });
});
