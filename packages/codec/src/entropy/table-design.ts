/**
 * Choice of a frequency table for given counts, by total cost: the bits of its coded form and of the symbols
 * coded with it. Encoding only. Trees are designed in `tree-design.ts`, curves here.
 *
 * The cost of symbols under a curve needs no logarithm per symbol: with weight 2^((level - 1) / R) and weight
 * sum S, symbol i costs log2(S) - (level_i - 1) / R bits. So curves of all knot steps and resolutions are
 * compared by that, the best is refined knot by knot, and only then normalized to integer frequencies.
 */

import { BitWriter, foldSign } from '../bitstream/bits.js';
import type { FrequencyTable, SymbolAlphabet, TableCurve, TableDescription } from '../stages.js';
import {
  CURVE_OCTAVES,
  interpolate,
  knotPositions,
  MAX_PRECISION_BITS,
  MAX_RESOLUTION_LOG2,
  MIN_PRECISION_BITS,
  riceParameterOf,
  tableOfDescription,
  writeTable,
} from './frequency-table.js';
import { designTree } from './tree-design.js';

/** A table with its description and what it costs. */
export interface DesignedTable {
  readonly description: TableDescription;
  readonly table: FrequencyTable;
  /** Bits of the coded form. */
  readonly tableBits: number;
  /** Bits of the symbols by the table's probabilities: an estimate of the coded rate. */
  readonly estimatedSymbolBits: number;
}

/** Below this many symbols a tree is as small as any curve. */
const MIN_ALPHABET_FOR_CURVES = 8;
/** Below this many symbols inner knots are not thinned out. */
const MIN_ALPHABET_FOR_THINNING = 16;
const RESOLUTIONS_LOG2 = [0, 1, 2, 3, 4, 5];
const KNOT_STEPS_LOG2 = [0, 1, 2, 3, 4, 5];
const MAX_REFINEMENT_SWEEPS = 4;
/** 2^(i / 32), the weights of all levels at the finest resolution: a power takes longer than all else in a search. */
const WEIGHTS = Float64Array.from(
  { length: CURVE_OCTAVES << MAX_RESOLUTION_LOG2 },
  (_, i) => 2 ** (i / (1 << MAX_RESOLUTION_LOG2)),
);
/** Totals to choose from, as log2, coarse to fine. */
const PRECISIONS = [MIN_PRECISION_BITS, 14, MAX_PRECISION_BITS];
/** A finer total is taken only if it saves this share: its decode table is larger and slower. */
const FINER_GAIN = 0.0005;

/**
 * Designs a table for one tensor.
 * @param counts - occurrences per symbol, at least one positive, at most 256 symbols; not modified
 * @param peak - symbol around which values pile up (see `SymbolAlphabet`), part of what the decoder must know
 * @param options.coverAll - every symbol gets a frequency, for tables that will code other tensors too
 * @param options.maxPrecisionBits - log2 of the largest total to choose, 12 to 15; 15 by default
 * @param options.allKnots - a knot at every symbol, which takes a sixth of the search; for small alphabets
 */
export function designTable(
  counts: Uint32Array | Float64Array,
  peak = 0,
  options: {
    readonly coverAll?: boolean;
    readonly allKnots?: boolean;
    readonly maxPrecisionBits?: number;
  } = {},
): DesignedTable {
  const offset = options.coverAll ? 0.5 : 0;
  const target = Float64Array.from(counts, (count) => count + offset);
  const alphabet = { size: target.length, peak };
  const shapes = [{ kind: 'flat' } as const, designTree(target, alphabet)];
  const forms =
    target.length < MIN_ALPHABET_FOR_CURVES
      ? shapes
      : [...shapes, designCurve(target, peak, options.allKnots)];
  const { maxPrecisionBits = MAX_PRECISION_BITS } = options;
  return PRECISIONS.filter((precisionBits) => precisionBits <= maxPrecisionBits)
    .map((precisionBits) =>
      forms
        .map((form) => designed({ ...form, precisionBits }, alphabet, target))
        .reduce((a, b) => (totalBits(b) < totalBits(a) ? b : a)),
    )
    .reduce((coarse, fine) => (totalBits(fine) < totalBits(coarse) * (1 - FINER_GAIN) ? fine : coarse));
}

/** The cheapest curve: every knot step and resolution is fitted, the best refined. */
function designCurve(counts: Float64Array, peak: number, allKnots = false): CurveShape {
  const steps = allKnots || counts.length < MIN_ALPHABET_FOR_THINNING ? [0] : KNOT_STEPS_LOG2;
  const fits = steps.flatMap((step) =>
    RESOLUTIONS_LOG2.map((resolution) => fitCurve(counts, peak, step, resolution)),
  );
  const best = fits.reduce((a, b) => (b.cost < a.cost ? b : a));
  return refineCurve(best, counts);
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

function designed(
  description: TableDescription,
  alphabet: SymbolAlphabet,
  counts: Float64Array,
): DesignedTable {
  const table = tableOfDescription(alphabet, description);
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
function fitCurve(
  counts: Float64Array,
  peak: number,
  knotStepLog2: number,
  resolutionLog2: number,
): FittedCurve {
  const positions = knotPositions({ size: counts.length, peak }, knotStepLog2);
  const means = positions.map((_, knot) => meanAroundKnot(counts, positions, knot));
  const largest = Math.max(...means);
  const highest = CURVE_OCTAVES << resolutionLog2;
  const knotLevels = Uint16Array.from(means, (mean) => {
    if (mean === 0) return 0;
    return Math.max(1, highest + Math.round(Math.log2(mean / largest) * 2 ** resolutionLog2));
  });
  coverSeenSymbols(knotLevels, counts, positions);
  const shape: CurveShape = { kind: 'curve', knotStepLog2, resolutionLog2, knotLevels };
  const symbolCost = new CurveCost(shape, positions, counts);
  return { ...shape, positions, cost: symbolCost.bits() + knotBits(shape) };
}

/** Mean count from halfway to the previous knot to halfway to the next; of the symbol alone at either end. */
function meanAroundKnot(counts: Float64Array, positions: readonly number[], knot: number): number {
  const center = positions[knot];
  if (knot === 0 || knot === positions.length - 1) return counts[center];
  const from = center - ((center - positions[knot - 1]) >> 1);
  const to = center + ((positions[knot + 1] - center) >> 1);
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
  for (let knot = 1; knot < knotLevels.length; knot++) bits += differenceBits(knotLevels, knot, parameter);
  return bits;
}

/** Bits of a knot's difference to the one before. */
function differenceBits(knotLevels: Uint16Array, knot: number, parameter: number): number {
  return (foldSign(knotLevels[knot] - knotLevels[knot - 1]) >>> parameter) + 1 + parameter;
}

/** Bits of the one or two differences that a knot is part of. */
function bitsAround(knotLevels: Uint16Array, knot: number, parameter: number): number {
  return (
    (knot > 0 ? differenceBits(knotLevels, knot, parameter) : 0) +
    (knot < knotLevels.length - 1 ? differenceBits(knotLevels, knot + 1, parameter) : 0)
  );
}

/** Moves knots by a level up or down while that saves bits of table and symbols together. */
function refineCurve(fit: FittedCurve, counts: Float64Array): CurveShape {
  const knotLevels = fit.knotLevels.slice();
  const shape: CurveShape = { ...fit, knotLevels };
  const cost = new CurveCost(shape, fit.positions, counts);
  const highest = CURVE_OCTAVES << fit.resolutionLog2;
  const parameter = riceParameterOf(knotLevels);
  let tableBits = riceBits(knotLevels, parameter);
  let best = cost.bits() + tableBits;
  let improved = true;
  for (let sweep = 0; improved && sweep < MAX_REFINEMENT_SWEEPS; sweep++) {
    improved = false;
    for (let knot = 0; knot < knotLevels.length; knot++) {
      for (const change of [-1, 1]) {
        const before = knotLevels[knot];
        const lowest = before === 0 ? 0 : 1; // an empty knot stays empty, another never becomes so
        if (before === 0 || before + change < lowest || before + change > highest) continue;
        const bitsBefore = bitsAround(knotLevels, knot, parameter);
        cost.setKnot(knot, before + change);
        const changedBits = tableBits - bitsBefore + bitsAround(knotLevels, knot, parameter);
        const total = cost.bits() + changedBits;
        if (total < best) {
          best = total;
          tableBits = changedBits;
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
    this.#addKnots(0, positions.length - 1, 1);
  }

  bits(): number {
    return this.#total * Math.log2(this.#weightSum) - this.#weightedLevels / 2 ** this.#shape.resolutionLog2;
  }

  setKnot(knot: number, level: number): void {
    const first = Math.max(0, knot - 1);
    const last = Math.min(this.#positions.length - 1, knot + 1);
    this.#addKnots(first, last, -1);
    this.#shape.knotLevels[knot] = level;
    this.#addKnots(first, last, 1);
  }

  /** Adds or takes away the symbols from one knot to another, both included. */
  #addKnots(first: number, last: number, sign: 1 | -1): void {
    const { knotLevels } = this.#shape;
    this.#addSymbol(this.#positions[first], knotLevels[first], sign);
    for (let knot = first + 1; knot <= last; knot++) {
      const from = this.#positions[knot - 1];
      const span = this.#positions[knot] - from;
      for (let step = 1; step <= span; step++) {
        const level = interpolate(knotLevels[knot - 1], knotLevels[knot], step, span);
        this.#addSymbol(from + step, level, sign);
      }
    }
  }

  #addSymbol(symbol: number, level: number, sign: 1 | -1): void {
    if (level === 0) return;
    this.#weightSum += sign * WEIGHTS[(level - 1) << (MAX_RESOLUTION_LOG2 - this.#shape.resolutionLog2)];
    this.#weightedLevels += sign * this.#counts[symbol] * (level - 1);
  }
}
