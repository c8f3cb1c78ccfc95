/**
 * The kernels that code indices under contexts (bitstream.md §11). An encoder knows all neighbors, so that indices
 * (`quantizeElements`) and what their neighborhoods make of them (`findEntries`) are found for all elements side by side. Only the
 * states go step by step: `encodeContextLanes` leaves a byte or none for each index, of which `section-shaders.ts` makes sections.
 */

import { PLACES } from './context-model.js';
import { SYMBOL_OF_ELEMENTS } from './quantization.js';
import { CODING_STRUCT, CONTEXT_ENCODE_CHUNK_STRUCT } from './records.js';
import { REPORT_CONSTANTS } from './report.js';
import { NO_WORD, WORD_COUNTING } from './section-shaders.js';

/** Elements of a workgroup of `quantizeElements` and `findEntries`. */
export const ELEMENT_GROUP = 256;
/** Lanes of a workgroup of `encodeContextLanes`, of one chunk or several. */
export const CONTEXT_LANE_GROUP = 64;
/** Entries that a lane reads together: it waits for memory once for all of them. */
const BATCH = 8;

const COMMON = `${CODING_STRUCT}${CONTEXT_ENCODE_CHUNK_STRUCT}${REPORT_CONSTANTS}`;

/** One invocation for each element (x) of each chunk (y). */
export const QUANTIZE_ELEMENTS = `${COMMON}${SYMBOL_OF_ELEMENTS}
@group(0) @binding(4) var<storage, read_write> indices: array<u32>;
@group(0) @binding(5) var<storage, read_write> report: array<atomic<u32>>;

@compute @workgroup_size(${ELEMENT_GROUP})
fn quantizeElements(@builtin(global_invocation_id) id: vec3u) {
  let chunk = chunks[id.y];
  if (id.x >= chunk.elementCount) { return; }
  let element = chunk.firstElement + id.x;
  indices[element] = indexOf(element);
}
`;

/** One invocation for each index (x) of each chunk (y), in coding order. */
export const FIND_ENTRIES = `${COMMON}${PLACES}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
@group(0) @binding(3) var<storage, read> indices: array<u32>;
// The start of each index in the low half, its frequency in the high one; in coding order.
@group(0) @binding(4) var<storage, read_write> entries: array<u32>;

// What a neighbor adds to the cell, by the table of its side.
fn cellOf(side: u32, isInside: bool, element: u32) -> u32 {
  var index = coding.background;
  if (isInside) { index = indices[element]; }
  return models[MODEL_cells + side * 16u + index];
}

fn startOf(row: u32, symbol: u32) -> u32 {
  return (models[row + (symbol >> 2u)] >> ((symbol & 3u) * 8u)) & 0xffu;
}

@compute @workgroup_size(${ELEMENT_GROUP})
fn findEntries(@builtin(global_invocation_id) id: vec3u) {
  let chunk = chunks[id.y];
  if (id.x >= chunk.elementCount) { return; }
  let place = placeOf(Grid(0u, coding.laneCount, chunk.rows, chunk.columns), id.x);
  let element = chunk.firstElement + place.element;
  let left = place.positionStride;
  let above = place.positionStride * chunk.columns;
  let isBelow = place.row > 0u;
  let isRight = place.column > 0u;
  let cell = cellOf(0u, isRight, element - left)
    + cellOf(1u, isBelow, element - above)
    + cellOf(2u, isBelow && isRight, element - above - left)
    + cellOf(3u, isBelow && place.column + 1u < chunk.columns, element - above + left);
  let bin = models[MODEL_bins + cell];
  let row = MODEL_rows + (place.channelClass * models[MODEL_binCount] + bin) * ROW_WORDS;
  let index = indices[element];
  let start = startOf(row, index);
  // The last symbol ends at 256, as symbol 0 starts at 0, modulo 256.
  let end = select(startOf(row, index + 1u), 0u, index + 1u == coding.levelCount);
  entries[chunk.firstSymbol + id.x] = (((end - start) & 0xffu) << 16u) | start;
}
`;

/** One invocation for each lane: `chunkCount · laneCount` of them. */
export const ENCODE_CONTEXT_LANES = `${COMMON}${PLACES}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
// Entries as they were found; a byte or none in the place of each.
@group(0) @binding(3) var<storage, read_write> emitted: array<u32>;
@group(0) @binding(4) var<storage, read_write> states: array<u32>;
@group(0) @binding(5) var<storage, read_write> tileWords: array<atomic<u32>>;

${NO_WORD}
${WORD_COUNTING}
// Codes an index. Returns what its state gives away before.
fn encodeEntry(state: ptr<function, u32>, entry: u32) -> u32 {
  let frequency = entry >> 16u;
  var word = NO_WORD;
  if (*state >= frequency << 8u) {
    word = *state & 0xffu;
    *state >>= 8u;
  }
  *state = ((*state / frequency) << 8u) + *state % frequency + (entry & 0xffffu);
  return word;
}

@compute @workgroup_size(${CONTEXT_LANE_GROUP})
fn encodeContextLanes(@builtin(global_invocation_id) id: vec3u) {
  let chunkIndex = id.x / coding.laneCount;
  if (chunkIndex >= coding.chunkCount) { return; }
  let lane = id.x % coding.laneCount;
  let chunk = chunks[chunkIndex];
  let channelCount = models[MODEL_channelCount];
  let positions = chunk.rows * chunk.columns;
  let blockSize = max(GROUP_CHANNELS, coding.laneCount);
  let blockCount = (channelCount + blockSize - 1u) / blockSize;
  var state = CONTEXT_STATE_LOW;
  // Where the block begins in coding order; from the last one to the first.
  var first = chunk.symbolCount;
  for (var left = chunk.symbolCount / (channelCount * positions) * blockCount; left > 0u; left--) {
    let block = (left - 1u) % blockCount;
    let size = min(blockSize, channelCount - block * blockSize);
    first -= size * positions;
    // Channels of the block that are of the lane.
    let own = (size + coding.laneCount - 1u - lane) / coding.laneCount;
    for (var rest = own * positions; rest > 0u;) {
      let count = min(rest, ${BATCH}u);
      var places: array<u32, ${BATCH}>;
      var batch: array<u32, ${BATCH}>;
      for (var b = 0u; b < ${BATCH}u; b++) {
        let turn = rest - 1u - min(b, count - 1u);
        places[b] = first + turn / own * size + turn % own * coding.laneCount + lane;
        batch[b] = emitted[chunk.firstSymbol + places[b]];
      }
      for (var b = 0u; b < ${BATCH}u; b++) {
        if (b >= count) { break; }
        let word = encodeEntry(&state, batch[b]);
        if (word != NO_WORD) { countWord(chunkIndex, places[b]); }
        emitted[chunk.firstSymbol + places[b]] = word;
      }
      rest -= count;
    }
  }
  states[id.x] = state;
  addCountedWords();
}
`;
