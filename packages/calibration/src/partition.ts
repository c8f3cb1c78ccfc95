/**
 * Parts of a data set with a purpose each. A point that is selected on data looks better on that data than it is, so
 * that what is claimed of it is measured on samples that took no part in design or selection.
 */

import { createRandom } from '@featherwire/tensor';

/** Numbers of samples; no sample is in two parts. */
export interface SampleParts {
  /** Ranges, tables and sensitivities are made from these. */
  readonly design: readonly number[];
  /** Points are compared on these. */
  readonly selection: readonly number[];
  /** What is written into the bundle is measured on these. */
  readonly claim: readonly number[];
}

/** Most samples that a design is made from; tables and sensitivities change little with more. */
const MAX_DESIGN_SAMPLES = 320;
/** Fewest samples in each part. */
const MIN_PART = 2;

/**
 * Draws samples and parts them: a quarter for design, the rest halved.
 * @param length - samples of the data set
 * @param count - how many to use, at least 6, at most `length`
 * @param designShare - of the samples, in (0, 1), for designs that are the better the more samples they see
 * @throws {RangeError} if there are too few
 */
export function partitionSamples(
  length: number,
  count: number,
  seed: number,
  designShare?: number,
): SampleParts {
  if (!Number.isInteger(count) || count < 3 * MIN_PART || count > length)
    throw new RangeError(`samples expected ${3 * MIN_PART} to ${length}, got ${count}`);
  const random = createRandom(seed);
  const order = Array.from({ length }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const from = i + random.nextInteger(length - i);
    [order[i], order[from]] = [order[from], order[i]];
  }
  const wanted = designShare ? Math.floor(count * designShare) : Math.min(MAX_DESIGN_SAMPLES, count >> 2);
  const designCount = Math.min(count - 2 * MIN_PART, Math.max(MIN_PART, wanted));
  const selectionCount = Math.floor((count - designCount) / 2);
  return {
    design: order.slice(0, designCount),
    selection: order.slice(designCount, designCount + selectionCount),
    claim: order.slice(designCount + selectionCount, count),
  };
}
