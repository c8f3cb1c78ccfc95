/**
 * The time of a decision where an exit stands before a split: what it answers takes head and exit, the rest those and everything
 * after them. These are two kinds of answers, not one with a spread, so that a median would be that of either.
 */

import type { LinkProfile } from '@featherwire/link';
import { totalOf } from './total.js';
import type { Way, WayExit } from './way.js';

/** Times of decisions in milliseconds, computed from measured stages, bytes and share like any total. */
export interface DecisionMs {
  /** Of the two kinds of answers by their shares, each at its median. */
  readonly mean: number;
  /** That of what is sent, which that of all is not above; of answers of the exit only where nothing is sent. */
  readonly p95: number;
}

/**
 * The times of decisions with an exit before a way.
 * @param exit - what it does to the way
 */
export function decisionOf(way: Way, exit: WayExit, link: LinkProfile): DecisionMs {
  const { answeredShare, here, sent } = exit;
  if (!sent) return { mean: here.p50, p95: here.p95 };
  const total = totalOf({ ...way, ...sent }, link);
  return {
    mean: answeredShare * here.p50 + (1 - answeredShare) * total.p50,
    p95: total.p95,
  };
}
