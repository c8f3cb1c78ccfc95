/** Median and 95th percentile of measured times. */

/** Median and 95th percentile. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
}

/**
 * By the nearest rank: both are values that were measured.
 * @param values - at least one; not modified
 */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { p50: at(0.5), p95: at(0.95) };
}
