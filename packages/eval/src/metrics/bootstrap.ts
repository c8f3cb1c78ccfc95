/**
 * Percentile bootstrap intervals (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13):
 * samples are drawn with replacement and the metric is recomputed; paired comparison draws the same samples
 * for both sides.
 */

import { createRandom, type RandomSource } from '@featherwire/tensor';
import { pooledRatio, type Ratio } from './ratio.js';

/** A metric with its interval. */
export interface Estimate {
  /** The metric on the samples themselves. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Options of the intervals. */
export interface BootstrapOptions {
  /** 1 by default. */
  readonly seed?: number;
  /** Number of resamples, at least 1; 2,000 by default. */
  readonly resampleCount?: number;
  /** Probability that the interval is meant to cover, above 0 and below 1; 0.95 by default. */
  readonly confidence?: number;
}

/**
 * The pooled ratio of samples with its interval.
 * @param samples - at least one, with a positive sum of denominators
 * @throws {RangeError} if there is nothing to resample or an option is out of range
 */
export function bootstrapRatio(samples: readonly Ratio[], options: BootstrapOptions = {}): Estimate {
  return bootstrap([samples], ([ratio]) => ratio, options);
}

/**
 * The difference of two pooled ratios measured on the same samples, `b - a`, with its interval.
 * @param a - one entry per sample
 * @param b - as `a`, in the same order
 * @throws {RangeError} if the lists differ in length, there is nothing to resample, or an option is out of range
 */
export function bootstrapDifference(
  a: readonly Ratio[],
  b: readonly Ratio[],
  options: BootstrapOptions = {},
): Estimate {
  if (a.length !== b.length)
    throw new RangeError(`samples expected equal counts, got ${a.length} and ${b.length}`);
  return bootstrap([a, b], ([ratioA, ratioB]) => ratioB - ratioA, options);
}

function checkSamples(samples: readonly Ratio[]): void {
  const valid = samples.every(
    ({ numerator, denominator }) =>
      Number.isFinite(numerator) && Number.isFinite(denominator) && denominator >= 0,
  );
  if (!valid || !samples.some(({ denominator }) => denominator > 0)) {
    throw new RangeError(`samples expected finite ratios with a positive sum, got ${samples.length} samples`);
  }
}

/** Interval of a statistic of the pooled ratios of lists that are resampled together. */
function bootstrap(
  lists: readonly (readonly Ratio[])[],
  statistic: (ratios: readonly number[]) => number,
  { seed = 1, resampleCount = 2000, confidence = 0.95 }: BootstrapOptions,
): Estimate {
  lists.forEach(checkSamples);
  if (!Number.isInteger(resampleCount) || resampleCount < 1) {
    throw new RangeError(`resampleCount expected an integer of at least 1, got ${resampleCount}`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`confidence expected a number between 0 and 1, got ${confidence}`);
  }
  const random = createRandom(seed);
  const values = Float64Array.from({ length: resampleCount }, () =>
    statistic(resampledRatios(lists, random)),
  ).sort();
  const tail = (1 - confidence) / 2;
  return {
    value: statistic(lists.map((list) => pooledRatio(list))),
    low: quantile(values, tail),
    high: quantile(values, 1 - tail),
  };
}

/** Pooled ratio of each list over one draw of samples; draws without any chance (denominator 0) are repeated. */
function resampledRatios(lists: readonly (readonly Ratio[])[], random: RandomSource): number[] {
  const sampleCount = lists[0].length;
  for (;;) {
    const drawn = Uint32Array.from({ length: sampleCount }, () => random.nextInteger(sampleCount));
    const ratios = lists.map((list) => pooledRatio(list, drawn));
    if (ratios.every(Number.isFinite)) return ratios;
  }
}

/** Quantile of ascending values, linear between neighbours. */
function quantile(sorted: Float64Array, probability: number): number {
  const position = probability * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
