/** Decoder of rANS under a context model; see `contexts.ts`. */

import {
  binsOf,
  blockSize,
  channels,
  columns,
  groupTables,
  isWide,
  laneCount,
  LOW_BYTES,
  levelCount,
  maskLanes,
  restoreLanes,
  rows,
  SIXTEENS,
  STATE_LOW,
  scratch,
  stride,
} from './contexts';
import { LANE_MASKS, PULL, STATES, THRESHOLDS } from './layout';
import { scatterLanes } from './transpose';

/**
 * Decodes all items to `target`. May read 80 bytes beyond `end`.
 * @param order - for each lane, u32: where its channel begins in an item; 16 at least
 * @returns address after the last byte taken; beyond `end` if the bytes did not suffice
 */
export function decodeContexts(bytes: usize, end: usize, target: usize, order: usize, items: u32, itemStride: usize, positionStride: usize): usize {
  const positions = <usize>rows * <usize>columns;
  const body = scratch + stride * (1 + <usize>columns);
  filledClasses = 0;
  for (let item: u32 = 0; item < items; item++) {
    for (let first: u32 = 0; first < channels; first += blockSize) {
      const size = min(blockSize, channels - first);
      maskLanes(size);
      bytes = laneCount < 16 ? decodeNarrow(bytes, end, first, size) : decodeWide(bytes, end, first, size);
      if (laneCount >= 16) restoreLanes(size);
      if (bytes > end) return bytes;
      for (let lane: u32 = 0; lane < size; lane += 16) {
        const lanes = body + lane;
        scatterLanes(target, order + (<usize>(first + lane) << 2), positionStride, positions, lanes, stride, min<u32>(16, size - lane));
      }
    }
    target += itemStride;
  }
  return bytes;
}

function decodeWide(bytes: usize, end: usize, first: u32, size: u32): usize {
  const lowBytes = v128.load(LOW_BYTES);
  const sixteens = v128.load(SIXTEENS);
  const outside = scratch;
  const tables = groupTables + (<usize>(first >> 4) << 2);
  const tableBytes = binBytes() * <usize>(levelCount - 1);
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
        // Distances from a start down to the slot, modulo 256: those of starts at or below the slot are at most the slot,
        // all others are more. So the least is that of the symbol's start, and what the largest lacks to 256 leads to
        // the next symbol's start.
        let symbols = i8x16.splat(0);
        let least = slots;
        let largest = slots;
        if (isWide) {
          const upper = i8x16.sub(bins, sixteens);
          for (let at = table; at < table + tableBytes; at += 32) {
            const threshold = v128.or(i8x16.swizzle(v128.load(at), bins), i8x16.swizzle(v128.load(at, 16), upper));
            const distance = i8x16.sub(slots, threshold);
            symbols = i8x16.sub(symbols, i8x16.le_u(threshold, slots));
            least = i8x16.min_u(least, distance);
            largest = i8x16.max_u(largest, distance);
          }
        } else {
          for (let at = table; at < table + tableBytes; at += 16) {
            const threshold = i8x16.swizzle(v128.load(at), bins);
            const distance = i8x16.sub(slots, threshold);
            symbols = i8x16.sub(symbols, i8x16.le_u(threshold, slots));
            least = i8x16.min_u(least, distance);
            largest = i8x16.max_u(largest, distance);
          }
        }
        v128.store(here + lane, symbols);
        const frequencies = i8x16.sub(least, largest);
        const next0 = i16x8.add(i16x8.mul(i16x8.extend_low_i8x16_u(frequencies), i16x8.shr_u(state0, 8)), i16x8.extend_low_i8x16_u(least));
        const next1 = i16x8.add(i16x8.mul(i16x8.extend_high_i8x16_u(frequencies), i16x8.shr_u(state1, 8)), i16x8.extend_high_i8x16_u(least));
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

/**
 * Fewer lanes than a group has: symbol by symbol, lane by lane in turns. The bins of a position are known before its symbols,
 * and what a state becomes is looked up by bin and slot: a search among thresholds would be guessed wrong by the processor once in
 * a few symbols.
 */
function decodeNarrow(bytes: usize, end: usize, first: u32, size: u32): usize {
  const sixteens = v128.load(SIXTEENS);
  let here = scratch + stride * (1 + <usize>columns);
  const bins = here + stride * <usize>rows * <usize>columns;
  const slots = slotsOfClass(<usize>load<u32>(groupTables + (<usize>(first >> 4) << 2)), bins + 16);
  for (let row: u32 = 0; row < rows; row++) {
    for (let column: u32 = 0; column < columns; column++, here += stride) {
      const up = here - stride * <usize>columns;
      const left = select<usize>(here - stride, scratch, column > 0);
      const upLeft = select<usize>(up - stride, scratch, column > 0);
      const upRight = select<usize>(up + stride, scratch, column < columns - 1);
      v128.store(bins, binsOf(left, up, upLeft, upRight, sixteens));
      for (let lane: usize = 0; lane < <usize>size; lane++) {
        const at = STATES + ((lane & <usize>(laneCount - 1)) << 1);
        const state = <u32>load<u16>(at);
        const found = load<u32>(slots + (<usize>load<u8>(bins + lane) << SLOT_ROW_LOG2) + (<usize>(state & 0xff) << 2));
        const next = ((found >> 8) & 0xff) * (state >> 8) + (found & 0xff);
        const isLow = next < STATE_LOW;
        store<u16>(at, <u16>select<u32>((next << 8) | <u32>load<u8>(bytes), next, isLow));
        bytes += <usize>isLow;
        store<u8>(here + lane, <u8>(found >> 16));
      }
      if (bytes > end) return bytes;
    }
  }
  return bytes;
}

/** Log2 of the bytes of a bin's slots: 256 words. */
const SLOT_ROW_LOG2: usize = 10;

/** Classes whose slots are filled in this call: a block may be of few symbols, and items go through all classes again. */
let filledClasses: u64 = 0;

/** Slots of the class whose thresholds stand at `table`. @param all - slots of the first class */
@inline function slotsOfClass(table: usize, all: usize): usize {
  const channelClass = (table - THRESHOLDS) / (binBytes() * <usize>(levelCount - 1));
  const slots = all + channelClass * (binBytes() << SLOT_ROW_LOG2);
  const bit = <u64>1 << <u64>channelClass;
  if (!(filledClasses & bit)) {
    filledClasses |= bit;
    fillSlots(table, slots);
  }
  return slots;
}

/** For each slot of each bin of a table (u32): the slot's distance from its symbol's start | frequency << 8 | symbol << 16. */
function fillSlots(table: usize, slots: usize): void {
  for (let bin: usize = 0; bin < binBytes(); bin++) {
    let slot: u32 = 0;
    for (let symbol: u32 = 0; symbol < levelCount; symbol++) {
      const stop = symbol < levelCount - 1 ? <u32>load<u8>(table + <usize>symbol * binBytes() + bin) : 256;
      const start = slot;
      for (; slot < stop; slot++) {
        store<u32>(slots + (bin << SLOT_ROW_LOG2) + (<usize>slot << 2), (symbol << 16) | ((stop - start) << 8) | (slot - start));
      }
    }
  }
}

@inline function binBytes(): usize {
  return isWide ? 32 : 16;
}
