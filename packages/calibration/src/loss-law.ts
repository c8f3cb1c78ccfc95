/**
 * What loss a damage of the output stands for, from codings measured on the same samples. Hits and misses of few samples say
 * little of a small loss; the damage is smooth, and the loss of coarse codings is known well in proportion. Small damage
 * changes the answers whose lead it reaches, in proportion to the size of the change, the root of the divergence. Against the
 * unsplit network's own answers each of these counts, so that the loss goes with the root. Against labels as many become
 * right as wrong to first order, and what remains goes with the divergence itself.
 */

/** A coding as it was measured. */
export interface LossProbe {
  /** Mean divergence of the outputs. */
  readonly distance: number;
  /** Hundredths of the metric. */
  readonly loss: number;
  /** Standard error of the loss, above 0. */
  readonly error: number;
}

/** How the loss grows with the distance. */
export type LossGrowth = 'linear' | 'root';

/**
 * The distance up to which the loss is expected to hold: a line through the origin by least squares, weighted by the errors.
 * These come from the same samples, so that the line's own error is taken as their weighted mean and not smaller.
 * @param probes - at least one
 * @param deviations - of the line's error that are added to it
 * @returns above 0; infinite if no loss was seen at any distance
 */
export function distanceWithinLoss(
  probes: readonly LossProbe[],
  growth: LossGrowth,
  maxLoss: number,
  deviations: number,
): number {
  let squares = 0;
  let products = 0;
  let errors = 0;
  for (const { distance, loss, error } of probes) {
    const damage = growth === 'root' ? Math.sqrt(distance) : distance;
    const weight = damage / error ** 2;
    squares += weight * damage;
    products += weight * loss;
    errors += weight * error;
  }
  const slope = (products + deviations * errors) / squares;
  if (!(slope > 0)) return Number.POSITIVE_INFINITY;
  const damage = maxLoss / slope;
  return growth === 'root' ? damage * damage : damage;
}
