/**
 * rANS under fine context models; bitstream.md §11.4. Channels are lanes as in `contexts.ts`, but each has tables of its own,
 * of 4,096 slots: the bins of 16 channels at a position are found at once, their symbols one by one.
 *
 * A table is a row of 18 words: 0, the thresholds, and 4,096 from there on. What `setContexts` takes as tables is the
 * address of the first row (u32) of each lane's class.
 */

import { binsOf, channels, columns, groupTables, laneCount, levelCount, rows, SIXTEENS, scratch, stride } from './contexts';
import { STATES } from './layout';
import { gatherLanes, scatterLanes } from './transpose';

const LANES: u32 = 16;
const ROW_BYTES: usize = 36;
const SLOT_BITS: u32 = 12;
const LOW: u32 = 1 << 15;

/** First byte of a block's positions. */
@inline function body(): usize {
  return scratch + stride * (1 + <usize>columns);
}

/** Behind the positions, where the bins of one stand. */
@inline function bodyEnd(): usize {
  return body() + stride * <usize>rows * <usize>columns;
}

/** Finds the bins of a position. */
function findBins(bins: usize, here: usize, column: u32, sixteens: v128): void {
  const up = here - stride * <usize>columns;
  const left = select<usize>(here - stride, scratch, column > 0);
  const upLeft = select<usize>(up - stride, scratch, column > 0);
  const upRight = select<usize>(up + stride, scratch, column < columns - 1);
  v128.store(bins, binsOf(left, up, upLeft, upRight, sixteens));
}

@inline function rowOf(tables: usize, bins: usize, lane: usize): usize {
  return <usize>load<u32>(tables + (lane << 2)) + <usize>load<u8>(bins + lane) * ROW_BYTES;
}

/**
 * Encodes all items at `source`, backwards; words end at `end`.
 * @param order - for each lane, u32: where its channel begins in an item; whole groups of 16
 * @returns address of the first word
 */
export function encodeFineContexts(source: usize, end: usize, order: usize, items: u32, itemStride: usize, positionStride: usize): usize {
  const sixteens = v128.load(SIXTEENS);
  const bins = bodyEnd();
  const stateMask = <usize>(laneCount - 1);
  for (let lane: usize = 0; lane < <usize>LANES; lane++) store<u32>(STATES + (lane << 2), LOW);
  for (let item = items; item > 0; item--) {
    const base = source + <usize>(item - 1) * itemStride;
    for (let first: i32 = ((channels - 1) / LANES) * LANES; first >= 0; first -= LANES) {
      const tables = groupTables + (<usize>first << 2);
      const lastLane = <usize>min(LANES, channels - first) - 1;
      gatherLanes(base, order + (<usize>first << 2), positionStride, <usize>rows * <usize>columns, body(), stride);
      let here = bins;
      for (let row = rows; row > 0; row--) {
        for (let column: i32 = columns - 1; column >= 0; column--) {
          here -= stride;
          findBins(bins, here, column, sixteens);
          for (let lane: isize = lastLane; lane >= 0; lane--) {
            const at = STATES + ((<usize>lane & stateMask) << 2);
            const entry = rowOf(tables, bins, lane) + (<usize>load<u8>(here + lane) << 1);
            const start = <u32>load<u16>(entry);
            const frequency = <u32>load<u16>(entry, 2) - start;
            let state = load<u32>(at);
            const isFull = state >= frequency << (31 - SLOT_BITS);
            store<u16>(end - 2, <u16>state); // overwritten later if the state stays whole
            end -= <usize>isFull << 1;
            state = select<u32>(state >> 16, state, isFull);
            store<u32>(at, ((state / frequency) << SLOT_BITS) + (state % frequency) + start);
          }
        }
      }
    }
  }
  return end;
}

/**
 * Decodes all items to `target`. May read 32 bytes beyond `end`.
 * @returns address after the last word taken; beyond `end` if the words did not suffice
 */
export function decodeFineContexts(words: usize, end: usize, target: usize, order: usize, items: u32, itemStride: usize, positionStride: usize): usize {
  const sixteens = v128.load(SIXTEENS);
  const hasFewLevels = levelCount <= 8;
  const bins = bodyEnd();
  const stateMask = <usize>(laneCount - 1);
  for (let item: u32 = 0; item < items; item++, target += itemStride) {
    for (let first: u32 = 0; first < channels; first += LANES) {
      const tables = groupTables + (<usize>first << 2);
      const size = <usize>min(LANES, channels - first);
      let here = body();
      for (let row: u32 = 0; row < rows; row++) {
        for (let column: u32 = 0; column < columns; column++, here += stride) {
          findBins(bins, here, column, sixteens);
          for (let lane: usize = 0; lane < size; lane++) {
            const at = STATES + ((lane & stateMask) << 2);
            const state = load<u32>(at);
            const slot = state & ((1 << SLOT_BITS) - 1);
            const entry = rowOf(tables, bins, lane);
            const slots = i16x8.splat(<i16>slot);
            // The first threshold above the slot ends the symbol's slots; one of 4,096 is always there.
            const above = i16x8.gt_s(v128.load(entry, 2), slots);
            const symbol = hasFewLevels
              ? ctz<u32>(i16x8.bitmask(above))
              : ctz<u32>(i8x16.bitmask(i8x16.narrow_i16x8_s(above, i16x8.gt_s(v128.load(entry, 18), slots))));
            store<u8>(here + lane, <u8>symbol);
            const start = <u32>load<u16>(entry + (<usize>symbol << 1));
            const next = (<u32>load<u16>(entry + (<usize>symbol << 1), 2) - start) * (state >> SLOT_BITS) + slot - start;
            const isLow = next < LOW;
            store<u32>(at, select<u32>((next << 16) | <u32>load<u16>(words), next, isLow));
            words += <usize>isLow << 1;
          }
          if (words > end) return words;
        }
      }
      scatterLanes(target, order + (<usize>first << 2), positionStride, <usize>rows * <usize>columns, body(), stride, <u32>size);
    }
  }
  return words;
}

/** Adds the indices of all items at `source` to `counts` (u32) of each symbol in each bin of each channel. */
export function countContexts(source: usize, counts: usize, order: usize, items: u32, itemStride: usize, positionStride: usize, binCount: u32): void {
  const sixteens = v128.load(SIXTEENS);
  const bins = bodyEnd();
  const symbolCount = levelCount;
  for (let item: u32 = 0; item < items; item++, source += itemStride) {
    for (let first: u32 = 0; first < channels; first += LANES) {
      const size = <usize>min(LANES, channels - first);
      gatherLanes(source, order + (<usize>first << 2), positionStride, <usize>rows * <usize>columns, body(), stride);
      let here = body();
      for (let row: u32 = 0; row < rows; row++) {
        for (let column: u32 = 0; column < columns; column++, here += stride) {
          findBins(bins, here, column, sixteens);
          for (let lane: usize = 0; lane < size; lane++) {
            const bin = (<u32>first + <u32>lane) * binCount + <u32>load<u8>(bins + lane);
            const at = counts + (<usize>(bin * symbolCount + <u32>load<u8>(here + lane)) << 2);
            store<u32>(at, load<u32>(at) + 1);
          }
        }
      }
    }
  }
}
