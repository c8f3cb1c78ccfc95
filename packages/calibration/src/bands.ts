/**
 * Bands of a point: between which limits the shares that clients report of their features stay as long as nothing drifts,
 * from the shares of samples that took no part in its design. The server compares means over tens of requests with them.
 */

import type { ShareBand, TensorBand } from '@featherwire/bundle';
import { type FeatureSummary, summarizeFeature } from '@featherwire/codec';
import type { Coding } from './families.js';
import { type MeasuringBench, meanOf } from './measure.js';

/** Fewest samples whose spread says anything. */
const MIN_SAMPLES = 8;
/** Requests in the shortest mean that is held against a band; the server waits for so many. */
const REQUESTS_IN_MEAN = 32;
/** Standard errors to either side: a mean is looked at after every request, and neighboring requests are alike. */
const STANDARD_ERRORS = 4;
/** Half-widths below which a change of a share costs neither accuracy nor bytes worth a warning. */
const LEAST_SATURATED = 2 ** -10;
const LEAST_BACKGROUND = 2 ** -8;

/**
 * Measures the bands of a coding.
 * @param samples - numbers of samples that the coding was not designed on
 * @returns one for each tensor of the cut; none if there are too few samples
 * @throws the signal's reason when it is raised
 */
export async function measureBands(
  { profile }: Coding,
  samples: readonly number[],
  { features, tensorNames, backend, signal }: MeasuringBench,
): Promise<TensorBand[]> {
  if (samples.length < MIN_SAMPLES) return [];
  const summaries: FeatureSummary[][] = tensorNames.map(() => []);
  for (const sample of samples) {
    signal.throwIfAborted();
    const feature = await features(sample);
    for (const [i, tensor] of profile.tensors.entries())
      summaries[i].push(summarizeFeature(feature[i], tensor, backend));
  }
  return tensorNames.map((tensor, i) => ({ tensor, ...bandsOf(summaries[i]) }));
}

/** The bands of one tensor. @param summaries - of two samples at least */
export function bandsOf(summaries: readonly FeatureSummary[]): Omit<TensorBand, 'tensor'> {
  return {
    saturated: bandOf(
      summaries.map(({ saturatedShare }) => saturatedShare),
      LEAST_SATURATED,
    ),
    background: bandOf(
      summaries.map(({ backgroundShare }) => backgroundShare),
      LEAST_BACKGROUND,
    ),
  };
}

/** Both the band's mean and a mean of requests are of finitely many samples, so that their errors add up. */
function bandOf(shares: readonly number[], least: number): ShareBand {
  const mean = meanOf(shares);
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / (shares.length - 1);
  const error = Math.sqrt(variance * (1 / REQUESTS_IN_MEAN + 1 / shares.length));
  const half = Math.max(least, STANDARD_ERRORS * error);
  return { mean, low: Math.max(0, mean - half), high: Math.min(1, mean + half) };
}
