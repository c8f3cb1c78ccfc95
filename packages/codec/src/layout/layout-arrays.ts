/**
 * Sparse layouts as lists of symbol arrays (bitstream.md §10): what each array holds, its length and its alphabet,
 * and the way from indices to arrays and back. How the arrays are coded is left to the entropy coder.
 */

import type { IndexAlphabet, SparseLayout } from '../stages.js';
import { type CompressedRows, compressRows, expandRows } from './csr.js';
import { mapSignificance, SIGNIFICANCE_ALPHABET_SIZE, unmapSignificance } from './significance.js';

/** What a frame says of a sparse layout beside its arrays. */
export interface SparseSize {
  readonly elementCount: number;
  /** Divides `elementCount`; 0 under a significance map. */
  readonly rowCount: number;
  /** At most `elementCount`. */
  readonly keptCount: number;
}

/** An array under a table of its own. */
export interface SymbolArray {
  /** What its symbols are, for reports. */
  readonly name: string;
  readonly length: number;
  /** Symbols are below this; 1 to 256. */
  readonly alphabetSize: number;
  /** Symbol around which a table's knots stand; may be over the largest symbol. */
  readonly peak: number;
}

/** Arrays of a layout, in the order in which a frame holds them. */
export function arraysOfLayout(
  layout: SparseLayout,
  { elementCount, rowCount, keptCount }: SparseSize,
  { levelCount, background }: IndexAlphabet,
): SymbolArray[] {
  const values = { name: 'values', length: keptCount, alphabetSize: levelCount, peak: background } as const;
  if (layout === 'significance') {
    const alphabetSize = SIGNIFICANCE_ALPHABET_SIZE;
    return [{ name: 'significance', length: elementCount, alphabetSize, peak: 0 }, values];
  }
  const columnCount = elementCount / rowCount;
  const countAlphabetSize = columnCount + 1;
  if (layout === 'csr') {
    const alphabetSize = Math.max(levelCount, countAlphabetSize);
    const length = 2 * keptCount + rowCount;
    return [{ name: 'entries and rows', length, alphabetSize, peak: background }];
  }
  return [
    values,
    { name: 'columns', length: keptCount, alphabetSize: columnCount, peak: 0 },
    { name: 'row counts', length: rowCount, alphabetSize: countAlphabetSize, peak: 0 },
  ];
}

/** True if an array is known without its symbols: it has none, or none but zeros. */
export function isImplied({ length, alphabetSize }: SymbolArray): boolean {
  return length === 0 || alphabetSize === 1;
}

/**
 * Indices as the arrays of a layout.
 * @param columnCount - 1 to 255, divides the length of `indices`; ignored by a significance map
 */
export function splitIntoArrays(
  indices: Uint8Array,
  layout: SparseLayout,
  columnCount: number,
  background: number,
): { readonly size: SparseSize; readonly arrays: Uint8Array[] } {
  const elementCount = indices.length;
  if (layout === 'significance') {
    const { significance, values } = mapSignificance(indices, background);
    return {
      size: { elementCount, rowCount: 0, keptCount: values.length },
      arrays: [significance, values],
    };
  }
  const { values, columns, rowCounts } = compressRows(indices, columnCount, background);
  const size = { elementCount, rowCount: rowCounts.length, keptCount: values.length };
  if (layout === 'csr-separate') return { size, arrays: [values, columns, rowCounts] };
  const joined = new Uint8Array(2 * values.length + rowCounts.length);
  joined.set(values);
  joined.set(columns, values.length);
  joined.set(rowCounts, 2 * values.length);
  return { size, arrays: [joined] };
}

/**
 * Inverse of `splitIntoArrays`.
 * @param arrays - as long as `arraysOfLayout` says, symbols below their alphabet sizes
 * @returns the indices, or the reason for which the arrays are not those of any
 */
export function joinArrays(
  arrays: readonly Uint8Array[],
  layout: SparseLayout,
  size: SparseSize,
  alphabet: IndexAlphabet,
): Uint8Array | string {
  if (layout === 'significance') {
    return unmapSignificance({ significance: arrays[0], values: arrays[1] }, alphabet);
  }
  return expandRows(rowsOfArrays(arrays, layout, size), alphabet);
}

function rowsOfArrays(
  arrays: readonly Uint8Array[],
  layout: Exclude<SparseLayout, 'significance'>,
  { elementCount, rowCount, keptCount }: SparseSize,
): CompressedRows {
  const columnCount = elementCount / rowCount;
  if (layout === 'csr-separate') {
    const [values, columns, rowCounts] = arrays;
    return { columnCount, values, columns, rowCounts };
  }
  const [joined] = arrays;
  return {
    columnCount,
    values: joined.subarray(0, keptCount),
    columns: joined.subarray(keptCount, 2 * keptCount),
    rowCounts: joined.subarray(2 * keptCount),
  };
}
