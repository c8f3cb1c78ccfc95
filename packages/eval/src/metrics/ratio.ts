/** Counts of something over counts of chances: the form of every metric here, and what intervals resample. */

/** One sample's share of a metric: errors of characters, hits of one try. */
export interface Ratio {
  readonly numerator: number;
  /** At least 0. */
  readonly denominator: number;
}

/**
 * Sum of numerators over sum of denominators (micro-average).
 * @returns NaN if all denominators are 0
 */
export function pooledRatio(ratios: readonly Ratio[]): number {
  let numerator = 0;
  let denominator = 0;
  for (const ratio of ratios) {
    numerator += ratio.numerator;
    denominator += ratio.denominator;
  }
  return numerator / denominator;
}
