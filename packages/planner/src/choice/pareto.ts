/** Which of several alternatives are not worse than another one in everything. */

/**
 * The alternatives that no other one dominates: there is none that is at most as large in every coordinate and smaller in one.
 * Of equal ones all stay.
 * @param points - coordinates of each, all of one length, smaller being better
 * @returns for each, whether it is on the front
 */
export function paretoFront(points: readonly (readonly number[])[]): boolean[] {
  return points.map((point) => !points.some((other) => dominates(other, point)));
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, i) => value <= b[i]) && a.some((value, i) => value < b[i]);
}
