/**
 * Modified CSR of paper A (bitstream.md §10.1; Sung et al. 2025): the indices as rows of equal length, of which only
 * those that are not the background are kept, with a count for each row instead of the offsets of plain CSR.
 * Forward and inverse; the choice of the row length is `reshape.ts`.
 */

import type { IndexAlphabet } from '../stages.js';

/** Longest row: columns and counts are symbols of 8 bits. */
export const MAX_COLUMN_COUNT = 255;

/** Kept entries of rows of `columnCount` elements each. */
export interface CompressedRows {
  /** 1 to 255. */
  readonly columnCount: number;
  /** Index of each kept entry, in row-major order; none is the background. */
  readonly values: Uint8Array;
  /** Column of each kept entry, ascending within its row. */
  readonly columns: Uint8Array;
  /** Kept entries of each row, 0 to `columnCount`. */
  readonly rowCounts: Uint8Array;
}

/**
 * Takes the background out of indices.
 * @param indices - a whole number of rows; not modified
 * @param columnCount - 1 to 255, divides the length of `indices`
 */
export function compressRows(indices: Uint8Array, columnCount: number, background: number): CompressedRows {
  const keptCount = countKept(indices, background);
  const values = new Uint8Array(keptCount);
  const columns = new Uint8Array(keptCount);
  const rowCounts = new Uint8Array(indices.length / columnCount);
  let entry = 0;
  for (let row = 0; row < rowCounts.length; row++) {
    const rowStart = row * columnCount;
    const firstEntry = entry;
    for (let column = 0; column < columnCount; column++) {
      const index = indices[rowStart + column];
      if (index === background) continue;
      values[entry] = index;
      columns[entry] = column;
      entry++;
    }
    rowCounts[row] = entry - firstEntry;
  }
  return { columnCount, values, columns, rowCounts };
}

/**
 * Inverse of `compressRows`, for arrays of any content.
 * @param rows - as many columns as values
 * @returns the indices, or the reason for which the arrays are not compressed rows
 */
export function expandRows(rows: CompressedRows, alphabet: IndexAlphabet): Uint8Array | string {
  const { columnCount, values, columns, rowCounts } = rows;
  const { levelCount, background } = alphabet;
  const indices = new Uint8Array(rowCounts.length * columnCount).fill(background);
  let entry = 0;
  for (let row = 0; row < rowCounts.length; row++) {
    const end = entry + rowCounts[row];
    if (end > values.length) return `rows up to ${row} hold ${end} entries of ${values.length}`;
    for (let next = 0; entry < end; entry++) {
      const column = columns[entry];
      if (column < next || column >= columnCount)
        return `column ${column} of entry ${entry} is not in ${next} … ${columnCount - 1}`;
      if (values[entry] === background || values[entry] >= levelCount)
        return `value ${values[entry]} of entry ${entry} is no kept index`;
      indices[row * columnCount + column] = values[entry];
      next = column + 1;
    }
  }
  return entry === values.length ? indices : `rows hold ${entry} entries of ${values.length}`;
}

/** Indices that are not the background. */
export function countKept(indices: Uint8Array, background: number): number {
  let kept = 0;
  for (let i = 0; i < indices.length; i++) if (indices[i] !== background) kept++;
  return kept;
}
