/**
 * The kernels that make a frame, in their order: `encodeLanes` codes every lane of every chunk by itself and leaves a word
 * or none for each symbol, `placeSections` finds where sections begin, `gatherSections` writes them with their words closed
 * up. Lanes need nothing of each other on the way out: the word of a symbol depends on its own lane alone, and its place
 * on how many symbols before it have one (bitstream.md §7).
 */

import { SYMBOL_OF_ELEMENTS } from './quantization.js';
import { CODING_STRUCT, ENCODE_CHUNK_STRUCT, TABLE_ENTRIES } from './records.js';
import { REPORT_CONSTANTS } from './report.js';

/** Lanes of a workgroup of `encodeLanes`, of one chunk or several. */
export const LANE_GROUP = 64;
/** Symbols that a workgroup of `gatherSections` looks at together; a multiple of 32. */
export const GATHER_GROUP = 128;
const PLACE_GROUP = 256;
const COUNT_GROUP = 128;

const COMMON = `${CODING_STRUCT}${ENCODE_CHUNK_STRUCT}${REPORT_CONSTANTS}
// In place of a word of 16 bits: the symbol has none.
const NO_WORD = 0xffffffffu;
const STATE_LOW = 0x8000u;
const STATE_BYTES = 4u;
const WORD_BYTES = 2u;
`;

/** One invocation for each lane: `chunkCount · laneCount` of them. */
export const ENCODE_LANES = `${COMMON}${SYMBOL_OF_ELEMENTS}
// A row for each table: the start of a symbol in the low half, its frequency in the high one.
@group(0) @binding(4) var<storage, read> tables: array<u32>;
@group(0) @binding(5) var<storage, read_write> emitted: array<u32>;
@group(0) @binding(6) var<storage, read_write> states: array<u32>;
@group(0) @binding(7) var<storage, read_write> report: array<atomic<u32>>;

@compute @workgroup_size(${LANE_GROUP})
fn encodeLanes(@builtin(global_invocation_id) id: vec3u) {
  let chunkIndex = id.x / coding.laneCount;
  if (chunkIndex >= coding.chunkCount) { return; }
  let lane = id.x % coding.laneCount;
  let chunk = chunks[chunkIndex];
  let row = chunk.table * ${TABLE_ENTRIES}u;
  var state = STATE_LOW;
  var wordCount = 0u;
  // From the last symbol of the lane to the first; a lane beyond all symbols has none.
  var step = (chunk.symbolCount + coding.laneCount - 1u - lane) / coding.laneCount;
  for (; step > 0u; step--) {
    let i = (step - 1u) * coding.laneCount + lane;
    let symbol = symbolOf(chunk, i);
    let entry = tables[row + symbol];
    let frequency = entry >> 16u;
    var word = NO_WORD;
    if (frequency == 0u) {
      atomicMax(&report[REPORT_missingSymbol], symbol + 1u);
    } else {
      if (state >= (frequency << (31u - chunk.precisionBits))) {
        word = state & 0xffffu;
        state >>= 16u;
        wordCount++;
      }
      state = ((state / frequency) << chunk.precisionBits) + state % frequency + (entry & 0xffffu);
    }
    emitted[chunk.firstSymbol + i] = word;
  }
  states[id.x] = state;
  atomicAdd(&report[REPORT_WORDS + chunkIndex], wordCount);
}
`;

/** One workgroup for all chunks: an exclusive sum of the lengths of sections. */
export const PLACE_SECTIONS = `${COMMON}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
@group(0) @binding(2) var<storage, read_write> report: array<u32>;
@group(0) @binding(3) var<storage, read_write> starts: array<u32>;

var<workgroup> sums: array<u32, ${PLACE_GROUP}>;

fn varintLength(value: u32) -> u32 {
  var length = 1u;
  for (var rest = value >> 7u; rest > 0u; rest >>= 7u) { length++; }
  return length;
}

@compute @workgroup_size(${PLACE_GROUP})
fn placeSections(@builtin(local_invocation_index) thread: u32) {
  var before = coding.headLength;
  for (var tile = 0u; tile < coding.chunkCount; tile += ${PLACE_GROUP}u) {
    let chunk = tile + thread;
    var length = 0u;
    if (chunk < coding.chunkCount) {
      let wordCount = report[REPORT_WORDS + chunk];
      length = chunks[chunk].headLength + varintLength(wordCount)
        + coding.laneCount * STATE_BYTES + wordCount * WORD_BYTES;
    }
    sums[thread] = length;
    workgroupBarrier();
    for (var distance = 1u; distance < ${PLACE_GROUP}u; distance <<= 1u) {
      var left = 0u;
      if (thread >= distance) { left = sums[thread - distance]; }
      workgroupBarrier();
      sums[thread] += left;
      workgroupBarrier();
    }
    if (chunk < coding.chunkCount) { starts[chunk] = before + sums[thread] - length; }
    before += sums[${PLACE_GROUP - 1}];
    workgroupBarrier();
  }
  if (thread == 0u) { report[REPORT_byteCount] = before; }
}
`;

/** One workgroup for each chunk; that of the first also writes the head of the frame. */
export const GATHER_SECTIONS = `${COMMON}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
@group(0) @binding(2) var<storage, read> report: array<u32>;
@group(0) @binding(3) var<storage, read> starts: array<u32>;
@group(0) @binding(4) var<storage, read> emitted: array<u32>;
@group(0) @binding(5) var<storage, read> states: array<u32>;
// The frame's head, then the fronts of sections, as bytes.
@group(0) @binding(6) var<storage, read> literals: array<u32>;
// Zeros at first: parts of a word come from several invocations.
@group(0) @binding(7) var<storage, read_write> frame: array<atomic<u32>>;

// Three in turn: one is written, one may still be read, one is cleared.
var<workgroup> ballots: array<atomic<u32>, ${(3 * GATHER_GROUP) / 32}>;
const BALLOTS = ${GATHER_GROUP / 32}u;

fn writeByte(position: u32, value: u32) {
  atomicOr(&frame[position >> 2u], value << ((position & 3u) * 8u));
}

fn writeWord(position: u32, word: u32) {
  let shift = (position & 3u) * 8u;
  atomicOr(&frame[position >> 2u], word << shift);
  if (shift > 16u) { atomicOr(&frame[(position >> 2u) + 1u], word >> (32u - shift)); }
}

fn copyLiterals(from_: u32, to: u32, length: u32, thread: u32) {
  for (var i = thread; i < length; i += ${GATHER_GROUP}u) {
    let position = from_ + i;
    writeByte(to + i, (literals[position >> 2u] >> ((position & 3u) * 8u)) & 0xffu);
  }
}

@compute @workgroup_size(${GATHER_GROUP})
fn gatherSections(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let chunk = chunks[group.x];
  let wordCount = report[REPORT_WORDS + group.x];
  var position = starts[group.x];
  if (group.x == 0u) { copyLiterals(0u, 0u, coding.headLength, thread); }
  copyLiterals(coding.headLength + chunk.head, position, chunk.headLength, thread);
  position += chunk.headLength;
  var rest = wordCount;
  for (; rest >= 128u; rest >>= 7u) {
    if (thread == 0u) { writeByte(position, (rest & 0x7fu) | 0x80u); }
    position++;
  }
  if (thread == 0u) { writeByte(position, rest); }
  position++;
  if (thread < coding.laneCount) {
    let state = states[group.x * coding.laneCount + thread];
    writeWord(position + thread * STATE_BYTES, state & 0xffffu);
    writeWord(position + thread * STATE_BYTES + WORD_BYTES, state >> 16u);
  }
  position += coding.laneCount * STATE_BYTES;
  let ballot = thread / 32u;
  let bit = 1u << (thread % 32u);
  var turn = 0u;
  for (var tile = 0u; tile < chunk.symbolCount; tile += ${GATHER_GROUP}u) {
    let i = tile + thread;
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
    if (word != NO_WORD) { writeWord(position + before * WORD_BYTES, word); }
    position += all * WORD_BYTES;
    turn = (turn + 1u) % 3u;
  }
}
`;

/** One workgroup for each chunk: occurrences of each symbol, `${TABLE_ENTRIES}` counts for each chunk. */
export const COUNT_SYMBOLS = `${COMMON}${SYMBOL_OF_ELEMENTS}
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> report: array<atomic<u32>>;

var<workgroup> counters: array<atomic<u32>, ${TABLE_ENTRIES}>;

@compute @workgroup_size(${COUNT_GROUP})
fn countSymbols(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let chunk = chunks[group.x];
  for (var i = thread; i < chunk.symbolCount; i += ${COUNT_GROUP}u) {
    atomicAdd(&counters[symbolOf(chunk, i)], 1u);
  }
  workgroupBarrier();
  for (var symbol = thread; symbol < ${TABLE_ENTRIES}u; symbol += ${COUNT_GROUP}u) {
    counts[group.x * ${TABLE_ENTRIES}u + symbol] = atomicLoad(&counters[symbol]);
  }
}
`;
