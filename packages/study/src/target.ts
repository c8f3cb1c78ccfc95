/** What is studied: a split network as a bundle, with the data to measure on and to design from. */

import type { NodeBundle } from '@featherwire/bundle/node';
import type { DataSet } from '@featherwire/eval';
import { createRandom } from '@featherwire/tensor';

/** A split network with data. */
export interface StudyTarget {
  /** The network, as tables print it. */
  readonly network: string;
  /** Tensors of the cut. */
  readonly cut: readonly string[];
  /** What is measured is drawn from here. */
  readonly data: DataSet;
  /** What methods design from; the same data set gives other samples of it. */
  readonly calibrationData: DataSet;
  /** Samples that are measured, from 2. */
  readonly sampleCount: number;
  /** As in `scoreOfTask`. */
  readonly against: 'labels' | 'unsplit';
  /** Opens the bundle, splitting the network first where that is to be done. @param directory - empty, for files that it needs */
  open(directory: string): Promise<NodeBundle>;
}

/** Name of a target, unique in a study. */
export function nameOfTarget({ network, cut }: Pick<StudyTarget, 'network' | 'cut'>): string {
  return `${network} at ${cut.join(' + ')}`;
}

/** Numbers of samples; where both data sets are one, no sample is in both lists. */
export interface DrawnSamples {
  readonly test: readonly number[];
  readonly seen: readonly number[];
}

/**
 * Draws samples.
 * @param seenCount - for calibration, fewer where the data have fewer
 * @throws {RangeError} if the data have too few samples
 */
export function drawSamples(
  { data, calibrationData, sampleCount }: Pick<StudyTarget, 'data' | 'calibrationData' | 'sampleCount'>,
  seenCount: number,
  seed: number,
): DrawnSamples {
  const isOne = data === calibrationData;
  const test = shuffled(data.length, seed).slice(0, sampleCount);
  const rest = isOne
    ? shuffled(data.length, seed).slice(sampleCount)
    : shuffled(calibrationData.length, seed);
  const seen = rest.slice(0, seenCount);
  if (test.length < 2 || seen.length < 2) {
    const has = isOne ? `${data.length}` : `${data.length} and ${calibrationData.length}`;
    throw new RangeError(`data expected at least 2 samples to measure and 2 to design from, got ${has}`);
  }
  const ascending = (a: number, b: number): number => a - b;
  return { test: test.sort(ascending), seen: seen.sort(ascending) };
}

/** The numbers from 0 to `length`, exclusive, in the order that a seed draws. */
export function shuffled(length: number, seed: number): number[] {
  const random = createRandom(seed);
  const order = Array.from({ length }, (_, i) => i);
  for (let i = 0; i < length - 1; i++) {
    const from = i + random.nextInteger(length - i);
    [order[i], order[from]] = [order[from], order[i]];
  }
  return order;
}
