/**
 * Piecewise cubic curves through all points, by the slopes at them: straight lines, PCHIP, Akima. Unlike one polynomial
 * they do not swing far from their points.
 */

import type { CurvePoint, PlaneCurve } from './plane-curve.js';

/** How a curve gets from point to point. */
export type PiecewiseMethod = 'linear' | 'pchip' | 'akima';

/**
 * The curve through points.
 * - `linear`: straight lines.
 * - `pchip`: slopes that keep the points' order (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5(2), 1984): where the
 *   points grow the curve grows.
 * - `akima`: slopes weighted by how straight the points run on either side (Akima, J. ACM 17(4), 1970).
 * @param points - at least two, by ascending `x` without repetitions
 */
export function interpolatePiecewise(points: readonly CurvePoint[], method: PiecewiseMethod): PlaneCurve {
  const pieces = piecesOf(points, method);
  const high = points[points.length - 1].x;
  const pieceAt = (x: number): CubicPiece => {
    const after = pieces.findIndex(({ start }) => start > x);
    return pieces[after < 0 ? pieces.length - 1 : Math.max(0, after - 1)];
  };
  return {
    low: points[0].x,
    high,
    valueAt: (x) => valueOfPiece(pieceAt(x), x),
    integral: (from, to) =>
      pieces.reduce((sum, piece, i) => {
        const end = pieces[i + 1]?.start ?? high;
        const first = Math.min(Math.max(from, piece.start), end);
        const last = Math.min(Math.max(to, piece.start), end);
        return sum + primitiveOfPiece(piece, last) - primitiveOfPiece(piece, first);
      }, 0),
  };
}

/** `value + slope t + square t^2 + cube t^3`, where t is the distance from `start`. */
interface CubicPiece {
  readonly start: number;
  readonly value: number;
  readonly slope: number;
  readonly square: number;
  readonly cube: number;
}

function piecesOf(points: readonly CurvePoint[], method: PiecewiseMethod): CubicPiece[] {
  const widths = points.slice(1).map(({ x }, i) => x - points[i].x);
  const chords = points.slice(1).map(({ y }, i) => (y - points[i].y) / widths[i]);
  const slopes =
    method === 'linear' ? null : method === 'pchip' ? pchipSlopes(chords, widths) : akimaSlopes(chords);
  return chords.map((chord, i) => {
    const [first, last] = slopes ? [slopes[i], slopes[i + 1]] : [chord, chord];
    return {
      start: points[i].x,
      value: points[i].y,
      slope: first,
      square: (3 * chord - 2 * first - last) / widths[i],
      cube: (first + last - 2 * chord) / widths[i] ** 2,
    };
  });
}

function valueOfPiece({ start, value, slope, square, cube }: CubicPiece, x: number): number {
  const t = x - start;
  return value + t * (slope + t * (square + t * cube));
}

function primitiveOfPiece({ start, value, slope, square, cube }: CubicPiece, x: number): number {
  const t = x - start;
  return t * (value + t * (slope / 2 + t * (square / 3 + (t * cube) / 4)));
}

/** Weighted harmonic means of the chords on both sides; 0 at a turn. */
function pchipSlopes(chords: readonly number[], widths: readonly number[]): number[] {
  if (chords.length === 1) return [chords[0], chords[0]];
  const inner = chords.slice(1).map((right, i) => {
    const left = chords[i];
    if (left * right <= 0) return 0;
    const leftWeight = 2 * widths[i + 1] + widths[i];
    const rightWeight = widths[i + 1] + 2 * widths[i];
    return (leftWeight + rightWeight) / (leftWeight / left + rightWeight / right);
  });
  const last = chords.length - 1;
  return [
    pchipEndSlope(chords[0], chords[1], widths[0], widths[1]),
    ...inner,
    pchipEndSlope(chords[last], chords[last - 1], widths[last], widths[last - 1]),
  ];
}

/** Slope of a parabola through the three last points, limited so that the curve keeps their order. */
function pchipEndSlope(chord: number, nextChord: number, width: number, nextWidth: number): number {
  const slope = ((2 * width + nextWidth) * chord - width * nextChord) / (width + nextWidth);
  if (slope * chord <= 0) return 0;
  const limited = chord * nextChord <= 0 && Math.abs(slope) > 3 * Math.abs(chord);
  return limited ? 3 * chord : slope;
}

/** Below this share of the largest weight the points run straight on both sides, and the mean is taken. */
const STRAIGHT = 1e-9;

function akimaSlopes(chords: readonly number[]): number[] {
  if (chords.length === 1) return [chords[0], chords[0]];
  const last = chords.length - 1;
  // Two more chords on each side, as if the points went on along parabolas.
  const before = 2 * chords[0] - chords[1];
  const after = 2 * chords[last] - chords[last - 1];
  const extended = [2 * before - chords[0], before, ...chords, after, 2 * after - chords[last]];
  const turns = extended.slice(1).map((chord, i) => Math.abs(chord - extended[i]));
  const weights = Array.from({ length: chords.length + 1 }, (_, i) => ({
    left: turns[i + 2],
    right: turns[i],
  }));
  const largest = Math.max(...weights.map(({ left, right }) => left + right));
  return weights.map(({ left, right }, i) =>
    left + right > STRAIGHT * largest
      ? (left * extended[i + 1] + right * extended[i + 2]) / (left + right)
      : (extended[i + 1] + extended[i + 2]) / 2,
  );
}
