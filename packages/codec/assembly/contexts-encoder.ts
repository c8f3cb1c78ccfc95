/** Encoder of rANS under a context model; see `contexts.ts`. */

import {
  binOf,
  binsOf,
  blockSize,
  channels,
  columns,
  groupTables,
  isGathered,
  laneCount,
  LOW_BYTES,
  levelCount,
  MAGIC_WORDS,
  maskLanes,
  ONES,
  restoreLanes,
  rows,
  SIXTEENS,
  STATE_LOW,
  scratch,
  stride,
} from './contexts';
import { BLOCK_LANES, LANE_MASKS, PUSH, STATES } from './layout';
import { gatherLanes } from './transpose';

/** A word beside this upper half makes the float 2^23 + word. */
const MAGIC: f32 = 8388608;

/**
 * Encodes all items at `source`, backwards; bytes end at `end`. 8 bytes below them are scratch.
 * @returns address of the first byte
 */
export function encodeContexts(source: usize, end: usize, order: usize, items: u32, itemStride: usize, positionStride: usize): usize {
  const positions = <usize>rows * <usize>columns;
  const body = scratch + stride * (1 + <usize>columns);
  for (let lane: usize = 0; lane < <usize>BLOCK_LANES; lane++) store<u16>(STATES + (lane << 1), <u16>STATE_LOW);
  const lastBlock = ((channels - 1) / blockSize) * blockSize;
  for (let item = items; item > 0; item--) {
    const base = source + <usize>(item - 1) * itemStride;
    for (let first: i32 = lastBlock; first >= 0; first -= blockSize) {
      const size = min(blockSize, channels - first);
      maskLanes(size);
      for (let lane: u32 = 0; lane < size; lane += 16) {
        gatherLanes(base, order + (<usize>(first + lane) << 2), positionStride, positions, body + lane, stride);
      }
      end = laneCount < 16 ? encodeNarrow(end, first, size) : encodeWide(end, first, size);
      if (laneCount >= 16) restoreLanes(size);
    }
  }
  return end;
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

function encodeNarrow(end: usize, first: u32, size: u32): usize {
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
