/**
 * The kernels that make sections of what the lanes leave, under tables and contexts alike: `placeSections` finds where
 * sections begin, `gatherSections` writes them with their words closed up. A word's place follows from how many symbols
 * before it have one, which lanes count for each tile of symbols, so that tiles are gathered side by side.
 */

import { CODING_STRUCT, ENCODE_CHUNK_STRUCT, TILE_SYMBOLS } from './records.js';
import { REPORT_CONSTANTS } from './report.js';

/** Sizes of what a payload is made of. */
export interface PayloadForm {
  readonly stateBytes: 2 | 4;
  /** Bytes of what a state gives away at a time. */
  readonly wordBytes: 1 | 2;
}

/** rANS under a table (bitstream.md §7). */
export const TABLE_PAYLOAD: PayloadForm = { stateBytes: 4, wordBytes: 2 };
/** rANS under contexts (bitstream.md §11.3). */
export const CONTEXT_PAYLOAD: PayloadForm = { stateBytes: 2, wordBytes: 1 };

/** Symbols that a workgroup of `gatherSections` looks at together; a multiple of 32, and at least the most lanes. */
const GATHER_GROUP = 128;
const PLACE_GROUP = 256;

/** In place of a word: the symbol has none. */
export const NO_WORD = 'const NO_WORD = 0xffffffffu;';

/** Declares `countWord` and `addCountedWords`, by which a lane counts its words; needs `tileWords` and `coding`. */
export const WORD_COUNTING = `
var<private> countedTile = 0u;
var<private> countedWords = 0u;

fn addCountedWords() {
  if (countedWords > 0u) { atomicAdd(&tileWords[countedTile], countedWords); }
  countedWords = 0u;
}

// Counts the word of symbol i of a chunk. Lanes go through tiles in their order, so that there is one sum for each.
fn countWord(chunkIndex: u32, i: u32) {
  let tile = chunkIndex * coding.tilesPerChunk + i / ${TILE_SYMBOLS}u;
  if (tile != countedTile) {
    addCountedWords();
    countedTile = tile;
  }
  countedWords++;
}
`;

/** Of the records of chunks what stands in all kinds is read. */
function declarations({ stateBytes, wordBytes }: PayloadForm): string {
  return `${CODING_STRUCT}${ENCODE_CHUNK_STRUCT}${REPORT_CONSTANTS}
${NO_WORD}
const STATE_BYTES = ${stateBytes}u;
const WORD_BYTES = ${wordBytes}u;

// Where a section and its words begin, in bytes of the frame.
struct Section {
  start: u32,
  words: u32,
  wordCount: u32,
}
`;
}

/**
 * One workgroup for all chunks: an exclusive sum of the lengths of sections; the words of each tile become those of the
 * chunk's tiles before it.
 */
export function placeShader(form: PayloadForm): string {
  return `${declarations(form)}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
@group(0) @binding(2) var<storage, read_write> report: array<u32>;
@group(0) @binding(3) var<storage, read_write> tileWords: array<u32>;
@group(0) @binding(4) var<storage, read_write> sections: array<Section>;

var<workgroup> sums: array<u32, ${PLACE_GROUP}>;

fn varintLength(value: u32) -> u32 {
  var length = 1u;
  for (var rest = value >> 7u; rest > 0u; rest >>= 7u) { length++; }
  return length;
}

fn sumTiles(chunk: u32) -> u32 {
  var sum = 0u;
  let first = chunk * coding.tilesPerChunk;
  for (var tile = first; tile < first + coding.tilesPerChunk; tile++) {
    let words = tileWords[tile];
    tileWords[tile] = sum;
    sum += words;
  }
  return sum;
}

@compute @workgroup_size(${PLACE_GROUP})
fn placeSections(@builtin(local_invocation_index) thread: u32) {
  var before = coding.headLength;
  for (var round = 0u; round < coding.chunkCount; round += ${PLACE_GROUP}u) {
    let chunk = round + thread;
    var frontLength = 0u;
    var wordCount = 0u;
    if (chunk < coding.chunkCount) {
      wordCount = sumTiles(chunk);
      frontLength = chunks[chunk].headLength + varintLength(wordCount) + coding.stateCount * STATE_BYTES;
    }
    let length = frontLength + wordCount * WORD_BYTES;
    sums[thread] = length;
    workgroupBarrier();
    for (var distance = 1u; distance < ${PLACE_GROUP}u; distance <<= 1u) {
      var left = 0u;
      if (thread >= distance) { left = sums[thread - distance]; }
      workgroupBarrier();
      sums[thread] += left;
      workgroupBarrier();
    }
    if (chunk < coding.chunkCount) {
      let start = before + sums[thread] - length;
      sections[chunk] = Section(start, start + frontLength, wordCount);
    }
    before += sums[${PLACE_GROUP - 1}];
    workgroupBarrier();
  }
  if (thread == 0u) { report[REPORT_byteCount] = before; }
}
`;
}

/** One workgroup for each tile (x) of each chunk (y); that of a first one also writes what stands before the words. */
export function gatherShader(form: PayloadForm): string {
  return `${declarations(form)}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
@group(0) @binding(2) var<storage, read> tileWords: array<u32>;
@group(0) @binding(3) var<storage, read> sections: array<Section>;
@group(0) @binding(4) var<storage, read> emitted: array<u32>;
@group(0) @binding(5) var<storage, read> states: array<u32>;
// The frame's head, then the fronts of sections, as bytes.
@group(0) @binding(6) var<storage, read> literals: array<u32>;
// Zeros at first: parts of a word come from several invocations.
@group(0) @binding(7) var<storage, read_write> frame: array<atomic<u32>>;

// Three in turn: one is written, one may still be read, one is cleared.
var<workgroup> ballots: array<atomic<u32>, ${(3 * GATHER_GROUP) / 32}>;
const BALLOTS = ${GATHER_GROUP / 32}u;

// Writes the lowest bytes of a value that has no others.
fn writeBytes(position: u32, value: u32, length: u32) {
  let shift = (position & 3u) * 8u;
  atomicOr(&frame[position >> 2u], value << shift);
  if (shift + length * 8u > 32u) { atomicOr(&frame[(position >> 2u) + 1u], value >> (32u - shift)); }
}

fn copyLiterals(from_: u32, to: u32, length: u32, thread: u32) {
  for (var i = thread; i < length; i += ${GATHER_GROUP}u) {
    let position = from_ + i;
    writeBytes(to + i, (literals[position >> 2u] >> ((position & 3u) * 8u)) & 0xffu, 1u);
  }
}

// Writes the front of a section, the number of its words and its states, the frame's head before the first one.
fn writeFront(chunkIndex: u32, thread: u32) {
  let chunk = chunks[chunkIndex];
  var position = sections[chunkIndex].start;
  if (chunkIndex == 0u) { copyLiterals(0u, 0u, coding.headLength, thread); }
  copyLiterals(coding.headLength + chunk.head, position, chunk.headLength, thread);
  position += chunk.headLength;
  var rest = sections[chunkIndex].wordCount;
  for (; rest >= 128u; rest >>= 7u) {
    if (thread == 0u) { writeBytes(position, (rest & 0x7fu) | 0x80u, 1u); }
    position++;
  }
  if (thread == 0u) { writeBytes(position, rest, 1u); }
  position++;
  if (thread < coding.stateCount) {
    let state = states[chunkIndex * coding.laneCount + thread];
    writeBytes(position + thread * STATE_BYTES, state, STATE_BYTES);
  }
}

@compute @workgroup_size(${GATHER_GROUP})
fn gatherSections(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let chunk = chunks[group.y];
  let first = group.x * ${TILE_SYMBOLS}u;
  if (first >= chunk.symbolCount) { return; }
  if (group.x == 0u) { writeFront(group.y, thread); }
  var position = sections[group.y].words + tileWords[group.y * coding.tilesPerChunk + group.x] * WORD_BYTES;
  let ballot = thread / 32u;
  let bit = 1u << (thread % 32u);
  var turn = 0u;
  for (var from_ = first; from_ < min(chunk.symbolCount, first + ${TILE_SYMBOLS}u); from_ += ${GATHER_GROUP}u) {
    let i = from_ + thread;
    var word = NO_WORD;
    if (i < chunk.symbolCount) { word = emitted[chunk.firstSymbol + i]; }
    if (word != NO_WORD) { atomicOr(&ballots[turn * BALLOTS + ballot], bit); }
    workgroupBarrier();
    var before = 0u;
    var all = 0u;
    for (var b = 0u; b < BALLOTS; b++) {
      let votes = atomicLoad(&ballots[turn * BALLOTS + b]);
      if (b == ballot) { before = all + countOneBits(votes & (bit - 1u)); }
      all += countOneBits(votes);
    }
    if (thread < BALLOTS) { atomicStore(&ballots[((turn + 2u) % 3u) * BALLOTS + thread], 0u); }
    if (word != NO_WORD) { writeBytes(position + before * WORD_BYTES, word, WORD_BYTES); }
    position += all * WORD_BYTES;
    turn = (turn + 1u) % 3u;
  }
}
`;
}
