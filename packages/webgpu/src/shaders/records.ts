/** The records that the host writes and the kernels read: their layout as text of a shader, and as numbers. */

/** 32-bit words of a record of a chunk, on either way. */
export const CHUNK_WORDS = 8;
/** Entries of a symbol table. */
export const TABLE_ENTRIES = 256;
/** Most lanes of a chunk (bitstream.md §7). */
export const MAX_LANES = 32;

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
  reserved0: u32,
  reserved1: u32,
}
`;

/** Values of `Coding` on the host. */
export interface CodingRecord {
  readonly chunkCount: number;
  /** Lanes of every chunk; when decoding chunks say it themselves, and this is the most that one has. */
  readonly laneCount: number;
  readonly levelCount: number;
  readonly background: number;
  /** Indices of a symbol; when decoding chunks say it. */
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
}

/** `Coding` as bytes. */
export function writeCoding(coding: CodingRecord): Uint32Array<ArrayBuffer> {
  const { chunkCount, laneCount, levelCount, background, perSymbol } = coding;
  const { headLength, groupCount, channels, inner, rowLength } = coding;
  const words = [chunkCount, laneCount, levelCount, background, perSymbol, headLength, groupCount];
  return Uint32Array.from([...words, channels, inner, rowLength, 0, 0]);
}

/** A chunk to encode. `head` is where its section's front stands behind the frame's head. */
export const ENCODE_CHUNK_STRUCT = `
struct Chunk {
  firstElement: u32,
  elementCount: u32,
  firstSymbol: u32,
  symbolCount: u32,
  table: u32,
  precisionBits: u32,
  head: u32,
  headLength: u32,
}
`;

/** A chunk to decode. `states` is the byte at which its states begin, followed by its words. */
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
