/**
 * The kernel that decodes symbols under tables: a workgroup for each chunk, an invocation for each lane. In each step the lanes
 * whose states run low take words in the order of their symbols, so they must know of each other (`ballots.ts`). A lane that
 * finds no word reports a fault and goes on with what it has, so that the kernel ends on any bytes.
 */

import { BALLOTS, type BallotKind } from './ballots.js';
import { PAYLOAD_READING } from './payload-reading.js';
import { LEVEL_OF_ELEMENTS } from './quantization.js';
import { CODING_STRUCT, DECODE_CHUNK_STRUCT, TABLE_ENTRIES } from './records.js';
import { REPORT_CONSTANTS } from './report.js';

/**
 * The text of the kernel.
 * @param kind - `subgroup` if every subgroup has at least `laneCount` invocations
 * @param laneCount - most lanes of a chunk, 1 to 32: the size of a workgroup
 */
export function decodeTableShader(kind: BallotKind, laneCount: number): string {
  const { enable, functions, laneOf } = BALLOTS[kind];
  return `${enable}${CODING_STRUCT}${DECODE_CHUNK_STRUCT}${REPORT_CONSTANTS}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
// A row for each table: the start of a symbol in the low half, its frequency in the high one; starts ascend.
@group(0) @binding(2) var<storage, read> tables: array<u32>;
@group(0) @binding(5) var<storage, read_write> feature: array<u32>;
@group(0) @binding(6) var<storage, read_write> report: array<atomic<u32>>;
${LEVEL_OF_ELEMENTS}${PAYLOAD_READING}${functions}
const STATE_LOW = 0x8000u;
const STATE_END = 0x80000000u;

var<workgroup> entries: array<u32, ${TABLE_ENTRIES}>;

// The last symbol that starts at or before the slot: one without a frequency starts where the next one does.
fn symbolOf(slot: u32) -> u32 {
  var symbol = 0u;
  for (var step = ${TABLE_ENTRIES / 2}u; step > 0u; step >>= 1u) {
    if ((entries[symbol + step] & 0xffffu) <= slot) { symbol += step; }
  }
  return symbol;
}

// Writes the elements of symbol i. Returns false if it has others than the background beyond the chunk.
fn writeElements(chunk: Chunk, i: u32, symbol: u32) -> bool {
  var rest = symbol;
  for (var digit = 0u; digit < chunk.perSymbol; digit++) {
    var index = rest;
    if (chunk.perSymbol > 1u) {
      index = rest % coding.levelCount;
      rest /= coding.levelCount;
    }
    let place = i * chunk.perSymbol + digit;
    if (place < chunk.elementCount) {
      let element = chunk.firstElement + place;
      feature[element] = levelOf(element, index);
    } else if (index != coding.background) {
      return false;
    }
  }
  return true;
}

@compute @workgroup_size(${laneCount})
fn decodeChunks(@builtin(workgroup_id) group: vec3u, ${laneOf} lane: u32) {
  let chunk = chunks[group.x];
  let laneCount = chunk.wordsAndLanes & ((1u << LANE_BITS) - 1u);
  let wordCount = chunk.wordsAndLanes >> LANE_BITS;
  for (var symbol = lane; symbol < ${TABLE_ENTRIES}u; symbol += ${laneCount}u) {
    entries[symbol] = tables[chunk.table * ${TABLE_ENTRIES}u + symbol];
  }
  workgroupBarrier();
  let words = chunk.states + laneCount * 4u;
  let slotMask = (1u << chunk.precisionBits) - 1u;
  var isFaulty = false;
  var state = STATE_LOW;
  if (lane < laneCount) {
    state = wordAt(chunk.states + lane * 4u) | (wordAt(chunk.states + lane * 4u + 2u) << 16u);
    isFaulty = state < STATE_LOW || state >= STATE_END;
  }
  var taken = 0u;
  let stepCount = (chunk.symbolCount + laneCount - 1u) / laneCount;
  for (var step = 0u; step < stepCount; step++) {
    let i = step * laneCount + lane;
    let isCoding = lane < laneCount && i < chunk.symbolCount;
    var symbol = 0u;
    if (isCoding) {
      let slot = state & slotMask;
      symbol = symbolOf(slot);
      let entry = entries[symbol];
      state = (entry >> 16u) * (state >> chunk.precisionBits) + slot - (entry & 0xffffu);
    }
    let isLow = isCoding && state < STATE_LOW;
    let votes = vote(isLow, lane, step % 3u);
    if (isLow) {
      let word = taken + votes.before;
      if (word < wordCount) {
        state = (state << 16u) | wordAt(words + word * 2u);
      } else {
        isFaulty = true;
      }
    }
    taken += votes.all;
    if (isCoding && !writeElements(chunk, i, symbol)) { isFaulty = true; }
  }
  isFaulty = isFaulty || state != STATE_LOW || taken != wordCount;
  if (isFaulty) { atomicMax(&report[REPORT_fault], 1u); }
}
`;
}
