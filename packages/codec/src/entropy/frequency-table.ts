/**
 * Frequency tables of the order-0 model and their coded form (bitstream.md §6). A table travels as a tree
 * (`histogram-tree.ts`) or as a sampled curve of log2 weights: levels at knots, interpolated in between, turned into
 * integer weights. Weights are normalized by integer arithmetic, so that every decoder gets the same frequencies. A
 * coarse curve costs a few bytes, which suits smooth histograms; a tree also finds cusps and gaps.
 */

import {
  type BitReader,
  type BitWriter,
  bestRiceParameter,
  foldSign,
  unfoldSign,
} from '../bitstream/bits.js';
import type { FrequencyTable, SymbolAlphabet, TableCurve, TableDescription } from '../stages.js';
import { readTree, weightsOfTree, writeTree } from './histogram-tree.js';

export const MIN_PRECISION_BITS = 12;
export const MAX_PRECISION_BITS = 15;
export const MAX_KNOT_STEP_LOG2 = 5;
export const MAX_RESOLUTION_LOG2 = 5;
/** Octaves that a curve spans. */
export const CURVE_OCTAVES = 16;
/** Widest alphabet of a table. */
export const MAX_ALPHABET_SIZE = 256;

const KNOT_STEP_FIELD = 3;
/** In the field of the knot step: the table is a tree. */
const TREE_CODE = 7;
const FIRST_LEVEL_BITS_BASE = 5; // 16 octaves need 5 bits at one level an octave

/** round(2^15 * 2^(j/32)) for j = 0 … 31: the weights of one octave (bitstream.md §6.2). */
const OCTAVE_WEIGHTS: readonly number[] = [
  32768, 33486, 34219, 34968, 35734, 36516, 37316, 38133, 38968, 39821, 40693, 41584, 42495, 43425, 44376,
  45348, 46341, 47356, 48393, 49452, 50535, 51642, 52773, 53928, 55109, 56316, 57549, 58809, 60097, 61413,
  62757, 64132,
];

/**
 * Symbols at which a curve has knots, ascending: the first and the last two, the peak and its neighbors, and
 * every `1 << knotStepLog2`-th from the second on. The first, the last and the peak stand alone because
 * clipping and rectification pile values up there.
 */
export function knotPositions(alphabet: SymbolAlphabet, knotStepLog2: number): number[] {
  const { size, peak } = alphabet;
  const positions = new Set([0, peak - 1, peak, peak + 1, size - 2, size - 1]);
  for (let symbol = 1; symbol < size - 2; symbol += 1 << knotStepLog2) positions.add(symbol);
  return [...positions].filter((symbol) => symbol >= 0 && symbol < size).sort((a, b) => a - b);
}

/** Integer weight of a level; 0 for level 0. */
export function weightOfLevel(level: number, resolutionLog2: number): number {
  if (level === 0) return 0;
  const octave = (level - 1) >> resolutionLog2;
  const fraction = (level - 1) & ((1 << resolutionLog2) - 1);
  return OCTAVE_WEIGHTS[fraction << (MAX_RESOLUTION_LOG2 - resolutionLog2)] * 2 ** octave;
}

/** Weights of all symbols of a curve. */
export function weightsOfCurve(alphabet: SymbolAlphabet, curve: TableCurve): Float64Array {
  const levels = levelsOfCurve(alphabet.size, knotPositions(alphabet, curve.knotStepLog2), curve.knotLevels);
  return Float64Array.from(levels, (level) => weightOfLevel(level, curve.resolutionLog2));
}

/** Levels of all symbols: those of knots, and between two knots the straight line, rounded half up. */
export function levelsOfCurve(
  size: number,
  positions: readonly number[],
  knotLevels: Uint16Array,
): Uint16Array {
  const levels = new Uint16Array(size);
  levels[0] = knotLevels[0];
  for (let knot = 1; knot < positions.length; knot++) {
    const from = positions[knot - 1];
    const span = positions[knot] - from;
    for (let step = 1; step <= span; step++) {
      levels[from + step] = interpolate(knotLevels[knot - 1], knotLevels[knot], step, span);
    }
  }
  return levels;
}

/** The line from `first` to `last` after `step` of `span` steps, rounded half up. */
export function interpolate(first: number, last: number, step: number, span: number): number {
  return Math.floor((2 * (first * (span - step) + last * step) + span) / (2 * span));
}

/**
 * Scales weights to frequencies that sum to `1 << precisionBits`; a positive weight keeps at least 1.
 * Rounded shares first; then the symbol of the largest frequency (the smallest such symbol) takes what is
 * missing, or gives up to half of itself, until the sum is right (bitstream.md §6.3).
 * @param weights - integers in [0, 2^32], at least one positive; not modified
 * @throws {RangeError} if no weight is positive
 */
export function normalizeWeights(weights: Float64Array, precisionBits: number): FrequencyTable {
  const total = 1 << precisionBits;
  let sum = 0;
  for (const weight of weights) sum += weight;
  if (sum === 0) throw new RangeError('weights expected a positive one, got none');
  const frequencies = new Uint16Array(weights.length);
  let missing = total;
  for (let symbol = 0; symbol < weights.length; symbol++) {
    if (weights[symbol] === 0) continue;
    // Exact in double precision: numerator and denominator are below 2^53.
    frequencies[symbol] = Math.max(1, Math.floor((2 * weights[symbol] * total + sum) / (2 * sum)));
    missing -= frequencies[symbol];
  }
  while (missing !== 0) {
    let largest = 0;
    for (let symbol = 1; symbol < frequencies.length; symbol++) {
      if (frequencies[symbol] > frequencies[largest]) largest = symbol;
    }
    const change = missing > 0 ? missing : -Math.min(-missing, frequencies[largest] >> 1);
    frequencies[largest] += change;
    missing -= change;
  }
  return { precisionBits, frequencies, starts: startsOf(frequencies) };
}

/** The table that a description stands for. @throws {RangeError} if a curve has no positive weight */
export function tableOfDescription(alphabet: SymbolAlphabet, description: TableDescription): FrequencyTable {
  switch (description.kind) {
    case 'flat':
      return normalizeWeights(new Float64Array(alphabet.size).fill(1), description.precisionBits);
    case 'curve':
      return normalizeWeights(weightsOfCurve(alphabet, description), description.precisionBits);
    case 'tree':
      return normalizeWeights(weightsOfTree(description), description.precisionBits);
    default:
      return description satisfies never;
  }
}

/** The only symbol that can occur, or -1 if several can. */
export function certainSymbol(table: FrequencyTable): number {
  return table.frequencies.indexOf(1 << table.precisionBits);
}

/** Writes a description (bitstream.md §6.1); its bit length is the table's cost. */
export function writeTable(bits: BitWriter, description: TableDescription): void {
  bits.writeBits(description.kind === 'flat' ? 0 : 1, 1);
  bits.writeBits(description.precisionBits - MIN_PRECISION_BITS, 2);
  if (description.kind === 'flat') return;
  if (description.kind === 'tree') {
    bits.writeBits(TREE_CODE, KNOT_STEP_FIELD);
    writeTree(bits, description);
    return;
  }
  const { knotLevels, resolutionLog2 } = description;
  const parameter = riceParameterOf(knotLevels);
  bits.writeBits(description.knotStepLog2, KNOT_STEP_FIELD);
  bits.writeBits(resolutionLog2, 3);
  bits.writeBits(parameter, 3);
  bits.writeBits(knotLevels[0], FIRST_LEVEL_BITS_BASE + resolutionLog2);
  for (let k = 1; k < knotLevels.length; k++) {
    bits.writeRice(foldSign(knotLevels[k] - knotLevels[k - 1]), parameter);
  }
}

/**
 * Reads a description.
 * @returns the description, or the reason for which the bits are not one
 */
export function readTable(bits: BitReader, alphabet: SymbolAlphabet): TableDescription | string {
  const isFlat = bits.readBits(1) === 0;
  const precisionBits = MIN_PRECISION_BITS + bits.readBits(2);
  if (isFlat) return { kind: 'flat', precisionBits };
  const knotStepLog2 = bits.readBits(KNOT_STEP_FIELD);
  if (knotStepLog2 === TREE_CODE) return readTree(bits, alphabet, precisionBits);
  const resolutionLog2 = bits.readBits(3);
  const parameter = bits.readBits(3);
  if (knotStepLog2 > MAX_KNOT_STEP_LOG2) return `knot step 2^${knotStepLog2} is over 2^${MAX_KNOT_STEP_LOG2}`;
  if (resolutionLog2 > MAX_RESOLUTION_LOG2)
    return `resolution 2^${resolutionLog2} is over 2^${MAX_RESOLUTION_LOG2}`;
  const highest = CURVE_OCTAVES << resolutionLog2;
  const knotLevels = new Uint16Array(knotPositions(alphabet, knotStepLog2).length);
  let level = bits.readBits(FIRST_LEVEL_BITS_BASE + resolutionLog2);
  for (let k = 0; k < knotLevels.length; k++) {
    if (k > 0) {
      const folded = bits.readRice(parameter, 2 * highest + 1);
      if (folded < 0) return `level difference at knot ${k} is out of range`;
      level += unfoldSign(folded);
    }
    if (level < 0 || level > highest) return `level ${level} at knot ${k} is not in 0 … ${highest}`;
    knotLevels[k] = level;
  }
  if (bits.overrun) return 'table ends early';
  if (!knotLevels.some((value) => value > 0)) return 'table has no symbol';
  return { kind: 'curve', precisionBits, knotStepLog2, resolutionLog2, knotLevels };
}

/** The Rice parameter that codes the level differences in the fewest bits. */
export function riceParameterOf(knotLevels: Uint16Array): number {
  const folded = new Uint32Array(knotLevels.length - 1);
  for (let k = 0; k < folded.length; k++) folded[k] = foldSign(knotLevels[k + 1] - knotLevels[k]);
  return bestRiceParameter(folded);
}

function startsOf(frequencies: Uint16Array): Uint16Array {
  const starts = new Uint16Array(frequencies.length);
  for (let symbol = 1; symbol < starts.length; symbol++) {
    starts[symbol] = starts[symbol - 1] + frequencies[symbol - 1];
  }
  return starts;
}
