/**
 * Choice of a frequency table for given counts, by total cost: the bits of its coded form and of the symbols
 * coded with it. Encoding only.
 */

import { BitWriter } from '../bitstream/bits.js';
import type { FrequencyTable, TableCurve, TableDescription } from '../stages.js';
import {
  CURVE_OCTAVES,
  knotPositions,
  MAX_PRECISION_BITS,
  MIN_PRECISION_BITS,
  tableOfDescription,
  writeTable,
} from './frequency-table.js';

/** A table with its description and what it costs. */
export interface DesignedTable {
  readonly description: TableDescription;
  readonly table: FrequencyTable;
  /** Bits of the coded form. */
  readonly tableBits: number;
  /** Bits of the symbols by the table's probabilities: an estimate of the coded rate. */
  readonly estimatedSymbolBits: number;
}

/** Below this many symbols inner knots are not thinned out. */
const MIN_ALPHABET_FOR_THINNING = 16;
const RESOLUTIONS_LOG2 = [1, 2, 3, 5];
const KNOT_STEPS_LOG2 = [0, 1, 2, 3, 4, 5];
/** The finer total is taken only if it saves this share: its decode table is four times as large. */
const FINE_PRECISION_GAIN = 0.001;

/**
 * Designs a table for one tensor.
 * @param counts - occurrences per symbol, at least one positive; not modified
 * @param options.coverAll - every symbol gets a frequency, for tables that will code other tensors too
 */
export function designTable(
  counts: Uint32Array | Float64Array,
  options: { readonly coverAll?: boolean } = {},
): DesignedTable {
  const smoothed = options.coverAll
    ? Float64Array.from(counts, (count) => count + 0.5)
    : Float64Array.from(counts);
  const curves = candidateCurves(smoothed);
  const coarse = cheapest(curves, smoothed, MIN_PRECISION_BITS);
  const fine = cheapest(curves, smoothed, MAX_PRECISION_BITS);
  return cost(fine) < cost(coarse) * (1 - FINE_PRECISION_GAIN) ? fine : coarse;
}

/** Bits of symbols with the given counts under a table; infinite if one of them cannot be coded. */
export function estimateSymbolBits(counts: ArrayLike<number>, table: FrequencyTable): number {
  let bits = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    if (counts[symbol] === 0) continue;
    if (table.frequencies[symbol] === 0) return Number.POSITIVE_INFINITY;
    bits += counts[symbol] * (table.precisionBits - Math.log2(table.frequencies[symbol]));
  }
  return bits;
}

type CurveWithoutPrecision = Omit<TableCurve, 'precisionBits'>;

function cheapest(
  curves: readonly CurveWithoutPrecision[],
  counts: Float64Array,
  precisionBits: number,
): DesignedTable {
  let best = designed({ kind: 'flat', precisionBits }, counts);
  for (const curve of curves) {
    const candidate = designed({ ...curve, precisionBits }, counts);
    if (cost(candidate) < cost(best)) best = candidate;
  }
  return best;
}

function designed(description: TableDescription, counts: Float64Array): DesignedTable {
  const table = tableOfDescription(counts.length, description);
  const bits = new BitWriter();
  writeTable(bits, description);
  return {
    description,
    table,
    tableBits: bits.bitLength,
    estimatedSymbolBits: estimateSymbolBits(counts, table),
  };
}

function cost(candidate: DesignedTable): number {
  return candidate.tableBits + candidate.estimatedSymbolBits;
}

function candidateCurves(counts: Float64Array): CurveWithoutPrecision[] {
  const steps = counts.length < MIN_ALPHABET_FOR_THINNING ? [0] : KNOT_STEPS_LOG2;
  return steps.flatMap((knotStepLog2) =>
    RESOLUTIONS_LOG2.map((resolutionLog2) => fitCurve(counts, knotStepLog2, resolutionLog2)),
  );
}

/** Knot levels from the mean count around each knot; the largest mean takes the highest level. */
function fitCurve(counts: Float64Array, knotStepLog2: number, resolutionLog2: number): CurveWithoutPrecision {
  const positions = knotPositions(counts.length, knotStepLog2);
  const means = positions.map((_, knot) => meanAroundKnot(counts, positions, knot, knotStepLog2));
  const peak = Math.max(...means);
  const highest = CURVE_OCTAVES << resolutionLog2;
  const knotLevels = Uint16Array.from(means, (mean) => {
    if (mean === 0) return 0;
    return Math.max(1, highest + Math.round(Math.log2(mean / peak) * 2 ** resolutionLog2));
  });
  coverSeenSymbols(knotLevels, counts, positions);
  return { kind: 'curve', knotStepLog2, resolutionLog2, knotLevels };
}

/** Mean count within half a step of an inner knot; an outer knot speaks for its own symbol. */
function meanAroundKnot(
  counts: Float64Array,
  positions: readonly number[],
  knot: number,
  knotStepLog2: number,
): number {
  const center = positions[knot];
  const last = counts.length - 1;
  if (knotStepLog2 === 0 || center === 0 || center === last) return counts[center];
  const reach = 1 << (knotStepLog2 - 1);
  const from = Math.max(1, center - reach);
  const to = Math.min(last - 1, center + reach);
  let sum = 0;
  for (let symbol = from; symbol <= to; symbol++) sum += counts[symbol];
  return sum / (to - from + 1);
}

/** A symbol that occurs must not fall between two empty knots, nor on a knot of level 0. */
function coverSeenSymbols(knotLevels: Uint16Array, counts: Float64Array, positions: readonly number[]): void {
  for (let knot = 0; knot < positions.length; knot++) {
    const from = knot > 0 ? positions[knot - 1] + 1 : 0;
    for (let symbol = from; symbol <= positions[knot]; symbol++) {
      if (counts[symbol] === 0) continue;
      knotLevels[knot] = Math.max(1, knotLevels[knot]);
      if (knot > 0 && symbol < positions[knot]) knotLevels[knot - 1] = Math.max(1, knotLevels[knot - 1]);
    }
  }
}
