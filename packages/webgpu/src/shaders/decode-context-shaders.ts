/**
 * The kernels that decode indices under contexts (bitstream.md §11). `decodeContexts` has a workgroup for each chunk and goes step
 * by step through its positions. A channel's neighbors are indices that the same invocation has decoded, so that invocations tell
 * each other nothing but which of them take bytes (`ballots.ts`). What a step can do before the index to the left is known
 * stands before it. Indices are left in coding order; `placeElements` makes elements of them, all side by side.
 *
 * A block has a channel for each lane, 16 at least. Where a subgroup has fewer invocations than lanes, or lanes are fewer than 16,
 * an invocation has several channels of the block, which it goes through in coding order, each with the state of its lane.
 */

import { blockChannels, GROUP_CHANNELS, MAX_CONTEXT_LEVELS } from '@featherwire/codec/parts';
import { BALLOTS, type BallotKind } from './ballots.js';
import { BIN_WORDS, CELL_WORDS, MODEL_CONSTANTS, PLACES } from './context-model.js';
import { PAYLOAD_READING } from './payload-reading.js';
import { LEVEL_OF_ELEMENTS } from './quantization.js';
import { CODING_STRUCT, CONTEXT_DECODE_CHUNK_STRUCT } from './records.js';
import { REPORT_CONSTANTS } from './report.js';

/** Elements of a workgroup of `placeElements`. */
export const PLACE_GROUP = 256;
const MAX_BINS = 32;
/** Lanes of an invocation beyond which a barrier in each step takes less time than going through them. */
const MAX_LANES_OF_INVOCATION = 4;
/** Channels of an invocation that have a text each, so that they stay in registers: those of 64 lanes in subgroups of 32. */
const MAX_UNROLLED = 2;

/** Who decodes the lanes of a chunk. */
export interface LaneDivision {
  readonly ballots: BallotKind;
  /** Size of a workgroup: the lanes, or with ballots of subgroups as many of them as every subgroup holds. */
  readonly invocations: number;
  /** Lanes of the chunks, 1 to 64. */
  readonly laneCount: number;
}

/** @param subgroupSize - invocations that every subgroup holds, a power of two; 0 where there are none */
export function divideLanes(laneCount: number, subgroupSize: number): LaneDivision {
  const invocations = Math.min(laneCount, subgroupSize);
  return laneCount <= invocations * MAX_LANES_OF_INVOCATION
    ? { ballots: 'subgroup', invocations, laneCount }
    : { ballots: 'workgroup', invocations: laneCount, laneCount };
}

/** The text of `decodeContexts`. */
export function decodeContextShader({ ballots, invocations, laneCount }: LaneDivision): string {
  const { enable, functions, laneOf } = BALLOTS[ballots];
  const blockSize = blockChannels(laneCount);
  const ownLanes = laneCount / invocations;
  const ownChannels = blockSize / invocations;
  return `${enable}${CODING_STRUCT}${CONTEXT_DECODE_CHUNK_STRUCT}${REPORT_CONSTANTS}${MODEL_CONSTANTS}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
@group(0) @binding(2) var<storage, read> models: array<u32>;
// In coding order; an invocation reads what it wrote itself.
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;
@group(0) @binding(5) var<storage, read_write> report: array<atomic<u32>>;
${PAYLOAD_READING}${functions}
const LANES = ${laneCount}u;
const INVOCATIONS = ${invocations}u;
const BLOCK = ${blockSize}u;
const GROUPS = ${blockSize / GROUP_CHANNELS}u;
// Lanes and channels of an invocation.
const OWN_LANES = ${ownLanes}u;
const OWN_CHANNELS = ${ownChannels}u;

var<workgroup> cells: array<u32, ${CELL_WORDS}>;
var<workgroup> bins: array<u32, ${BIN_WORDS}>;
// Rows of the classes of a block's groups.
var<workgroup> rows: array<vec4u, ${(blockSize / GROUP_CHANNELS) * MAX_BINS}>;

// A channel of a block at a position.
struct Channel {
  isPresent: bool,
  // Rows of its group.
  firstRow: u32,
  left: u32,
  aboveLeft: u32,
  above: u32,
  aboveRight: u32,
}

fn loadModel(model: u32, lane: u32) {
  for (var i = lane; i < ${CELL_WORDS}u; i += INVOCATIONS) { cells[i] = models[model + MODEL_cells + i]; }
  for (var i = lane; i < ${BIN_WORDS}u; i += INVOCATIONS) { bins[i] = models[model + MODEL_bins + i]; }
}

fn loadRows(model: u32, block: u32, size: u32, lane: u32) {
  let binCount = models[model + MODEL_binCount];
  for (var i = lane; i < GROUPS * binCount; i += INVOCATIONS) {
    let group = i / binCount;
    if (group * GROUP_CHANNELS < size) {
      let channel = models[model + models[model + MODEL_channels] + block + group * GROUP_CHANNELS];
      let row = model + MODEL_rows + ((channel >> CHANNEL_BITS) * binCount + i % binCount) * ROW_WORDS;
      rows[i] = vec4u(models[row], models[row + 1u], models[row + 2u], models[row + 3u]);
    }
  }
}

fn startOf(row: u32, symbol: u32) -> u32 {
  return (rows[row][symbol >> 2u] >> ((symbol & 3u) * 8u)) & 0xffu;
}

// Starts at or below the slot, among the 16 of a row: a bit for each, in the upper halves of words that hold two.
fn countStarts(row: vec4u, slot: u32) -> u32 {
  let limit = vec4u(slot * 0x00010001u + 0x80008000u);
  let even = (limit - (row & vec4u(0x00ff00ffu))) & vec4u(0x80008000u);
  let odd = (limit - ((row >> vec4u(8u)) & vec4u(0x00ff00ffu))) & vec4u(0x80008000u);
  let counts = countOneBits(even | (odd >> vec4u(1u)));
  return counts.x + counts.y + counts.z + counts.w;
}

fn decodeIndex(channel: ptr<function, Channel>, state: ptr<function, u32>) -> u32 {
  let besideLeft = cells[16u + (*channel).above] + cells[32u + (*channel).aboveLeft]
    + cells[48u + (*channel).aboveRight];
  let row = (*channel).firstRow + bins[besideLeft + cells[(*channel).left]];
  let slot = *state & 0xffu;
  // Symbols that there are not start at 0 and are counted too.
  let index = countStarts(rows[row], slot) + coding.levelCount - ${MAX_CONTEXT_LEVELS + 1}u;
  let start = startOf(row, index);
  // The last symbol ends at 256, which is 0 modulo 256, as the start of those that there are not.
  let frequency = (startOf(row, (index + 1u) % ${MAX_CONTEXT_LEVELS}u) - start) & 0xffu;
  *state = frequency * (*state >> 8u) + slot - start;
  return index;
}

// The index at a place in coding order, if the channel has one there.
fn indexAt(isThere: bool, place: u32) -> u32 {
  var index = coding.background;
  if (isThere) { index = indices[place]; }
  return index;
}

@compute @workgroup_size(${invocations})
fn decodeContexts(@builtin(workgroup_id) group: vec3u, ${laneOf} lane: u32) {
  let chunk = chunks[group.x];
  let channelCount = models[chunk.model + MODEL_channelCount];
  let binCount = models[chunk.model + MODEL_binCount];
  let positions = chunk.rows * chunk.columns;
  let blockCount = (channelCount + BLOCK - 1u) / BLOCK;
  let stateCount = min(LANES, channelCount);
  loadModel(chunk.model, lane);
  var isFaulty = false;
  var states: array<u32, OWN_LANES>;
  ${each(
    ownLanes,
    (s) => `
    states[${s}] = CONTEXT_STATE_LOW;
    if (${s} * INVOCATIONS + lane < stateCount) {
      states[${s}] = wordAt(chunk.states + (${s} * INVOCATIONS + lane) * 2u);
      isFaulty = isFaulty || states[${s}] < CONTEXT_STATE_LOW;
    }
  `,
  )}
  var channels: array<Channel, OWN_CHANNELS>;
  let firstByte = chunk.states + stateCount * 2u;
  var taken = 0u;
  var turn = 0u;
  // Where the block begins in coding order.
  var first = chunk.firstElement;
  for (var done = 0u; done < chunk.elementCount / (channelCount * positions) * blockCount; done++) {
    let block = done % blockCount * BLOCK;
    let size = min(BLOCK, channelCount - block);
    workgroupBarrier();
    loadRows(chunk.model, block, size, lane);
    workgroupBarrier();
    ${each(
      ownChannels,
      (c) => `
      channels[${c}].isPresent = ${c} * INVOCATIONS + lane < size;
      channels[${c}].firstRow = (${c} * INVOCATIONS + lane) / GROUP_CHANNELS * binCount;
    `,
    )}
    for (var row = 0u; row < chunk.rows; row++) {
      let rowStart = first + row * chunk.columns * size;
      let rowAbove = rowStart - chunk.columns * size;
      let isBelow = row > 0u;
      ${each(
        ownChannels,
        (c) => `
        let isThere = channels[${c}].isPresent && isBelow;
        let place = rowAbove + ${c} * INVOCATIONS + lane;
        channels[${c}].left = coding.background;
        channels[${c}].aboveLeft = coding.background;
        channels[${c}].above = indexAt(isThere, place);
        channels[${c}].aboveRight = indexAt(isThere && chunk.columns > 1u, place + size);
      `,
      )}
      for (var column = 0u; column < chunk.columns; column++) {
        let isBelowTwo = isBelow && column + 2u < chunk.columns;
        ${each(ownChannels, decodeStep)}
      }
    }
    first += size * positions;
  }
  ${each(ownLanes, (s) => ` isFaulty = isFaulty || states[${s}] != CONTEXT_STATE_LOW; `)}
  isFaulty = isFaulty || taken != chunk.byteCount;
  if (isFaulty) { atomicMax(&report[REPORT_fault], 1u); }
}
`;
}

/** A text for each of a few numbers, or a loop: drivers take seconds for a long text. @param text - by the number */
function each(count: number, text: (i: string) => string): string {
  if (count > MAX_UNROLLED) return `for (var k = 0u; k < ${count}u; k++) {${text('k')}}`;
  return Array.from({ length: count }, (_, i) => `{${text(`${i}u`)}}`).join(' ');
}

/** Text that decodes the index of a channel at a position. What is next above is read before, so that no step waits for it. */
function decodeStep(c: string): string {
  return `
          var channel = channels[${c}];
          var state = states[${c} % OWN_LANES];
          let i = ${c} * INVOCATIONS + lane;
          let next = indexAt(channel.isPresent && isBelowTwo, rowAbove + (column + 2u) * size + i);
          var isLow = false;
          if (channel.isPresent) {
            let index = decodeIndex(&channel, &state);
            isLow = state < CONTEXT_STATE_LOW;
            indices[rowStart + column * size + i] = index;
            channel.left = index;
          }
          channel.aboveLeft = channel.above;
          channel.above = channel.aboveRight;
          channel.aboveRight = next;
          let votes = vote(isLow, lane, turn);
          turn = (turn + 1u) % 3u;
          if (isLow) {
            let byte = taken + votes.before;
            if (byte < chunk.byteCount) {
              state = (state << 8u) | (wordAt(firstByte + byte) & 0xffu);
            } else {
              isFaulty = true;
            }
          }
          taken += votes.all;
          channels[${c}] = channel;
          states[${c} % OWN_LANES] = state;
        `;
}

/** One invocation for each index (x) of each chunk (y), in coding order. */
export const PLACE_ELEMENTS = `${CODING_STRUCT}${CONTEXT_DECODE_CHUNK_STRUCT}${PLACES}
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
${LEVEL_OF_ELEMENTS}
@group(0) @binding(4) var<storage, read> indices: array<u32>;
@group(0) @binding(5) var<storage, read_write> feature: array<u32>;

@compute @workgroup_size(${PLACE_GROUP})
fn placeElements(@builtin(global_invocation_id) id: vec3u) {
  let chunk = chunks[id.y];
  if (id.x >= chunk.elementCount) { return; }
  let place = placeOf(Grid(chunk.model, chunk.laneCount, chunk.rows, chunk.columns), id.x);
  let element = chunk.firstElement + place.element;
  feature[element] = levelOf(element, indices[chunk.firstElement + id.x]);
}
`;
