/**
 * What uniform quantization between clip limits costs: squared error of clipping and of rounding, and rate, for
 * any distribution (papers.md 2.4.3). The cost of a piece does not grow with the number of levels: whole cells
 * under an exponential form a geometric series (docs/notes/range-design.md). Encoding only.
 */

import {
  cellMoments,
  type DensityPiece,
  entropyBits,
  momentsOfPiece,
  type ValueDistribution,
} from './distribution.js';

/** A uniform quantizer whose outer levels are the clip limits. */
export interface UniformLevels {
  /** 2 or more. */
  readonly levelCount: number;
  readonly low: number;
  /** Above `low`. */
  readonly high: number;
}

/** Mean squared error of clipping and rounding; their sum is that of the quantizer. */
export interface SplitError {
  /** Of values inside the limits, by rounding to the nearest level. */
  readonly quantError: number;
  /** Of values outside the limits. */
  readonly clipError: number;
}

/** Exact error of a uniform quantizer. */
export function uniformError(distribution: ValueDistribution, levels: UniformLevels): SplitError {
  const { low, high, levelCount } = levels;
  const step = (high - low) / (levelCount - 1);
  let quantError = 0;
  let clipError = 0;
  for (const piece of distribution.pieces) {
    const { from, to } = piece;
    if (from < low) clipError += momentsOfPiece(piece, from, Math.min(to, low), low).second;
    if (to > high) clipError += momentsOfPiece(piece, Math.max(from, high), to, high).second;
    const inside = { from: Math.max(from, low), to: Math.min(to, high) };
    if (inside.from < inside.to) quantError += latticeError(piece, inside, low, step);
  }
  for (const { value, mass } of distribution.masses) {
    if (value < low) clipError += mass * (value - low) ** 2;
    else if (value > high) clipError += mass * (value - high) ** 2;
    else quantError += mass * (value - low - Math.round((value - low) / step) * step) ** 2;
  }
  return { quantError, clipError };
}

/** Bits per element of an ideal order-0 code for the indices. */
export function uniformRate(distribution: ValueDistribution, levels: UniformLevels): number {
  return entropyBits(cellMoments(distribution, uniformThresholds(levels)).mass);
}

/** Halves between neighboring levels. */
export function uniformThresholds({ levelCount, low, high }: UniformLevels): number[] {
  const step = (high - low) / (levelCount - 1);
  return Array.from({ length: levelCount - 1 }, (_, i) => low + (i + 0.5) * step);
}

/** Error of rounding the values inside to the lattice `low + n · step`. */
function latticeError(
  piece: DensityPiece,
  inside: { readonly from: number; readonly to: number },
  low: number,
  step: number,
): number {
  const { from, to } = inside;
  if (piece.rate === 0) {
    const integral = sawtooth((to - low) / step) - sawtooth((from - low) / step);
    return piece.scale * integral * step * step * step;
  }
  const firstCell = Math.floor((from - low) / step + 0.5);
  const lastCell = Math.floor((to - low) / step + 0.5);
  const level = (cell: number): number => low + cell * step;
  if (firstCell === lastCell) return momentsOfPiece(piece, from, to, level(firstCell)).second;
  const start = momentsOfPiece(piece, from, level(firstCell + 0.5), level(firstCell)).second;
  const end = momentsOfPiece(piece, level(lastCell - 0.5), to, level(lastCell)).second;
  const wholeCells = lastCell - firstCell - 1;
  if (wholeCells === 0) return start + end;
  const whole = momentsOfPiece(piece, level(firstCell + 0.5), level(firstCell + 1.5), level(firstCell + 1));
  const decay = -piece.rate * step;
  return start + end + whole.second * (Math.expm1(decay * wholeCells) / Math.expm1(decay));
}

/** Integral from 0 to `u` of the squared distance to the nearest integer. */
function sawtooth(u: number): number {
  const nearest = Math.floor(u + 0.5);
  const offset = u - nearest;
  return nearest / 12 + (offset * offset * offset) / 3; // a power of 3 takes ten times as long
}
