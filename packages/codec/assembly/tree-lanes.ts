/**
 * The range coders of trees of bins, one for each of up to four lanes, and their words of 16 bits; bitstream.md §18.3. Each
 * field of the lanes is an array at a fixed address, so that all four are a vector or two; `offset` is a lane's in arrays of
 * u32.
 */

import { TREE_LANES, TREES } from './layout';

/** Lower ends of the intervals, or codes, 4 × u64; ranges, 4 × u32. */
export const LOWS: usize = TREE_LANES;
export const RANGES: usize = TREE_LANES + 32;
/** Addresses of the words that come next, of the first ones and of the ends, 4 × u32 each. */
export const WORDS: usize = TREE_LANES + 48;
const FIRST_WORDS: usize = TREE_LANES + 64;
export const WORDS_ENDS: usize = TREE_LANES + 80;
/**
 * Bytes from a lane's trees to those of the next one. No multiple of 4096: loads would wait for stores of other lanes, which a
 * processor takes for the same by the low bits of their addresses.
 */
export const LANE_TREES: usize = 8320;

export const LEARNING_SHIFT: i32 = 5;
export const TARGET_OF_ONE: i32 = 65536;
export const TARGET_OF_ZERO: i32 = 31;

/**
 * Begins a lane.
 * @param words - where its words are to be written up to `end`, or stand before `end`, where decoding needs two bytes more
 */
export function startTreeLane(lane: usize, isDecoding: bool, words: usize, end: usize): void {
  const offset = lane << 2;
  const trees = TREES + lane * LANE_TREES;
  for (let at = trees; at < trees + LANE_TREES; at += 8) store<u64>(at, 0x8000800080008000);
  store<u32>(offset, 0xffffffff, RANGES);
  store<u32>(offset, <u32>words, WORDS);
  store<u32>(offset, <u32>words, FIRST_WORDS);
  store<u32>(offset, <u32>end, WORDS_ENDS);
  store<u64>(offset << 1, 0, LOWS);
  if (isDecoding) {
    store<u16>(end, 0);
    const first = nextWord(offset);
    store<u64>(offset << 1, (first << 16) | nextWord(offset), LOWS);
  }
}

/** Beyond the end zeros are read, and only counted. */
export function nextWord(offset: usize): u64 {
  const at = load<u32>(offset, WORDS);
  store<u32>(offset, at + 2, WORDS);
  return load<u16>(min(at, load<u32>(offset, WORDS_ENDS)));
}

/** Moves the top word of `low` out. Beyond the end words are only counted. @returns the rest, below 2^32 */
export function putWord(offset: usize, low: u64): u64 {
  const at = load<u32>(offset, WORDS);
  store<u32>(offset, at + 2, WORDS);
  if (at >= load<u32>(offset, WORDS_ENDS)) return (low << 16) & 0xffffffff;
  if (low >> 32) {
    let carried = at - 2;
    while (load<u16>(carried) == 0xffff) {
      store<u16>(carried, 0);
      carried -= 2;
    }
    store<u16>(carried, load<u16>(carried) + 1);
  }
  store<u16>(at, <u16>(low >> 16));
  return (low << 16) & 0xffffffff;
}

/** Ends the words of a lane. @returns address after the last word that is not zero, or 0 if there was not enough room */
export function finishTreeLane(lane: usize): usize {
  const offset = lane << 2;
  let low = load<u64>(offset << 1, LOWS);
  const end = low + <u64>load<u32>(offset, RANGES);
  for (let unitLog2: u64 = 32; ; unitLog2 -= 16) {
    const candidate = ((low + (<u64>1 << unitLog2) - 1) >> unitLog2) << unitLog2;
    if (candidate < end) {
      low = candidate;
      break;
    }
  }
  low = putWord(offset, low);
  putWord(offset, low);
  let at: usize = load<u32>(offset, WORDS);
  if (at > <usize>load<u32>(offset, WORDS_ENDS)) return 0;
  while (at > <usize>load<u32>(offset, FIRST_WORDS) && load<u16>(at - 2) == 0) at -= 2;
  return at;
}

/** Whether all words of a lane were read. */
export function endsTreeLane(lane: usize): bool {
  return load<u32>(lane << 2, WORDS) >= load<u32>(lane << 2, WORDS_ENDS);
}
