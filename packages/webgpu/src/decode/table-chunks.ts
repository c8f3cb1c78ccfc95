/** Chunks under tables as records for their kernel. */

import type { IndexAlphabet, TableDescription } from '@featherwire/codec';
import { elementsOf } from '@featherwire/codec/parts';
import { indicesOfSymbol, symbolTables } from '../coding/symbol-tables.js';
import { checkRows, checkSteps } from '../gpu-feature.js';
import { CHUNK_WORDS, LANE_BITS, TABLE_ENTRIES } from '../shaders/records.js';
import type { RansChunk, TableCoder } from './rans-chunks.js';

const STATE_BYTES = 4;
const WORD_BYTES = 2;

/** What the kernel of tables is given. */
export interface TableChunks {
  readonly count: number;
  readonly records: Uint32Array<ArrayBuffer>;
  readonly tables: Uint32Array<ArrayBuffer>;
  /** Most lanes of a chunk. */
  readonly laneCount: number;
  /** True if a payload has more words than symbols. */
  readonly isFaulty: boolean;
}

/**
 * @param maxElements - limit of the decoder
 * @returns null if there are no chunks
 * @throws {UnsupportedError} if a chunk or the tables are too large
 */
export function planTableChunks(
  chunks: readonly RansChunk<TableCoder>[],
  alphabet: IndexAlphabet,
  maxElements: number,
): TableChunks | null {
  if (chunks.length === 0) return null;
  const rows = new Map<TableDescription, { readonly row: number; readonly coder: TableCoder }>();
  const records = new Uint32Array(chunks.length * CHUNK_WORDS);
  let laneCount = 1;
  let isFaulty = false;
  for (const [i, { geometry, firstElement, coder, payload, byteOffset }] of chunks.entries()) {
    const known = rows.get(coder.table) ?? { row: rows.size, coder };
    if (known.row === rows.size) rows.set(coder.table, known);
    const count = elementsOf(geometry);
    const perSymbol = indicesOfSymbol(coder.kind, alphabet);
    const symbolCount = Math.ceil(count / perSymbol);
    checkSteps(Math.ceil(symbolCount / payload.laneCount));
    const wordCount = (payload.bytes.length - payload.laneCount * STATE_BYTES) / WORD_BYTES;
    isFaulty ||= wordCount > symbolCount;
    const wordsAndLanes = wordCount * 2 ** LANE_BITS + payload.laneCount;
    const { precisionBits } = coder.table;
    const record = [firstElement, count, symbolCount, perSymbol, known.row, precisionBits, byteOffset];
    records.set([...record, wordsAndLanes], i * CHUNK_WORDS);
    laneCount = Math.max(laneCount, payload.laneCount);
  }
  checkRows('tables', rows.size * TABLE_ENTRIES, maxElements);
  const coders = Array.from(rows.values(), ({ coder }) => coder);
  const { words } = symbolTables(coders, alphabet);
  return { count: chunks.length, records, tables: words, laneCount, isFaulty };
}
