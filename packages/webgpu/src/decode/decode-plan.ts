/** A parsed frame as records for the kernel, after what it cannot do is refused. */

import type { FrameHeader, IndexAlphabet, RansPayload, TableDescription } from '@featherwire/codec';
import {
  type CodedChunk,
  elementsOf,
  type IndexingQuantizer,
  type ParsedFrame,
} from '@featherwire/codec/parts';
import { checkQuantizer, groupGeometry, levelRows, rowLengthOf } from '../coding/quantizer-rows.js';
import { indicesOfSymbol, type SymbolKind, symbolTables } from '../coding/symbol-tables.js';
import { UnsupportedError } from '../errors.js';
import { checkChunks, checkRows, checkSteps } from '../gpu-feature.js';
import { CHUNK_WORDS, type CodingRecord, LANE_BITS, TABLE_ENTRIES } from '../shaders/records.js';

const STATE_BYTES = 4;
const WORD_BYTES = 2;

/** What the kernel is given beside the bytes. */
export interface DecodePlan {
  readonly header: FrameHeader;
  readonly coding: CodingRecord;
  readonly chunks: Uint32Array<ArrayBuffer>;
  readonly tables: Uint32Array<ArrayBuffer>;
  readonly levels: Uint32Array<ArrayBuffer>;
  /** The frame has a checksum of the elements. */
  readonly hasDigest: boolean;
  /** True if a payload has more words than symbols could take, which needs no kernel to be refused. */
  readonly isFaulty: boolean;
}

/** Rows of levels by quantizer, which profiles keep, and by the number of channels. */
export type LevelMemory = WeakMap<IndexingQuantizer, Map<number, Uint32Array<ArrayBuffer>>>;

/**
 * Plans the decoding of a frame of one tensor.
 * @param frame - the bytes that `parsed` is of
 * @param maxElements - limit of the decoder
 * @throws {UnsupportedError} if the kernel does not know the quantizer, a coder or the type
 */
export function planDecoding(
  frame: Uint8Array,
  parsed: ParsedFrame,
  maxElements: number,
  memory: LevelMemory,
): DecodePlan {
  const [{ header, body }] = parsed.parts;
  if (header.dtype !== 'float32') throw new UnsupportedError('frame', 'float32', header.dtype);
  if (body.kind !== 'indices') throw new UnsupportedError('frame', 'indices', body.kind);
  const { quantizer, chunks } = body;
  const alphabet = checkQuantizer(quantizer);
  const { groupCount } = groupGeometry(quantizer, header.shape);
  checkChunks(chunks.length);
  checkRows('groups', groupCount * rowLengthOf(alphabet.levelCount), maxElements);
  const rows = new Map<TableDescription, { readonly row: number; readonly coder: TableCoder }>();
  const records = new Uint32Array(chunks.length * CHUNK_WORDS);
  let firstElement = 0;
  let mostLanes = 1;
  let isFaulty = false;
  for (let i = 0; i < chunks.length; i++) {
    const { geometry, section } = chunks[i];
    const { coder, payload } = codedPayload(section);
    const known = rows.get(coder.table) ?? { row: rows.size, coder };
    if (known.row === rows.size) rows.set(coder.table, known);
    const { bytes, laneCount } = payload;
    const count = elementsOf(geometry);
    const perSymbol = indicesOfSymbol(coder.kind, alphabet);
    const symbolCount = Math.ceil(count / perSymbol);
    checkSteps(symbolCount, laneCount);
    const wordCount = (bytes.length - laneCount * STATE_BYTES) / WORD_BYTES;
    isFaulty ||= wordCount > symbolCount;
    const record = i * CHUNK_WORDS;
    records[record] = firstElement;
    records[record + 1] = count;
    records[record + 2] = symbolCount;
    records[record + 3] = perSymbol;
    records[record + 4] = known.row;
    records[record + 5] = coder.table.precisionBits;
    records[record + 6] = bytes.byteOffset - frame.byteOffset;
    records[record + 7] = wordCount * 2 ** LANE_BITS + laneCount;
    firstElement += count;
    mostLanes = Math.max(mostLanes, laneCount);
  }
  checkRows('tables', rows.size * TABLE_ENTRIES, maxElements);
  const coders = Array.from(rows.values(), ({ coder }) => coder);
  const { words } = symbolTables(coders, alphabet);
  const coding = codingOf(header, quantizer, alphabet, chunks, mostLanes);
  const levels = rememberedLevels(quantizer, header, memory);
  const hasDigest = parsed.digest !== null;
  return { header, coding, chunks: records, tables: words, levels, hasDigest, isFaulty };
}

/** Whose symbols are coded by which table. */
interface TableCoder {
  readonly kind: SymbolKind;
  readonly table: TableDescription;
}

/** The table and the payload of a section. @throws {UnsupportedError} if it is not rANS under a table */
function codedPayload(section: CodedChunk['section']): {
  readonly coder: TableCoder;
  readonly payload: RansPayload;
} {
  const coder = section.kind === 'static' ? section.coder : section;
  if ('payload' in section && (coder.kind === 'rans' || coder.kind === 'rans-packed'))
    return { coder, payload: section.payload };
  throw new UnsupportedError('frame', 'rans or rans-packed', coder.kind);
}

function codingOf(
  { shape }: FrameHeader,
  quantizer: IndexingQuantizer,
  { levelCount, background }: IndexAlphabet,
  chunks: readonly CodedChunk[],
  laneCount: number,
): CodingRecord {
  return {
    chunkCount: chunks.length,
    laneCount,
    levelCount,
    background,
    perSymbol: 0,
    headLength: 0,
    rowLength: rowLengthOf(levelCount),
    ...groupGeometry(quantizer, shape),
  };
}

function rememberedLevels(
  quantizer: IndexingQuantizer,
  { shape }: FrameHeader,
  memory: LevelMemory,
): Uint32Array<ArrayBuffer> {
  const known = memory.get(quantizer) ?? new Map<number, Uint32Array<ArrayBuffer>>();
  const { channels } = groupGeometry(quantizer, shape);
  const levels = known.get(channels) ?? levelRows(quantizer, shape);
  known.set(channels, levels);
  memory.set(quantizer, known);
  return levels;
}
