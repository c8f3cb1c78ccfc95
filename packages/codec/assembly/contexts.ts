/**
 * rANS under a context model; bitstream.md §11. A lane is a channel: 16 bytes hold the indices of a group of channels
 * at one position. All channels of a group share their tables, so that a table of 16 bins is a vector and the thresholds
 * of 16 lanes are one swizzle of it by their bins. States are 16 bits wide, two vectors to a group.
 *
 * A block's indices lie position by position in a scratch area: first one position and then one row of background, which
 * stand for what is outside the plane, then the positions.
 */

import { BLOCK_LANES, CONTEXT_CONSTANTS, KEPT_STATES, LANE_MASKS, MAPS, PULL, PUSH, STATES } from './layout';
import { gatherLanes, scatterLanes } from './transpose';

const STATE_LOW: u32 = 256;

/** Tables at `MAPS`: cells of the four neighbors, then bins of up to 128 cells, zeros beyond. */
const CELLS_LEFT: usize = MAPS;
const CELLS_ABOVE: usize = MAPS + 16;
const CELLS_ABOVE_LEFT: usize = MAPS + 32;
const CELLS_ABOVE_RIGHT: usize = MAPS + 48;
const BINS: usize = MAPS + 64;

/** Places of the vectors in `CONTEXT_CONSTANTS`. */
const LOW_BYTES: usize = CONTEXT_CONSTANTS;
const SIXTEENS: usize = CONTEXT_CONSTANTS + 16;
const ONES: usize = CONTEXT_CONSTANTS + 32;
const MAGIC_WORDS: usize = CONTEXT_CONSTANTS + 48;

/** 2^23 as a float has this upper half; a word beside it makes the float 2^23 + word. */
const MAGIC_WORD: u32 = 0x4b00;
const MAGIC: f32 = 8388608;

/* The tensor and model of the call that runs; set anew by each. */
let channels: u32 = 0;
let rows: u32 = 0;
let columns: u32 = 0;
let levelCount: u32 = 0;
let cellVectors: u32 = 0;
let isWide: bool = false;
let laneCount: u32 = 0;
let blockSize: u32 = 0;
let groupTables: usize = 0;
let isGathered: bool = false;
let scratch: usize = 0;

/** Fills the shuffles that hand bytes to lanes and take them from lanes, and the constants. Call once. */
export function initializeContexts(): void {
  for (let lane: usize = 0; lane < 16; lane += 2) {
    store<u16>(LOW_BYTES + lane, 0xff);
    store<u16>(SIXTEENS + lane, 0x1010);
    store<u16>(ONES + lane, 0x0101);
    store<u16>(MAGIC_WORDS + lane, <u16>MAGIC_WORD);
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
 * @param area - scratch: a block's bytes for each position, for one more, and for one row
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
  laneCount = lanes;
  blockSize = max<u32>(lanes, 16);
  groupTables = tables;
  isGathered = gathered;
  scratch = area;
  memory.fill(area, <u8>background, <usize>(blockSize * (1 + columnCount)));
}

/**
 * Decodes all items to `target`. May read 80 bytes beyond `end`.
 * @param order - for each lane, u32: where its channel begins in an item; 16 at least
 * @returns address after the last byte taken; beyond `end` if the bytes did not suffice
 */
export function decodeContexts(bytes: usize, end: usize, target: usize, order: usize, items: u32, itemStride: usize, positionStride: usize): usize {
  const positions = <usize>rows * <usize>columns;
  const body = scratch + <usize>blockSize * (1 + <usize>columns);
  for (let item: u32 = 0; item < items; item++) {
    for (let first: u32 = 0; first < channels; first += blockSize) {
      const size = min(blockSize, channels - first);
      maskLanes(size);
      bytes = laneCount < 16 ? decodeNarrow(bytes, end, first, size) : decodeWide(bytes, end, first, size);
      if (laneCount >= 16) restoreLanes(size);
      if (bytes > end) return bytes;
      for (let lane: u32 = 0; lane < size; lane += 16) {
        const lanes = body + lane;
        scatterLanes(target, order + (<usize>(first + lane) << 2), positionStride, positions, lanes, blockSize, min<u32>(16, size - lane));
      }
    }
    target += itemStride;
  }
  return bytes;
}

/**
 * Encodes all items at `source`, backwards; bytes end at `end`. 8 bytes below them are scratch.
 * @returns address of the first byte
 */
export function encodeContexts(source: usize, end: usize, order: usize, items: u32, itemStride: usize, positionStride: usize): usize {
  const positions = <usize>rows * <usize>columns;
  const body = scratch + <usize>blockSize * (1 + <usize>columns);
  for (let lane: usize = 0; lane < <usize>BLOCK_LANES; lane++) store<u16>(STATES + (lane << 1), <u16>STATE_LOW);
  const lastBlock = ((channels - 1) / blockSize) * blockSize;
  for (let item = items; item > 0; item--) {
    const base = source + <usize>(item - 1) * itemStride;
    for (let first: i32 = lastBlock; first >= 0; first -= blockSize) {
      const size = min(blockSize, channels - first);
      maskLanes(size);
      for (let lane: u32 = 0; lane < size; lane += 16) {
        gatherLanes(base, order + (<usize>(first + lane) << 2), positionStride, positions, body + lane, blockSize);
      }
      end = laneCount < 16 ? encodeNarrow(end, first, size) : encodeWide(end, first, size);
      if (laneCount >= 16) restoreLanes(size);
    }
  }
  return end;
}

/** Lanes beyond the channels of a block take and give no bytes; their states are kept for the next block. */
function maskLanes(size: u32): void {
  memory.copy(KEPT_STATES, STATES, BLOCK_LANES << 1);
  for (let lane: u32 = 0; lane < BLOCK_LANES; lane++) {
    store<u16>(LANE_MASKS + (<usize>lane << 1), lane < size ? 0xffff : 0);
  }
}

function restoreLanes(size: u32): void {
  const from = <usize>size << 1;
  memory.copy(STATES + from, KEPT_STATES + from, (<usize>BLOCK_LANES << 1) - from);
}

/** Bins of 16 lanes from their neighbors' indices. */
@inline function binsOf(left: usize, above: usize, aboveLeft: usize, aboveRight: usize, sixteens: v128): v128 {
  const far = i8x16.add(
    i8x16.swizzle(v128.load(CELLS_ABOVE_LEFT), v128.load(aboveLeft)),
    i8x16.swizzle(v128.load(CELLS_ABOVE_RIGHT), v128.load(aboveRight)),
  );
  const up = i8x16.add(far, i8x16.swizzle(v128.load(CELLS_ABOVE), v128.load(above)));
  let cells = i8x16.add(up, i8x16.swizzle(v128.load(CELLS_LEFT), v128.load(left)));
  // A cell that another vector holds is out of range here, and swizzles to 0.
  let bins = i8x16.swizzle(v128.load(BINS), cells);
  if (cellVectors > 1) {
    cells = i8x16.sub(cells, sixteens);
    bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 16), cells));
    cells = i8x16.sub(cells, sixteens);
    bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 32), cells));
    cells = i8x16.sub(cells, sixteens);
    bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 48), cells));
    if (cellVectors > 4) {
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 64), cells));
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 80), cells));
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 96), cells));
      cells = i8x16.sub(cells, sixteens);
      bins = v128.or(bins, i8x16.swizzle(v128.load(BINS, 112), cells));
    }
  }
  return bins;
}

function decodeWide(bytes: usize, end: usize, first: u32, size: u32): usize {
  const lowBytes = v128.load(LOW_BYTES);
  const sixteens = v128.load(SIXTEENS);
  const stride = <usize>blockSize;
  const outside = scratch;
  const tables = groupTables + (<usize>(first >> 4) << 2);
  const binBytes: usize = isWide ? 32 : 16;
  const tableBytes = binBytes * <usize>(levelCount - 1);
  let here = scratch + stride * (1 + <usize>columns);
  for (let row: u32 = 0; row < rows; row++) {
    for (let column: u32 = 0; column < columns; column++, here += stride) {
      const up = here - stride * <usize>columns;
      const left = select<usize>(here - stride, outside, column > 0);
      const upLeft = select<usize>(up - stride, outside, column > 0);
      const upRight = select<usize>(up + stride, outside, column < columns - 1);
      for (let lane: usize = 0; lane < <usize>size; lane += 16) {
        const state0 = v128.load(STATES + (lane << 1));
        const state1 = v128.load(STATES + (lane << 1), 16);
        const slots = i8x16.narrow_i16x8_u(v128.and(state0, lowBytes), v128.and(state1, lowBytes));
        const bins = binsOf(left + lane, up + lane, upLeft + lane, upRight + lane, sixteens);
        const table = <usize>load<u32>(tables + (lane >> 2));
        let symbols = i8x16.splat(0);
        let starts = i8x16.splat(0);
        let ends = i8x16.splat(-1);
        let reached = i8x16.splat(0);
        if (isWide) {
          const upper = i8x16.sub(bins, sixteens);
          for (let at = table; at < table + tableBytes; at += 32) {
            const threshold = v128.or(i8x16.swizzle(v128.load(at), bins), i8x16.swizzle(v128.load(at, 16), upper));
            reached = i8x16.ge_u(slots, threshold);
            symbols = i8x16.sub(symbols, reached);
            starts = i8x16.max_u(starts, v128.and(threshold, reached));
            ends = i8x16.min_u(ends, v128.or(threshold, reached));
          }
        } else {
          for (let at = table; at < table + tableBytes; at += 16) {
            const threshold = i8x16.swizzle(v128.load(at), bins);
            reached = i8x16.ge_u(slots, threshold);
            symbols = i8x16.sub(symbols, reached);
            starts = i8x16.max_u(starts, v128.and(threshold, reached));
            ends = i8x16.min_u(ends, v128.or(threshold, reached));
          }
        }
        v128.store(here + lane, symbols);
        // The last symbol ends at 256: its lanes have reached every threshold, and their 255 grows by one.
        const frequencies = i8x16.sub(i8x16.sub(ends, starts), reached);
        const biases = i8x16.sub(slots, starts);
        const next0 = i16x8.add(i16x8.mul(i16x8.extend_low_i8x16_u(frequencies), i16x8.shr_u(state0, 8)), i16x8.extend_low_i8x16_u(biases));
        const next1 = i16x8.add(i16x8.mul(i16x8.extend_high_i8x16_u(frequencies), i16x8.shr_u(state1, 8)), i16x8.extend_high_i8x16_u(biases));
        const low0 = v128.and(i16x8.eq(i16x8.shr_u(next0, 8), i16x8.splat(0)), v128.load(LANE_MASKS + (lane << 1)));
        const low1 = v128.and(i16x8.eq(i16x8.shr_u(next1, 8), i16x8.splat(0)), v128.load(LANE_MASKS + (lane << 1), 16));
        const mask = <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low0, low1));
        const pull0 = i8x16.swizzle(v128.load64_zero(bytes), v128.load(PULL + ((<usize>mask & 0xff) << 4)));
        bytes += <usize>popcnt<u32>(mask & 0xff);
        const pull1 = i8x16.swizzle(v128.load64_zero(bytes), v128.load(PULL + (<usize>(mask >> 8) << 4)));
        bytes += <usize>popcnt<u32>(mask >> 8);
        v128.store(STATES + (lane << 1), v128.or(v128.bitselect(i16x8.shl(next0, 8), next0, low0), pull0));
        v128.store(STATES + (lane << 1), v128.or(v128.bitselect(i16x8.shl(next1, 8), next1, low1), pull1), 16);
      }
      if (bytes > end) return bytes;
    }
  }
  return bytes;
}

/** Quotients of 4 words by 4 frequencies, both as 2^23 + value: 2^23 + quotient as a float. */
@inline function quotients(words: v128, frequencies: v128, magic: v128, half: v128): v128 {
  // (x + 1/2) / f is never closer than 1 / (2 f) to an integer, so less 1/2 it rounds to the quotient.
  return f32x4.add(f32x4.div(f32x4.sub(words, half), f32x4.sub(frequencies, magic)), half);
}

@inline function encode8(state: v128, frequency: v128, start: v128, magicWords: v128, magic: v128, half: v128): v128 {
  const quotientLow = quotients(
    v128.shuffle<u16>(state, magicWords, 0, 8, 1, 9, 2, 10, 3, 11),
    v128.shuffle<u16>(frequency, magicWords, 0, 8, 1, 9, 2, 10, 3, 11),
    magic,
    half,
  );
  const quotientHigh = quotients(
    v128.shuffle<u16>(state, magicWords, 4, 12, 5, 13, 6, 14, 7, 15),
    v128.shuffle<u16>(frequency, magicWords, 4, 12, 5, 13, 6, 14, 7, 15),
    magic,
    half,
  );
  const quotient = v128.shuffle<u16>(quotientLow, quotientHigh, 0, 2, 4, 6, 8, 10, 12, 14);
  const remainder = i16x8.sub(state, i16x8.mul(quotient, frequency));
  return i16x8.add(i16x8.add(i16x8.shl(quotient, 8), remainder), start);
}

/** Words at eight offsets of 16 bits from `base`. */
@inline function gather8(base: usize, offsets: v128): v128 {
  const low = <u64>i64x2.extract_lane(offsets, 0);
  const high = <u64>i64x2.extract_lane(offsets, 1);
  let words = v128.load16_lane(base + <usize>(low & 0xffff), offsets, 0);
  words = v128.load16_lane(base + <usize>((low >> 16) & 0xffff), words, 1);
  words = v128.load16_lane(base + <usize>((low >> 32) & 0xffff), words, 2);
  words = v128.load16_lane(base + <usize>(low >> 48), words, 3);
  words = v128.load16_lane(base + <usize>(high & 0xffff), words, 4);
  words = v128.load16_lane(base + <usize>((high >> 16) & 0xffff), words, 5);
  words = v128.load16_lane(base + <usize>((high >> 32) & 0xffff), words, 6);
  return v128.load16_lane(base + <usize>(high >> 48), words, 7);
}

/** Offsets of rows of two bytes, 16 rows to a bin. */
@inline function rowOffsets(bins: v128, symbols: v128): v128 {
  return i16x8.add(i16x8.shl(bins, 5), i16x8.shl(symbols, 1));
}

function encodeWide(end: usize, first: u32, size: u32): usize {
  const sixteens = v128.load(SIXTEENS);
  const lowBytes = v128.load(LOW_BYTES);
  const ones = v128.load(ONES);
  const magicWords = v128.load(MAGIC_WORDS);
  const magic = f32x4.splat(MAGIC);
  const half = f32x4.splat(MAGIC - 0.5);
  const stride = <usize>blockSize;
  const outside = scratch;
  const tables = groupTables + (<usize>(first >> 4) << 2);
  const tableBytes = <usize>(levelCount - 1) << 4;
  const lastLane = <usize>((size - 1) & ~15);
  let here = scratch + stride * (1 + <usize>columns) + stride * <usize>rows * <usize>columns;
  let bytes = end;
  for (let row = rows; row > 0; row--) {
    for (let column = columns; column > 0; column--) {
      here -= stride;
      const up = here - stride * <usize>columns;
      const left = select<usize>(here - stride, outside, column > 1);
      const upLeft = select<usize>(up - stride, outside, column > 1);
      const upRight = select<usize>(up + stride, outside, column < columns);
      for (let lane: isize = lastLane; lane >= 0; lane -= 16) {
        const bins = binsOf(left + lane, up + lane, upLeft + lane, upRight + lane, sixteens);
        const symbols = v128.load(here + lane);
        const table = <usize>load<u32>(tables + (lane >> 2));
        const tablesEnd = table + tableBytes;
        let frequency0: v128, frequency1: v128, start0: v128, start1: v128;
        if (isGathered) {
          const rows0 = gather8(table, rowOffsets(i16x8.extend_low_i8x16_u(bins), i16x8.extend_low_i8x16_u(symbols)));
          const rows1 = gather8(table, rowOffsets(i16x8.extend_high_i8x16_u(bins), i16x8.extend_high_i8x16_u(symbols)));
          frequency0 = i16x8.shr_u(rows0, 8);
          frequency1 = i16x8.shr_u(rows1, 8);
          start0 = v128.and(rows0, lowBytes);
          start1 = v128.and(rows1, lowBytes);
        } else {
          let symbol = i8x16.splat(0);
          let starts = i8x16.splat(0);
          let ends = i8x16.splat(-1);
          let reached = i8x16.splat(0);
          for (let at = table; at < tablesEnd; at += 16) {
            const threshold = i8x16.swizzle(v128.load(at), bins);
            reached = i8x16.gt_s(symbols, symbol);
            symbol = i8x16.add(symbol, ones);
            starts = i8x16.max_u(starts, v128.and(threshold, reached));
            ends = i8x16.min_u(ends, v128.or(threshold, reached));
          }
          const frequencies = i8x16.sub(i8x16.sub(ends, starts), reached);
          frequency0 = i16x8.extend_low_i8x16_u(frequencies);
          frequency1 = i16x8.extend_high_i8x16_u(frequencies);
          start0 = i16x8.extend_low_i8x16_u(starts);
          start1 = i16x8.extend_high_i8x16_u(starts);
        }
        let state0 = v128.load(STATES + (lane << 1));
        let state1 = v128.load(STATES + (lane << 1), 16);
        const full0 = v128.and(i16x8.ge_u(state0, i16x8.shl(frequency0, 8)), v128.load(LANE_MASKS + (lane << 1)));
        const full1 = v128.and(i16x8.ge_u(state1, i16x8.shl(frequency1, 8)), v128.load(LANE_MASKS + (lane << 1), 16));
        const mask = <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(full0, full1));
        // The chosen bytes fill the end of the 8; what stands before them is overwritten later.
        v128.store64_lane(bytes - 8, i8x16.swizzle(state1, v128.load(PUSH + (<usize>(mask >> 8) << 4))), 0);
        bytes -= <usize>popcnt<u32>(mask >> 8);
        v128.store64_lane(bytes - 8, i8x16.swizzle(state0, v128.load(PUSH + ((<usize>mask & 0xff) << 4))), 0);
        bytes -= <usize>popcnt<u32>(mask & 0xff);
        state0 = v128.bitselect(i16x8.shr_u(state0, 8), state0, full0);
        state1 = v128.bitselect(i16x8.shr_u(state1, 8), state1, full1);
        v128.store(STATES + (lane << 1), encode8(state0, frequency0, start0, magicWords, magic, half));
        v128.store(STATES + (lane << 1), encode8(state1, frequency1, start1, magicWords, magic, half), 16);
      }
    }
  }
  return bytes;
}

/** Bin of one lane from its neighbors' indices. */
@inline function binOf(left: usize, above: usize, aboveLeft: usize, aboveRight: usize): usize {
  const cell =
    <usize>load<u8>(CELLS_LEFT + <usize>load<u8>(left)) +
    <usize>load<u8>(CELLS_ABOVE + <usize>load<u8>(above)) +
    <usize>load<u8>(CELLS_ABOVE_LEFT + <usize>load<u8>(aboveLeft)) +
    <usize>load<u8>(CELLS_ABOVE_RIGHT + <usize>load<u8>(aboveRight));
  return <usize>load<u8>(BINS + cell);
}

/** Fewer lanes than a group has: symbol by symbol, lane by lane in turns. */
function decodeNarrow(bytes: usize, end: usize, first: u32, size: u32): usize {
  const stride = <usize>blockSize;
  const binBytes: usize = isWide ? 32 : 16;
  const table = <usize>load<u32>(groupTables + (<usize>(first >> 4) << 2));
  let here = scratch + stride * (1 + <usize>columns);
  for (let row: u32 = 0; row < rows; row++) {
    for (let column: u32 = 0; column < columns; column++, here += stride) {
      const up = here - stride * <usize>columns;
      const left = column > 0 ? here - stride : scratch;
      const upLeft = column > 0 ? up - stride : scratch;
      const upRight = column < columns - 1 ? up + stride : scratch;
      for (let lane: usize = 0; lane < <usize>size; lane++) {
        const at = STATES + ((lane & <usize>(laneCount - 1)) << 1);
        let threshold = table + binOf(left + lane, up + lane, upLeft + lane, upRight + lane);
        const state = <u32>load<u16>(at);
        const slot = state & 0xff;
        let start: u32 = 0;
        let stop: u32 = 256;
        let symbol: u32 = 0;
        for (; symbol < levelCount - 1; symbol++, threshold += binBytes) {
          stop = load<u8>(threshold);
          if (stop > slot) break;
          start = stop;
          stop = 256;
        }
        let next = (stop - start) * (state >> 8) + slot - start;
        if (next < STATE_LOW) next = (next << 8) | <u32>load<u8>(bytes++);
        store<u16>(at, <u16>next);
        store<u8>(here + lane, <u8>symbol);
      }
      if (bytes > end) return bytes;
    }
  }
  return bytes;
}

function encodeNarrow(end: usize, first: u32, size: u32): usize {
  const stride = <usize>blockSize;
  const table = <usize>load<u32>(groupTables + (<usize>(first >> 4) << 2));
  let here = scratch + stride * (1 + <usize>columns) + stride * <usize>rows * <usize>columns;
  let bytes = end;
  for (let row = rows; row > 0; row--) {
    for (let column = columns; column > 0; column--) {
      here -= stride;
      const up = here - stride * <usize>columns;
      const left = column > 1 ? here - stride : scratch;
      const upLeft = column > 1 ? up - stride : scratch;
      const upRight = column < columns ? up + stride : scratch;
      for (let lane: isize = size - 1; lane >= 0; lane--) {
        const at = STATES + ((<usize>lane & <usize>(laneCount - 1)) << 1);
        const bin = binOf(left + lane, up + lane, upLeft + lane, upRight + lane);
        const row = <u32>load<u16>(table + (bin << 5) + (<usize>load<u8>(here + lane) << 1));
        const frequency = row >> 8;
        const start = row & 0xff;
        let state = <u32>load<u16>(at);
        if (state >= frequency << 8) {
          store<u8>(--bytes, <u8>state);
          state >>= 8;
        }
        store<u16>(at, <u16>(((state / frequency) << 8) + (state % frequency) + start));
      }
    }
  }
  return bytes;
}
