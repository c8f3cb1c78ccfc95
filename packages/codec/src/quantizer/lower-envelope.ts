/** Which level is the cheapest for a value when levels cost bits: the decision rule of entropy-constrained quantizers. */

/** Levels with the length of each one's code in bits. */
export interface PricedLevels {
  /** Ascending. */
  readonly levels: ArrayLike<number>;
  readonly bits: ArrayLike<number>;
}

/**
 * Levels that are the cheapest for some value x by (x - level)² + lambda · bits, and the thresholds between them: the
 * lower envelope of the lines level² - 2 level x + lambda bits. A level whose neighbors' costs meet below its own is
 * never the best one.
 * @param lambda - squared error that a bit may cost, at least 0
 * @returns `kept`, positions of levels, ascending; `thresholds`, one less than those, ascending
 */
export function lowerEnvelope(
  { levels, bits }: PricedLevels,
  lambda: number,
): { kept: number[]; thresholds: number[] } {
  const meet = (a: number, b: number): number =>
    (levels[a] + levels[b]) / 2 + (lambda * (bits[b] - bits[a])) / (2 * (levels[b] - levels[a]));
  const kept: number[] = [];
  for (let i = 0; i < levels.length; i++) {
    while (
      kept.length > 1 &&
      meet(kept[kept.length - 2], kept[kept.length - 1]) >= meet(kept[kept.length - 1], i)
    )
      kept.pop();
    kept.push(i);
  }
  return { kept, thresholds: kept.slice(1).map((i, n) => meet(kept[n], i)) };
}
