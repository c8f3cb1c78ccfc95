/**
 * The kernels that know symbols and tables: `encodeLanes` codes every lane of every chunk by itself and leaves a word or none
 * for each symbol, of which `section-shaders.ts` makes sections. Lanes need nothing of each other on the way out: the word of
 * a symbol depends on its own lane alone (bitstream.md §7). `countSymbols` makes the histograms from which tables are designed.
 */

import { SYMBOL_OF_ELEMENTS } from './quantization.js';
import { CODING_STRUCT, ENCODE_CHUNK_STRUCT, TABLE_ENTRIES } from './records.js';
import { REPORT_CONSTANTS } from './report.js';
import { NO_WORD, WORD_COUNTING } from './section-shaders.js';

/** Lanes of a workgroup of `encodeLanes`, of one chunk or several. */
export const LANE_GROUP = 64;
const COUNT_GROUP = 128;

const COMMON = `${CODING_STRUCT}${ENCODE_CHUNK_STRUCT}${REPORT_CONSTANTS}`;

/** One invocation for each lane: `chunkCount · laneCount` of them. */
export const ENCODE_LANES = `${COMMON}${SYMBOL_OF_ELEMENTS}
// A row for each table: the start of a symbol in the low half, its frequency in the high one.
@group(0) @binding(4) var<storage, read> tables: array<u32>;
@group(0) @binding(5) var<storage, read_write> emitted: array<u32>;
@group(0) @binding(6) var<storage, read_write> states: array<u32>;
@group(0) @binding(7) var<storage, read_write> report: array<atomic<u32>>;
@group(0) @binding(8) var<storage, read_write> tileWords: array<atomic<u32>>;

${NO_WORD}
const STATE_LOW = 0x8000u;
${WORD_COUNTING}
@compute @workgroup_size(${LANE_GROUP})
fn encodeLanes(@builtin(global_invocation_id) id: vec3u) {
  let chunkIndex = id.x / coding.laneCount;
  if (chunkIndex >= coding.chunkCount) { return; }
  let lane = id.x % coding.laneCount;
  let chunk = chunks[chunkIndex];
  let row = chunk.table * ${TABLE_ENTRIES}u;
  var state = STATE_LOW;
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
        countWord(chunkIndex, i);
      }
      state = ((state / frequency) << chunk.precisionBits) + state % frequency + (entry & 0xffffu);
    }
    emitted[chunk.firstSymbol + i] = word;
  }
  states[id.x] = state;
  addCountedWords();
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
