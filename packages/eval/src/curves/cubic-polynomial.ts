/**
 * The polynomial of third degree nearest to points in the least squares sense (ITU-T VCEG-M33, Bjøntegaard, 2001), through
 * all of them if they are four.
 */

import type { CurvePoint, PlaneCurve } from './plane-curve.js';

const COEFFICIENT_COUNT = 4;

/**
 * Fits the polynomial. It may swing between the points, and need not grow where they do.
 * @param points - at least four, by ascending `x` without repetitions
 */
export function fitCubicPolynomial(points: readonly CurvePoint[]): PlaneCurve {
  const low = points[0].x;
  const high = points[points.length - 1].x;
  // In a variable from -1 to 1 the powers stay comparable, which keeps the digits.
  const scale = 2 / (high - low);
  const normalize = (x: number): number => (x - low) * scale - 1;
  const coefficients = leastSquares(points.map(({ x, y }) => ({ x: normalize(x), y })));
  const primitive = (x: number): number => {
    const u = normalize(x);
    return coefficients.reduceRight((sum, c, power) => (sum + c / (power + 1)) * u, 0) / scale;
  };
  return {
    low,
    high,
    valueAt: (x) => coefficients.reduceRight((sum, c) => sum * normalize(x) + c, 0),
    integral: (from, to) => primitive(to) - primitive(from),
  };
}

/** Coefficients by ascending power, from the normal equations. */
function leastSquares(points: readonly CurvePoint[]): number[] {
  const rows = Array.from({ length: COEFFICIENT_COUNT }, (_, i) => [
    ...Array.from({ length: COEFFICIENT_COUNT }, (_, j) =>
      points.reduce((sum, { x }) => sum + x ** (i + j), 0),
    ),
    points.reduce((sum, { x, y }) => sum + y * x ** i, 0),
  ]);
  for (let column = 0; column < COEFFICIENT_COUNT; column++) eliminate(rows, column);
  return rows.map((row, i) => row[COEFFICIENT_COUNT] / row[i]);
}

/** One step of Gauss-Jordan elimination, by the largest pivot. */
function eliminate(rows: number[][], column: number): void {
  let pivot = column;
  for (let row = column + 1; row < rows.length; row++) {
    if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
  }
  [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
  for (let row = 0; row < rows.length; row++) {
    if (row === column) continue;
    const factor = rows[row][column] / rows[column][column];
    for (let at = column; at < rows[row].length; at++) rows[row][at] -= factor * rows[column][at];
  }
}
