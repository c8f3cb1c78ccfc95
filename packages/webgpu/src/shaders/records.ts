/** The records that the host writes and the kernels read: their layout as text of a shader, and as numbers. */

/** 32-bit words of a record of a chunk, on either way. */
export const CHUNK_WORDS = 8;
/** Entries of a symbol table. */
export const TABLE_ENTRIES = 256;
/** Most lanes of a chunk under a table (bitstream.md §7). */
export const MAX_LANES = 32;
/** Symbols whose words are counted and gathered together. */
export const TILE_SYMBOLS = 2048;

/** What all chunks of a call have in common; a uniform buffer, so that its size is a multiple of 16. */
export const CODING_STRUCT = `
struct Coding {
  chunkCount: u32,
  laneCount: u32,
  levelCount: u32,
  background: u32,
  perSymbol: u32,
  headLength: u32,
  groupCount: u32,
  channels: u32,
  inner: u32,
  rowLength: u32,
  stateCount: u32,
  tilesPerChunk: u32,
}
`;

/** Values of `Coding` on the host. */
export interface CodingRecord {
  readonly chunkCount: number;
  /** Lanes of every chunk; 0 when decoding, where chunks say it. */
  readonly laneCount: number;
  readonly levelCount: number;
  readonly background: number;
  /** Indices of a symbol; 0 when decoding, where chunks say it. */
  readonly perSymbol: number;
  /** Bytes before the first section. */
  readonly headLength: number;
  /** Rows of thresholds or levels. */
  readonly groupCount: number;
  /** Elements `inner` apart are neighbors along the dimension of groups, which has `channels` positions. */
  readonly channels: number;
  readonly inner: number;
  /** Words of a row, a power of two. */
  readonly rowLength: number;
  /** States of every section; 0 when decoding, where chunks say it. */
  readonly stateCount: number;
  /** Tiles of the largest chunk; 0 when decoding. */
  readonly tilesPerChunk: number;
}

/** `Coding` as bytes. */
export function writeCoding(coding: CodingRecord): Uint32Array<ArrayBuffer> {
  const { chunkCount, laneCount, levelCount, background, perSymbol } = coding;
  const { headLength, groupCount, channels, inner, rowLength, stateCount, tilesPerChunk } = coding;
  const words = [chunkCount, laneCount, levelCount, background, perSymbol, headLength, groupCount];
  return Uint32Array.from([...words, channels, inner, rowLength, stateCount, tilesPerChunk]);
}

/** A chunk to encode under a table. `head` is where its section's front stands behind the frame's head. */
export const ENCODE_CHUNK_STRUCT = encodeChunkStruct('table', 'precisionBits');

/** A chunk to encode under contexts: the same but for the rows and columns of its channels. */
export const CONTEXT_ENCODE_CHUNK_STRUCT = encodeChunkStruct('rows', 'columns');

function encodeChunkStruct(...own: readonly [string, string]): string {
  return `
struct Chunk {
  firstElement: u32,
  elementCount: u32,
  firstSymbol: u32,
  symbolCount: u32,
  head: u32,
  headLength: u32,
  ${own[0]}: u32,
  ${own[1]}: u32,
}
`;
}

/** A chunk to decode under contexts. `model` is the word at which its model begins, `states` the byte of its states. */
export const CONTEXT_DECODE_CHUNK_STRUCT = `
struct Chunk {
  firstElement: u32,
  elementCount: u32,
  model: u32,
  laneCount: u32,
  rows: u32,
  columns: u32,
  states: u32,
  byteCount: u32,
}
`;

/** A chunk to decode under a table. `states` is the byte at which its states begin, followed by its words. */
export const DECODE_CHUNK_STRUCT = `
struct Chunk {
  firstElement: u32,
  elementCount: u32,
  symbolCount: u32,
  perSymbol: u32,
  table: u32,
  precisionBits: u32,
  states: u32,
  wordsAndLanes: u32,
}
const LANE_BITS = 6u;
`;
/** Bits of `wordsAndLanes` that hold the lanes. */
export const LANE_BITS = 6;
