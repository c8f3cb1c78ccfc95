/** What a cut's feature looks like: how its values are distributed, where a coder would clip them, and which channels cost bits. */

import { addValues, createStatistics, designRange } from '@featherwire/codec';
import type { Feature } from '../baselines/features/feature-coder.js';
import { codesOfValues } from '../baselines/features/level-codes.js';

/** Summary of one tensor over calibration features. */
export interface FeatureSummary {
  readonly shape: readonly number[];
  /** Smallest and largest value. */
  readonly low: number;
  readonly high: number;
  /** Share of the elements in bins of equal width from `low` to `high`. */
  readonly histogram: readonly number[];
  /** Clip limits of least squared error by the model of the activation. */
  readonly clip: { readonly levelCount: number; readonly low: number; readonly high: number };
  /** Order-0 entropy of the indices of each channel at those levels, bit per element: an estimate and no coded rate. */
  readonly channelBits: readonly number[];
}

const BIN_COUNT = 80;
const LEVEL_COUNT = 8;

/**
 * Summarizes one tensor of a cut.
 * @param seen - of one shape, at least one; channels are the second dimension, of tokens the last
 */
export function summarizeTensor(seen: readonly Feature[]): FeatureSummary {
  const statistics = createStatistics();
  for (const { data } of seen) addValues(statistics, data);
  const { low, high } = statistics;
  const [{ shape }] = seen;
  const counts = new Array<number>(BIN_COUNT).fill(0);
  let elements = 0;
  for (const { data } of seen) {
    for (const bin of codesOfBins(data, low, high)) counts[bin]++;
    elements += data.length;
  }
  const range = designRange(statistics, { levelCount: LEVEL_COUNT });
  const clip = { levelCount: LEVEL_COUNT, low: range.low, high: range.high };
  return {
    shape: [...shape],
    low,
    high,
    histogram: counts.map((count) => count / elements),
    clip,
    channelBits: channelEntropies(seen, clip),
  };
}

function codesOfBins(data: Float32Array, low: number, high: number): Uint16Array {
  const scale = high > low ? BIN_COUNT / (high - low) : 0;
  return Uint16Array.from(data, (value) => Math.min(BIN_COUNT - 1, Math.floor((value - low) * scale)));
}

function channelEntropies(seen: readonly Feature[], clip: FeatureSummary['clip']): number[] {
  const { shape } = seen[0];
  const axis = shape.length === 3 ? 2 : 1;
  const channelCount = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((product, dimension) => product * dimension, 1);
  const counts = Array.from({ length: channelCount }, () => new Float64Array(clip.levelCount));
  for (const { data } of seen) {
    const indices = codesOfValues(data, clip, clip.levelCount);
    for (let i = 0; i < indices.length; i++) counts[Math.floor(i / inner) % channelCount][indices[i]]++;
  }
  return counts.map(entropyOf);
}

/** Bit per symbol. */
function entropyOf(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / total) * Math.log2(count / total)),
    0,
  );
}
