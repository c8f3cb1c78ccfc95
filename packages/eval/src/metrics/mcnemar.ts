/**
 * The exact test of paired hits and misses (McNemar, "Note on the sampling error of the difference between correlated
 * proportions or percentages", 1947): of samples on which two ways disagree, as many fall to each side by chance as heads of
 * a fair coin. Exact at any count, where a bootstrap of few disagreements is coarse.
 */

import { probabilityOfAtMost } from './binomial.js';
import type { Ratio } from './ratio.js';

/** Samples on which two ways differ, and how likely that is by chance. */
export interface PairedHits {
  /** Samples that `a` alone hits. */
  readonly lost: number;
  /** Samples that `b` alone hits. */
  readonly won: number;
  /** Two-sided probability of a split at least as uneven, if neither way is better. */
  readonly probability: number;
}

/** Whether every ratio is one hit or one miss. */
export function areHits(ratios: readonly Ratio[]): boolean {
  return ratios.every(
    ({ numerator, denominator, classes }) =>
      !classes && denominator === 1 && (numerator === 0 || numerator === 1),
  );
}

/**
 * Compares two ways on the same samples.
 * @param a - hits and misses, one for each sample
 * @param b - as `a`, in the same order
 * @throws {RangeError} if the lists differ in length, or hold something else than hits and misses
 */
export function compareHits(a: readonly Ratio[], b: readonly Ratio[]): PairedHits {
  if (a.length !== b.length)
    throw new RangeError(`samples expected equal counts, got ${a.length} and ${b.length}`);
  if (!areHits(a) || !areHits(b))
    throw new RangeError('samples expected hits and misses of one try each, got others');
  let lost = 0;
  let won = 0;
  for (const [i, { numerator }] of a.entries()) {
    if (numerator > b[i].numerator) lost++;
    else if (numerator < b[i].numerator) won++;
  }
  return { lost, won, probability: twoSided(Math.min(lost, won), lost + won) };
}

/** Twice the probability of at most `few` heads in `count` throws, at most 1. */
function twoSided(few: number, count: number): number {
  return Math.min(1, 2 * probabilityOfAtMost(few, count, 0.5));
}
