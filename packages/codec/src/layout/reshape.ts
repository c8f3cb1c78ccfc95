/**
 * Choice of the row length of compressed rows by the cost of paper A (Sung et al. 2025): l_D · H(p), the entropy of
 * values, columns and row counts, with one histogram for all three or one for each. Exact from the positions of the
 * kept entries, or modeled from their number and the histogram of their values alone. Encoding only.
 */

import type { IndexAlphabet } from '../stages.js';
import { countKept, MAX_COLUMN_COUNT } from './csr.js';

/** One histogram over values, columns and row counts, or one for each. */
export type TableSharing = 'joint' | 'separate';

/** What the exact cost needs of a tensor's indices. */
export interface KeptEntries {
  readonly elementCount: number;
  /** Places of the entries that are not the background, ascending. */
  readonly positions: Uint32Array;
  /** Occurrences of each index; 0 for the background. */
  readonly valueCounts: Uint32Array;
}

/** What the modeled cost needs. */
export interface KeptStatistics {
  readonly elementCount: number;
  readonly keptCount: number;
  /** Occurrences of each index among the kept entries. */
  readonly valueCounts: Uint32Array;
}

/** A row length and what it costs. */
export interface Reshape {
  readonly columnCount: number;
  /** By the cost that was searched; tables and states excluded. */
  readonly bits: number;
  /** Row lengths that were tried. */
  readonly triedCount: number;
}

/**
 * Consecutive increases of the cost after which the search ends. With more than 1,024 kept entries 3 found the best of
 * all row lengths in each of 1,796 random tensors, 2 lost up to 29 %.
 */
export const DEFAULT_PATIENCE = 4;
/**
 * Up to this many kept entries every row length is tried: costs of few entries rise and fall by chance, so that a
 * search that stops early took up to twice the bits. The passes are short.
 */
const MAX_EXHAUSTIVE_KEPT = 1_024;
/** Symbols have 8 bits. */
const SYMBOL_COUNT = 256;

/** Finds the entries that are not the background. @param indices - each below `levelCount` */
export function findKeptEntries(indices: Uint8Array, alphabet: IndexAlphabet): KeptEntries {
  const { levelCount, background } = alphabet;
  const positions = new Uint32Array(countKept(indices, background));
  const valueCounts = new Uint32Array(levelCount);
  let kept = 0;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (index === background) continue;
    positions[kept++] = i;
    valueCounts[index]++;
  }
  return { elementCount: indices.length, positions, valueCounts };
}

/** Row lengths that divide a tensor into whole rows of at most 255 elements, ascending; 1 is always one. */
export function columnCountCandidates(elementCount: number): number[] {
  const candidates: number[] = [];
  for (let count = 1; count <= Math.min(elementCount, MAX_COLUMN_COUNT); count++) {
    if (elementCount % count === 0) candidates.push(count);
  }
  return candidates;
}

/** Entropy of the arrays in bits. One pass over the kept entries. @param columnCount - divides the elements */
export function reshapeBits(kept: KeptEntries, columnCount: number, sharing: TableSharing): number {
  const { elementCount, positions, valueCounts } = kept;
  const columnCounts = new Uint32Array(SYMBOL_COUNT);
  const rowCountCounts = new Uint32Array(SYMBOL_COUNT);
  let row = -1;
  let inRow = 0;
  let occupiedRows = 0;
  for (let entry = 0; entry < positions.length; entry++) {
    const nextRow = Math.floor(positions[entry] / columnCount);
    columnCounts[positions[entry] - nextRow * columnCount]++;
    if (nextRow !== row) {
      if (inRow > 0) rowCountCounts[inRow]++;
      row = nextRow;
      inRow = 0;
      occupiedRows++;
    }
    inRow++;
  }
  if (inRow > 0) rowCountCounts[inRow]++;
  rowCountCounts[0] = elementCount / columnCount - occupiedRows;
  return histogramBits([valueCounts, columnCounts, rowCountCounts], sharing);
}

/**
 * Model of `reshapeBits` without the positions: columns uniform, row counts binomial, values as counted.
 * @param columnCount - divides the elements
 */
export function modelReshapeBits(kept: KeptStatistics, columnCount: number, sharing: TableSharing): number {
  const { elementCount, keptCount, valueCounts } = kept;
  const columnCounts = new Float64Array(columnCount).fill(keptCount / columnCount);
  const rows = elementCount / columnCount;
  const rowCountCounts = binomial(columnCount, keptCount / elementCount).map((share) => share * rows);
  return histogramBits([valueCounts, columnCounts, rowCountCounts], sharing);
}

/** The row length of the smallest `reshapeBits`, near enough (see `DEFAULT_PATIENCE`). */
export function bestReshape(kept: KeptEntries, sharing: TableSharing): Reshape {
  const patience = kept.positions.length <= MAX_EXHAUSTIVE_KEPT ? Number.POSITIVE_INFINITY : DEFAULT_PATIENCE;
  return searchColumnCount(
    kept.elementCount,
    (columnCount) => reshapeBits(kept, columnCount, sharing),
    patience,
  );
}

/**
 * Searches row lengths upwards until the cost has risen `patience` times in a row.
 * @param cost - bits of a row length
 * @param patience - at least 1; infinite for all candidates
 */
export function searchColumnCount(
  elementCount: number,
  cost: (columnCount: number) => number,
  patience: number = DEFAULT_PATIENCE,
): Reshape {
  let best: { columnCount: number; bits: number } | undefined;
  let previous = Number.POSITIVE_INFINITY;
  let increases = 0;
  let triedCount = 0;
  for (const columnCount of columnCountCandidates(elementCount)) {
    const bits = cost(columnCount);
    triedCount++;
    if (!best || bits < best.bits) best = { columnCount, bits };
    increases = bits > previous ? increases + 1 : 0;
    if (increases >= patience) break;
    previous = bits;
  }
  if (!best) throw new RangeError(`elementCount expected at least 1, got ${elementCount}`);
  return { ...best, triedCount };
}

/** Entropy of what was counted, in bits: all symbols by one distribution, or each array by its own. */
function histogramBits(histograms: readonly ArrayLike<number>[], sharing: TableSharing): number {
  if (sharing === 'separate') return histograms.reduce((bits, counts) => bits + entropyBits(counts), 0);
  const joint = new Float64Array(SYMBOL_COUNT);
  for (const counts of histograms) {
    for (let symbol = 0; symbol < counts.length; symbol++) joint[symbol] += counts[symbol];
  }
  return entropyBits(joint);
}

/** Entropy of symbols with the given counts, of all of them together, in bits. */
export function entropyBits(counts: ArrayLike<number>): number {
  let total = 0;
  let weighted = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    const count = counts[symbol];
    if (count === 0) continue;
    total += count;
    weighted += count * Math.log2(count);
  }
  return total === 0 ? 0 : Math.max(0, total * Math.log2(total) - weighted);
}

/** Probabilities of 0 … `trials` successes, by logarithms so that small ones do not vanish early. */
function binomial(trials: number, share: number): Float64Array {
  const probabilities = new Float64Array(trials + 1);
  if (share === 0 || share === 1) {
    probabilities[share * trials] = 1;
    return probabilities;
  }
  let logWays = 0;
  for (let successes = 0; successes <= trials; successes++) {
    if (successes > 0) logWays += Math.log((trials - successes + 1) / successes);
    const logShare = successes * Math.log(share) + (trials - successes) * Math.log1p(-share);
    probabilities[successes] = Math.exp(logWays + logShare);
  }
  return probabilities;
}
