/** A parsed frame as records for the kernels, after what they cannot do is refused. */

import type { FrameHeader } from '@featherwire/codec';
import type { IndexingQuantizer, ParsedFrame } from '@featherwire/codec/parts';
import type { ModelMemory } from '../coding/context-words.js';
import { checkQuantizer, groupGeometry, levelRows, rowLengthOf } from '../coding/quantizer-rows.js';
import { UnsupportedError } from '../errors.js';
import { checkChunks, checkRows } from '../gpu-feature.js';
import type { CodingRecord } from '../shaders/records.js';
import { type ContextChunks, planContextChunks } from './context-chunks.js';
import { chunksOfRans, isOfContexts, isOfTable } from './rans-chunks.js';
import { planTableChunks, type TableChunks } from './table-chunks.js';

/** What decoding takes from chunks. */
const SAID_BY_CHUNKS = {
  laneCount: 0,
  perSymbol: 0,
  headLength: 0,
  stateCount: 0,
  tilesPerChunk: 0,
} as const;

/** What the kernels are given beside the bytes. */
export interface DecodePlan {
  readonly header: FrameHeader;
  readonly coding: CodingRecord;
  readonly levels: Uint32Array<ArrayBuffer>;
  /** Chunks under tables, null if there are none. */
  readonly tables: TableChunks | null;
  /** Chunks under contexts, null if there are none. */
  readonly contexts: ContextChunks | null;
  /** The frame has a checksum of the elements. */
  readonly hasDigest: boolean;
  /** True if a payload has more words than symbols could take, which needs no kernel to be refused. */
  readonly isFaulty: boolean;
}

/** What profiles make again and again, as long as these are in use. */
export interface DecodeMemory {
  /** Rows of levels by quantizer and by the number of channels. */
  readonly levels: WeakMap<IndexingQuantizer, Map<number, Uint32Array<ArrayBuffer>>>;
  readonly models: ModelMemory;
}

/**
 * Plans the decoding of a frame of one tensor.
 * @param frame - the bytes that `parsed` is of
 * @param maxElements - limit of the decoder
 * @throws {UnsupportedError} if the kernels do not know the quantizer, a coder or the type
 */
export function planDecoding(
  frame: Uint8Array,
  parsed: ParsedFrame,
  maxElements: number,
  memory: DecodeMemory,
): DecodePlan {
  const [{ header, body }] = parsed.parts;
  if (header.dtype !== 'float32') throw new UnsupportedError('frame', 'float32', header.dtype);
  if (body.kind !== 'indices') throw new UnsupportedError('frame', 'indices', body.kind);
  const { quantizer, chunks } = body;
  const alphabet = checkQuantizer(quantizer);
  const groups = groupGeometry(quantizer, header.shape);
  const rowLength = rowLengthOf(alphabet.levelCount);
  checkChunks(chunks.length);
  checkRows('groups', groups.groupCount * rowLength, maxElements);
  const ransChunks = chunksOfRans(frame, chunks);
  const tables = planTableChunks(ransChunks.filter(isOfTable), alphabet, maxElements);
  const contexts = planContextChunks(ransChunks.filter(isOfContexts), maxElements, memory.models);
  const coding = { ...SAID_BY_CHUNKS, chunkCount: chunks.length, ...alphabet, ...groups, rowLength };
  const levels = rememberedLevels(quantizer, header, memory.levels);
  const hasDigest = parsed.digest !== null;
  const isFaulty = Boolean(tables?.isFaulty || contexts?.isFaulty);
  return { header, coding, levels, tables, contexts, hasDigest, isFaulty };
}

function rememberedLevels(
  quantizer: IndexingQuantizer,
  { shape }: FrameHeader,
  memory: DecodeMemory['levels'],
): Uint32Array<ArrayBuffer> {
  const known = memory.get(quantizer) ?? new Map<number, Uint32Array<ArrayBuffer>>();
  const { channels } = groupGeometry(quantizer, shape);
  const levels = known.get(channels) ?? levelRows(quantizer, shape);
  known.set(channels, levels);
  memory.set(quantizer, known);
  return levels;
}
