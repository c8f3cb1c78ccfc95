/** Searches along the scale of a family: rate falls and damage grows with it. */

/** A place on the grid of scales, with what was measured there. */
export interface Probe<T> {
  readonly step: number;
  readonly value: T;
}

/** Steps of the grid in an octave of the scale, and its ends. */
const STEPS_PER_OCTAVE = 4;
const FINEST_OCTAVE = -4;
const COARSEST_OCTAVE = 7;

/** Number of grid steps; step 0 is the finest scale. */
export const GRID_STEPS = (COARSEST_OCTAVE - FINEST_OCTAVE) * STEPS_PER_OCTAVE + 1;
/** Steps between the probes of a first look. */
export const COARSE_STRIDE = STEPS_PER_OCTAVE;

/** The scale of a grid step. */
export function scaleOfStep(step: number): number {
  return 2 ** (FINEST_OCTAVE + step / STEPS_PER_OCTAVE);
}

/**
 * The coarsest step that holds, if those that hold are finer than those that do not.
 * @param from - a step that is taken to hold; to - one beyond it that is taken not to
 * @param look - measures a step; called once for each that is looked at
 * @returns what was measured at the coarsest step that held, or null if none that was looked at did
 */
export async function coarsestThatHolds<T>(
  from: number,
  to: number,
  look: (step: number) => Promise<T | null>,
): Promise<Probe<T> | null> {
  let best: Probe<T> | null = null;
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const value = await look(middle);
    if (value === null) {
      high = middle;
    } else {
      best = { step: middle, value };
      low = middle;
    }
  }
  return best;
}

/** A point of a curve of bytes against damage. */
export interface CurvePoint {
  readonly bytes: number;
  readonly distance: number;
}

/**
 * Bytes of a curve at a distance, straight in logarithms between those of its points that no other beats in both; null outside
 * of them. Few samples put points out of their order, and who has the cheaper one does not take the other.
 * @param curve - in any order, of positive numbers
 */
export function bytesAtDistance(curve: readonly CurvePoint[], distance: number): number | null {
  const sorted = curve
    .filter((point) => point.distance > 0 && !curve.some((other) => beats(other, point)))
    .sort((a, b) => a.distance - b.distance);
  for (const [i, right] of sorted.entries()) {
    const left = sorted[i - 1];
    if (!left || left.distance > distance || right.distance < distance) continue;
    const share =
      right.distance === left.distance
        ? 0
        : Math.log(distance / left.distance) / Math.log(right.distance / left.distance);
    return Math.exp(Math.log(left.bytes) * (1 - share) + Math.log(right.bytes) * share);
  }
  return null;
}

function beats(point: CurvePoint, other: CurvePoint): boolean {
  const isNoWorse = point.bytes <= other.bytes && point.distance <= other.distance;
  return isNoWorse && (point.bytes < other.bytes || point.distance < other.distance);
}

/** Distances at which two curves are compared. */
const COMPARED = 9;

/**
 * Mean logarithm of the ratio of the bytes of two curves, over the distances of a range that both reach; NaN if there
 * are none.
 */
export function meanLogRatio(
  curve: readonly CurvePoint[],
  other: readonly CurvePoint[],
  range: { readonly low: number; readonly high: number },
): number {
  const logs = Array.from({ length: COMPARED }, (_, i) => {
    const distance = range.low * (range.high / range.low) ** (i / (COMPARED - 1));
    const [a, b] = [bytesAtDistance(curve, distance), bytesAtDistance(other, distance)];
    return a !== null && b !== null ? [Math.log(a / b)] : [];
  }).flat();
  return logs.reduce((sum, value) => sum + value, 0) / logs.length;
}
