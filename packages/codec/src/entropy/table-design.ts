/**
 * Choice of a frequency table for given counts, by total cost: the bits of its coded form and of the symbols
 * coded with it. Encoding only.
 *
 * The cost of symbols under a curve needs no logarithm per symbol: with weight 2^((level - 1) / R) and weight
 * sum S, symbol i costs log2(S) - (level_i - 1) / R bits. So curves of all knot steps and resolutions are
 * compared by that, the best is refined knot by knot, and only then normalized to integer frequencies.
 */

import { BitWriter } from '../bitstream/bits.js';
import type { FrequencyTable, TableCurve, TableDescription } from '../stages.js';
import {
  CURVE_OCTAVES,
  foldSign,
  interpolateLevel,
  knotPositions,
  MAX_PRECISION_BITS,
  MIN_PRECISION_BITS,
  riceParameterOf,
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
const RESOLUTIONS_LOG2 = [0, 1, 2, 3, 4, 5];
const KNOT_STEPS_LOG2 = [0, 1, 2, 3, 4, 5];
const MAX_REFINEMENT_SWEEPS = 4;
/** The finer total is taken only if it saves this share: its decode table is four times as large. */
const FINE_PRECISION_GAIN = 0.001;

/**
 * Designs a table for one tensor.
 * @param counts - occurrences per symbol, at least one positive, at most 256 symbols; not modified
 * @param options.coverAll - every symbol gets a frequency, for tables that will code other tensors too
 */
export function designTable(
  counts: Uint32Array | Float64Array,
  options: { readonly coverAll?: boolean } = {},
): DesignedTable {
  const offset = options.coverAll ? 0.5 : 0;
  const target = Float64Array.from(counts, (count) => count + offset);
  const steps = target.length < MIN_ALPHABET_FOR_THINNING ? [0] : KNOT_STEPS_LOG2;
  const fits = steps.flatMap((step) =>
    RESOLUTIONS_LOG2.map((resolution) => fitCurve(target, step, resolution)),
  );
  const best = fits.reduce((a, b) => (b.cost < a.cost ? b : a));
  const curve = refineCurve(best, target);
  const candidates = (precisionBits: number): DesignedTable => {
    const flat = designed({ kind: 'flat', precisionBits }, target);
    const curved = designed({ ...curve, precisionBits }, target);
    return totalBits(curved) < totalBits(flat) ? curved : flat;
  };
  const coarse = candidates(MIN_PRECISION_BITS);
  const fine = candidates(MAX_PRECISION_BITS);
  return totalBits(fine) < totalBits(coarse) * (1 - FINE_PRECISION_GAIN) ? fine : coarse;
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

type CurveShape = Omit<TableCurve, 'precisionBits'>;

interface FittedCurve extends CurveShape {
  readonly positions: readonly number[];
  /** Estimated bits of table and symbols. */
  readonly cost: number;
}

function totalBits(candidate: DesignedTable): number {
  return candidate.tableBits + candidate.estimatedSymbolBits;
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

/** Knot levels from the mean count around each knot; the largest mean takes the highest level. */
function fitCurve(counts: Float64Array, knotStepLog2: number, resolutionLog2: number): FittedCurve {
  const positions = knotPositions(counts.length, knotStepLog2);
  const means = positions.map((_, knot) => meanAroundKnot(counts, positions, knot, knotStepLog2));
  const peak = Math.max(...means);
  const highest = CURVE_OCTAVES << resolutionLog2;
  const knotLevels = Uint16Array.from(means, (mean) => {
    if (mean === 0) return 0;
    return Math.max(1, highest + Math.round(Math.log2(mean / peak) * 2 ** resolutionLog2));
  });
  coverSeenSymbols(knotLevels, counts, positions);
  const shape: CurveShape = { kind: 'curve', knotStepLog2, resolutionLog2, knotLevels };
  const symbolCost = new CurveCost(shape, positions, counts);
  return { ...shape, positions, cost: symbolCost.bits() + knotBits(shape) };
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

function knotBits(shape: CurveShape): number {
  return riceBits(shape.knotLevels, riceParameterOf(shape.knotLevels));
}

function riceBits(knotLevels: Uint16Array, parameter: number): number {
  let bits = 0;
  for (let knot = 1; knot < knotLevels.length; knot++) {
    bits += (foldSign(knotLevels[knot] - knotLevels[knot - 1]) >>> parameter) + 1 + parameter;
  }
  return bits;
}

/** Moves knots by a level up or down while that saves bits of table and symbols together. */
function refineCurve(fit: FittedCurve, counts: Float64Array): CurveShape {
  const knotLevels = fit.knotLevels.slice();
  const shape: CurveShape = { ...fit, knotLevels };
  const cost = new CurveCost(shape, fit.positions, counts);
  const highest = CURVE_OCTAVES << fit.resolutionLog2;
  const parameter = riceParameterOf(knotLevels);
  let best = cost.bits() + riceBits(knotLevels, parameter);
  let improved = true;
  for (let sweep = 0; improved && sweep < MAX_REFINEMENT_SWEEPS; sweep++) {
    improved = false;
    for (let knot = 0; knot < knotLevels.length; knot++) {
      for (const change of [-1, 1]) {
        const before = knotLevels[knot];
        const lowest = before === 0 ? 0 : 1; // an empty knot stays empty, another never becomes so
        if (before === 0 || before + change < lowest || before + change > highest) continue;
        cost.setKnot(knot, before + change);
        const total = cost.bits() + riceBits(knotLevels, parameter);
        if (total < best) {
          best = total;
          improved = true;
        } else {
          cost.setKnot(knot, before);
        }
      }
    }
  }
  return { kind: 'curve', knotStepLog2: fit.knotStepLog2, resolutionLog2: fit.resolutionLog2, knotLevels };
}

/** Symbol bits of a curve, kept up to date while knots move. Writes to the shape's `knotLevels`. */
class CurveCost {
  readonly #shape: CurveShape;
  readonly #positions: readonly number[];
  readonly #counts: Float64Array;
  readonly #total: number;
  #weightSum = 0;
  /** Sum over symbols of count times (level - 1). */
  #weightedLevels = 0;

  constructor(shape: CurveShape, positions: readonly number[], counts: Float64Array) {
    this.#shape = shape;
    this.#positions = positions;
    this.#counts = counts;
    this.#total = counts.reduce((sum, count) => sum + count, 0);
    this.#addSymbols(0, counts.length - 1, 1);
  }

  bits(): number {
    return this.#total * Math.log2(this.#weightSum) - this.#weightedLevels / 2 ** this.#shape.resolutionLog2;
  }

  setKnot(knot: number, level: number): void {
    const from = knot === 0 ? 0 : this.#positions[knot - 1] + 1;
    const to = knot === this.#positions.length - 1 ? this.#positions[knot] : this.#positions[knot + 1] - 1;
    this.#addSymbols(from, to, -1);
    this.#shape.knotLevels[knot] = level;
    this.#addSymbols(from, to, 1);
  }

  #addSymbols(from: number, to: number, sign: 1 | -1): void {
    const { knotLevels, resolutionLog2, knotStepLog2 } = this.#shape;
    const resolution = 2 ** resolutionLog2;
    for (let symbol = from; symbol <= to; symbol++) {
      const level = interpolateLevel(knotLevels, this.#positions, knotStepLog2, symbol);
      if (level === 0) continue;
      this.#weightSum += sign * 2 ** ((level - 1) / resolution);
      this.#weightedLevels += sign * this.#counts[symbol] * (level - 1);
    }
  }
}
