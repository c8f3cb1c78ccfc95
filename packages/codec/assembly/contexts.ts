/**
 * rANS under a context model; bitstream.md §11. A lane is a channel: 16 bytes hold the indices of a group of channels
 * at one position. All channels of a group share their tables, so that a table of 16 bins is a vector and the thresholds
 * of 16 lanes are one swizzle of it by their bins. States are 16 bits wide, two vectors to a group.
 *
 * A block's indices lie position by position in a scratch area: first one position and then one row of background, which
 * stand for what is outside the plane, then the positions.
 */

import { BLOCK_LANES, CONTEXT_CONSTANTS, KEPT_STATES, LANE_MASKS, MAPS, PULL, PUSH, STATES } from './layout';

export const STATE_LOW: u32 = 256;

/** Tables at `MAPS`: cells of the four neighbors, then bins of up to 256 cells, zeros beyond. */
const CELLS_LEFT: usize = MAPS;
const CELLS_ABOVE: usize = MAPS + 16;
const CELLS_ABOVE_LEFT: usize = MAPS + 32;
const CELLS_ABOVE_RIGHT: usize = MAPS + 48;
const BINS: usize = MAPS + 64;

/** Places of the vectors in `CONTEXT_CONSTANTS`. */
export const LOW_BYTES: usize = CONTEXT_CONSTANTS;
export const SIXTEENS: usize = CONTEXT_CONSTANTS + 16;
export const ONES: usize = CONTEXT_CONSTANTS + 32;
export const MAGIC_WORDS: usize = CONTEXT_CONSTANTS + 48;

/* The tensor and model of the call that runs; set anew by each. */
export let channels: u32 = 0;
export let rows: u32 = 0;
export let columns: u32 = 0;
export let levelCount: u32 = 0;
export let cellVectors: u32 = 0;
export let isWide: bool = false;
export let usesAboveLeft: bool = false;
export let usesAboveRight: bool = false;
export let laneCount: u32 = 0;
export let blockSize: u32 = 0;
export let stride: usize = 0;
export let groupTables: usize = 0;
export let isGathered: bool = false;
export let scratch: usize = 0;

/** Fills the shuffles that hand bytes to lanes and take them from lanes, and the constants. Call once. */
export function initializeContexts(): void {
  for (let lane: usize = 0; lane < 16; lane += 2) {
    store<u16>(LOW_BYTES + lane, 0xff);
    store<u16>(SIXTEENS + lane, 0x1010);
    store<u16>(ONES + lane, 0x0101);
    store<u16>(MAGIC_WORDS + lane, 0x4b00);
  }
  for (let mask: u32 = 0; mask < 256; mask++) {
    const pull = PULL + (<usize>mask << 4);
    const push = PUSH + (<usize>mask << 4);
    memory.fill(pull, 0xff, 16);
    memory.fill(push, 0xff, 16);
    const count = popcnt<u32>(mask);
    let rank: u32 = 0;
    for (let lane: u32 = 0; lane < 8; lane++) {
      if (!((mask >> lane) & 1)) continue;
      store<u8>(pull + (lane << 1), <u8>rank);
      store<u8>(push + 8 - count + rank, <u8>(lane << 1));
      rank++;
    }
  }
}

/**
 * Says what the next call codes.
 * @param tables - for each group of 16 lanes, u32: address of its thresholds, `levelCount - 1` tables of bins
 * @param gathered - encoding only: tables hold, for each bin, 16 × start | frequency << 8 (u16) instead
 * @param area - scratch: a byte of each lane of a block, in whole groups, for each position, one more, and one row; behind it,
 *   where a decoder has less than 16 lanes, 16 bytes and 256 words for each bin of each class
 */
export function setContexts(
  channelCount: u32,
  rowCount: u32,
  columnCount: u32,
  background: u32,
  levels: u32,
  cells: u32,
  wide: bool,
  lanes: u32,
  tables: usize,
  gathered: bool,
  area: usize,
): void {
  channels = channelCount;
  rows = rowCount;
  columns = columnCount;
  levelCount = levels;
  cellVectors = cells;
  isWide = wide;
  usesAboveLeft = v128.any_true(v128.load(CELLS_ABOVE_LEFT));
  usesAboveRight = v128.any_true(v128.load(CELLS_ABOVE_RIGHT));
  laneCount = lanes;
  blockSize = max<u32>(lanes, 16);
  stride = <usize>min<u32>(blockSize, (channelCount + 15) & ~15);
  groupTables = tables;
  isGathered = gathered;
  scratch = area;
  memory.fill(area, <u8>background, stride * (1 + <usize>columnCount));
}

/** Lanes beyond the channels of a block take and give no bytes; their states are kept for the next block. */
export function maskLanes(size: u32): void {
  memory.copy(KEPT_STATES, STATES, BLOCK_LANES << 1);
  for (let lane: u32 = 0; lane < BLOCK_LANES; lane++) {
    store<u16>(LANE_MASKS + (<usize>lane << 1), lane < size ? 0xffff : 0);
  }
}

export function restoreLanes(size: u32): void {
  const from = <usize>size << 1;
  memory.copy(STATES + from, KEPT_STATES + from, (<usize>BLOCK_LANES << 1) - from);
}

/** Bins of 16 lanes from their neighbors' indices. */
@inline export function binsOf(left: usize, above: usize, aboveLeft: usize, aboveRight: usize, sixteens: v128): v128 {
  let cells = i8x16.swizzle(v128.load(CELLS_ABOVE), v128.load(above));
  if (usesAboveLeft) cells = i8x16.add(cells, i8x16.swizzle(v128.load(CELLS_ABOVE_LEFT), v128.load(aboveLeft)));
  if (usesAboveRight) cells = i8x16.add(cells, i8x16.swizzle(v128.load(CELLS_ABOVE_RIGHT), v128.load(aboveRight)));
  cells = i8x16.add(cells, i8x16.swizzle(v128.load(CELLS_LEFT), v128.load(left)));
  // A cell that another vector holds is out of range here, and swizzles to 0.
  let bins = i8x16.swizzle(v128.load(BINS), cells);
  if (cellVectors > 1) {
    cells = i8x16.sub(cells, sixteens);
    bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 16), cells));
    if (cellVectors > 2) {
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 32), cells));
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 48), cells));
    }
    if (cellVectors > 4) {
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 64), cells));
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 80), cells));
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 96), cells));
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 112), cells));
      for (let vector: usize = 8; vector < <usize>cellVectors; vector++) {
        cells = i8x16.sub(cells, sixteens);
        bins = v128.or(bins, i8x16.swizzle(v128.load(BINS + (vector << 4)), cells));
      }
    }
  }
  return bins;
}

/** Bin of one lane from its neighbors' indices. */
@inline export function binOf(left: usize, above: usize, aboveLeft: usize, aboveRight: usize): usize {
  const cell =
    <usize>load<u8>(CELLS_LEFT + <usize>load<u8>(left)) +
    <usize>load<u8>(CELLS_ABOVE + <usize>load<u8>(above)) +
    <usize>load<u8>(CELLS_ABOVE_LEFT + <usize>load<u8>(aboveLeft)) +
    <usize>load<u8>(CELLS_ABOVE_RIGHT + <usize>load<u8>(aboveRight));
  return <usize>load<u8>(BINS + cell);
}
