/** What the exit of a bundle does to the ways of its cut, on the samples that these are measured on. */

import { type Ratio, ratiosWithExit, type ScoredExitAnswer, type TaskScore } from '@featherwire/eval';
import { type Quantiles, quantiles } from '@featherwire/inference';
import type { MeasuredExit } from './measured-way.js';
import { judge } from './task-score.js';

/** One sample at one point. */
export interface CodedSample {
  readonly ratio: Ratio;
  /** Of its frames. */
  readonly bytes: number;
}

/**
 * The exit before one point.
 * @param answers - of the exit, sample by sample, like `coded` and `reference`
 * @param exitMs - of the exit alone
 */
export function exitBefore(
  answers: readonly ScoredExitAnswer[],
  coded: readonly CodedSample[],
  exitMs: Quantiles,
  { reference, better }: { readonly reference: readonly Ratio[] } & Pick<TaskScore, 'better'>,
): MeasuredExit {
  const sent = coded.filter((_, i) => !answers[i].isSure).map(({ bytes }) => bytes);
  const ratios = ratiosWithExit(
    answers,
    coded.map(({ ratio }) => ratio),
  );
  return {
    answeredShare: 1 - sent.length / coded.length,
    exitMs,
    sentBytes: sent.length > 0 ? quantiles(sent) : null,
    bytesPerDecision: sent.reduce((sum, bytes) => sum + bytes, 0) / coded.length,
    ...judge(ratios, reference, better),
  };
}
