/**
 * Streaming statistics of feature values: one pass, constant memory, mergeable, so that ranges and quantizers are
 * designed from any number of samples. Mean and variance follow Chan, Golub and LeVeque, "Updating formulae and
 * a pairwise algorithm for computing sample variances" (1979); the rest are counts and a histogram with bins of
 * 1/64 octave (`value-histogram.ts`). Encoding only.
 */

import type { ValueDistribution } from './distribution.js';
import {
  addWords,
  createHistogram,
  distributionOfHistogram,
  mergeHistogram,
  positivePart,
  quantileOfHistogram,
  type ValueHistogram,
} from './value-histogram.js';

/** Values whose mean is taken in one go; their sum loses no more than 12 bits of the double. */
const BATCH = 4_096;

/**
 * What is known of the values seen. Plain data: it may be cloned and sent. NaN and infinities are counted and
 * enter nothing else.
 */
export interface FeatureStatistics {
  /** Finite values. */
  count: number;
  nanCount: number;
  infiniteCount: number;
  /** Values equal to 0. */
  zeroCount: number;
  /** +Infinity while there is no finite value. */
  low: number;
  /** -Infinity while there is no finite value. */
  high: number;
  /** 0 while there is no finite value. */
  mean: number;
  /** Sum of squared differences from the mean. */
  squaredDeviations: number;
  /** The finite values other than 0. */
  readonly histogram: ValueHistogram;
}

/** Statistics of no values. */
export function createStatistics(): FeatureStatistics {
  return {
    count: 0,
    nanCount: 0,
    infiniteCount: 0,
    zeroCount: 0,
    low: Number.POSITIVE_INFINITY,
    high: Number.NEGATIVE_INFINITY,
    mean: 0,
    squaredDeviations: 0,
    histogram: createHistogram(),
  };
}

/** Takes values in. @param values - any number, any shape; not kept */
export function addValues(statistics: FeatureStatistics, values: Float32Array): void {
  for (let from = 0; from < values.length; from += BATCH) {
    addBatch(statistics, values.subarray(from, from + BATCH));
  }
  addWords(statistics.histogram, new Uint32Array(values.buffer, values.byteOffset, values.length));
}

/** Statistics of values. */
export function statisticsOf(values: Float32Array): FeatureStatistics {
  const statistics = createStatistics();
  addValues(statistics, values);
  return statistics;
}

/** Statistics of all values that the parts have seen. The parts are not changed. */
export function mergeStatistics(parts: readonly FeatureStatistics[]): FeatureStatistics {
  const merged = createStatistics();
  for (const part of parts) {
    merged.nanCount += part.nanCount;
    merged.infiniteCount += part.infiniteCount;
    merged.zeroCount += part.zeroCount;
    merged.low = Math.min(merged.low, part.low);
    merged.high = Math.max(merged.high, part.high);
    mergeMoments(merged, part.count, part.mean, part.squaredDeviations);
    mergeHistogram(merged.histogram, part.histogram);
  }
  return merged;
}

/** Population variance; NaN while there is no finite value. */
export function varianceOf(statistics: FeatureStatistics): number {
  return statistics.squaredDeviations / statistics.count;
}

/** Share of exact zeros among finite values. */
export function zeroShareOf(statistics: FeatureStatistics): number {
  return statistics.zeroCount / statistics.count;
}

/** Mean of the values above 0, to 2^-18; NaN if there is none. */
export function positiveMeanOf(statistics: FeatureStatistics): number {
  const { sum, count } = positivePart(statistics.histogram);
  return sum / count;
}

/**
 * The value below which `share` of the finite values lies, to 1/64 of the value.
 * @param share - in [0, 1] @returns NaN while there is no finite value
 * @throws {RangeError} if `share` is outside
 */
export function quantileOf(statistics: FeatureStatistics, share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`share expected 0 to 1, got ${share}`);
  if (statistics.count === 0) return Number.NaN;
  if (share === 0) return statistics.low;
  if (share === 1) return statistics.high;
  const value = quantileOfHistogram(statistics.histogram, statistics.zeroCount, share);
  return Math.min(Math.max(value, statistics.low), statistics.high);
}

/**
 * The values seen, as a density to design with; no mass if there is none.
 * @param finest - magnitudes below it need no detail; the default keeps all
 */
export function distributionOfStatistics(
  statistics: FeatureStatistics,
  finest: number = 0,
): ValueDistribution {
  return distributionOfHistogram(statistics.histogram, statistics.zeroCount, finest);
}

/** Everything but the histogram. Two passes over a batch keep its variance exact. */
function addBatch(statistics: FeatureStatistics, values: Float32Array): void {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    // The difference is 0 for finite values and NaN for all others.
    if (value - value !== 0) {
      if (Number.isNaN(value)) statistics.nanCount++;
      else statistics.infiniteCount++;
      continue;
    }
    if (value < statistics.low) statistics.low = value + 0; // -0 is 0
    if (value > statistics.high) statistics.high = value + 0;
    if (value === 0) statistics.zeroCount++;
    sum += value;
    count++;
  }
  if (count === 0) return;
  const mean = sum / count;
  let squaredDeviations = 0;
  for (let i = 0; i < values.length; i++) {
    const deviation = values[i] - mean;
    if (deviation - deviation === 0) squaredDeviations += deviation * deviation;
  }
  mergeMoments(statistics, count, mean, squaredDeviations);
}

function mergeMoments(
  target: FeatureStatistics,
  count: number,
  mean: number,
  squaredDeviations: number,
): void {
  if (count === 0) return;
  const total = target.count + count;
  const difference = mean - target.mean;
  target.squaredDeviations += squaredDeviations + difference * difference * ((target.count * count) / total);
  target.mean += (difference * count) / total;
  target.count = total;
}
