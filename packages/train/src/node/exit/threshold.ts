/**
 * The threshold of an exit: the least confidence at which what is lost stays within a limit, not only on the samples at hand. From
 * the highest confidence downwards each threshold is tested against the hypothesis that it loses more than the limit, by the
 * binomial distribution of the answers that were lost, until the first test fails (Angelopoulos and others, "Learn then Test", 2021,
 * section on fixed sequences): the probability that the chosen one loses more is then at most that of a single test's error.
 */

import { probabilityOfAtMost } from '@featherwire/eval';

/** One sample as the exit answers it. */
export interface ExitDecision {
  /** In [0, 1]. */
  readonly confidence: number;
  /** Whether the exit's answer is worse than the network's. */
  readonly isLost: boolean;
}

/** What must hold of a threshold. */
export interface LossLimit {
  /** Share of all samples whose answers may be lost, in (0, 1). */
  readonly maxLost: number;
  /** Probability with which it holds, in (0, 1). */
  readonly confidence: number;
}

/** A threshold with what it does to the samples it was chosen on. */
export interface ChosenThreshold {
  readonly threshold: number;
  readonly answered: number;
  readonly lost: number;
}

/** Samples without any loss from which on a limit can be kept to. */
export function fewestDecisions({ maxLost, confidence }: LossLimit): number {
  return Math.ceil(Math.log(1 - confidence) / Math.log1p(-maxLost));
}

/** @throws {RangeError} if there are fewer decisions than `fewestDecisions` */
export function checkDecisionCount(count: number, limit: LossLimit): void {
  const fewest = fewestDecisions(limit);
  if (count >= fewest) return;
  const loss = `a loss of ${Number((100 * limit.maxLost).toPrecision(6))} points`;
  throw new RangeError(`samples expected at least ${fewest} to choose by for ${loss}, got ${count}`);
}

/**
 * Chooses a threshold.
 * @param decisions - of samples that the exit was not fitted to
 * @returns null if the most confident answers lose too much already
 * @throws {RangeError} as `checkDecisionCount`
 */
export function chooseThreshold(
  decisions: readonly ExitDecision[],
  limit: LossLimit,
): ChosenThreshold | null {
  const { length } = decisions;
  checkDecisionCount(length, limit);
  const mayLose = mostLost(length, limit);
  const sorted = [...decisions].sort((a, b) => b.confidence - a.confidence);
  let chosen: ChosenThreshold | null = null;
  let lost = 0;
  for (const [i, { confidence, isLost }] of sorted.entries()) {
    if (isLost) lost++;
    if (lost > mayLose) break;
    // A threshold takes all samples of its confidence or none.
    if (sorted[i + 1]?.confidence === confidence) continue;
    chosen = { threshold: confidence, answered: i + 1, lost };
  }
  return chosen;
}

/** Losses among so many decisions up to which the test rejects a loss above the limit. */
function mostLost(count: number, { maxLost, confidence }: LossLimit): number {
  let lost = 0;
  while (lost < count && probabilityOfAtMost(lost + 1, count, maxLost) <= 1 - confidence) lost++;
  return lost;
}
