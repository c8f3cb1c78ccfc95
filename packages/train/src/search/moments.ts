/** Mean square and smallest of many numbers, added up as they come. */

/** Sums of what has come so far. */
export interface Moments {
  count: number;
  sum: number;
  squares: number;
  least: number;
}

/** Nothing has come yet. */
export function newMoments(): Moments {
  return { count: 0, sum: 0, squares: 0, least: Number.POSITIVE_INFINITY };
}

/** Adds values. */
export function addMoments(moments: Moments, values: Float32Array): void {
  for (const value of values) {
    moments.sum += value;
    moments.squares += value * value;
    if (value < moments.least) moments.least = value;
  }
  moments.count += values.length;
}

/** Variance of all that has come, above 0 also of constants. */
export function varianceOf({ count, sum, squares }: Moments): number {
  return Math.max(squares / count - (sum / count) ** 2, Number.EPSILON);
}
