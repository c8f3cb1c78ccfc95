/** Which ways a drawing shows: one for each cut and everything without a split, so that lines and bars stay apart. */

import type { Choice, RatedWay } from '../choice/choose.js';

/** Most ways in one drawing. */
const MAX_SHOWN = 10;

/**
 * All ways without a split, and of every cut the fastest point that keeps the loss, or the one that loses least.
 * @returns the fastest first
 */
export function shownWays({ ways }: Choice): RatedWay[] {
  const bestOfCut = new Map<string, RatedWay>();
  for (const rated of ways) {
    if (rated.way.kind !== 'split') continue;
    const best = bestOfCut.get(rated.way.label);
    if (!best || isBetter(rated, best)) bestOfCut.set(rated.way.label, rated);
  }
  const shown = new Set(bestOfCut.values());
  return ways.filter((rated) => rated.way.kind !== 'split' || shown.has(rated)).slice(0, MAX_SHOWN);
}

function isBetter(a: RatedWay, b: RatedWay): boolean {
  if (a.keepsLoss !== b.keepsLoss) return a.keepsLoss;
  return !a.keepsLoss && a.way.loss.points < b.way.loss.points; // of those that keep it the first is the fastest
}
