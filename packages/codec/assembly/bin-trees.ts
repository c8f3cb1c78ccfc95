/**
 * Indices as paths through trees of adaptive bins; bitstream.md §18. Each lane has 16 trees of up to 256 probabilities at
 * `TREES`. Before the elements of a lane stand as many backgrounds as a row has columns, so that the first ones have neighbors
 * like all others.
 */

import { decodePairs, encodePairs } from './bin-pairs';
import { TREES } from './layout';
import { LANE_TREES, LEARNING_SHIFT, LOWS, nextWord, putWord, RANGES, TARGET_OF_ONE, TARGET_OF_ZERO } from './tree-lanes';

const WORD: u64 = 65536;

/**
 * Encodes `count` indices of each of `laneCount` lanes, in turns.
 * @param lane - the first of them
 * @param at - its first index; those of the next lane begin `stride` after it
 * @param columns - distance of the index above
 */
export function encodeTrees(lane: usize, laneCount: usize, at: usize, count: usize, stride: usize, columns: usize, depth: u32, shift: u32): void {
  if (depth == 2 && laneCount == 4) return encodePairs(at, count, stride, columns);
  for (const end = at + count; at < end; at++) {
    let place = at;
    for (let offset = lane << 2; offset < (lane + laneCount) << 2; offset += 4, place += stride) encodeIndex(place, offset, columns, depth, shift);
  }
}

/** Decodes as `encodeTrees` encodes. @returns the largest index */
export function decodeTrees(lane: usize, laneCount: usize, at: usize, count: usize, stride: usize, columns: usize, depth: u32, shift: u32): u32 {
  if (depth == 2 && laneCount == 4) return decodePairs(at, count, stride, columns);
  let largest: u32 = 0;
  for (const end = at + count; at < end; at++) {
    let place = at;
    for (let offset = lane << 2; offset < (lane + laneCount) << 2; offset += 4, place += stride) largest = max(largest, decodeIndex(place, offset, columns, depth, shift));
  }
  return largest;
}

@inline function encodeIndex(at: usize, offset: usize, columns: usize, depth: u32, shift: u32): void {
  const sum = <u32>load<u8>(at - 1) + <u32>load<u8>(at - columns);
  const tree = offset * (LANE_TREES / 4) + (<usize>(sum >> shift) << (depth + 1));
  // A one before the index's bits makes every prefix of them the number of a node.
  const path = <u32>load<u8>(at) | (1 << depth);
  let low = load<u64>(offset << 1, LOWS);
  let range = <u64>load<u32>(offset, RANGES);
  for (let bit = <i32>depth - 1; bit >= 0; bit--) {
    const isOne = -<i64>((path >> bit) & 1);
    const node = tree + (<usize>(path >> (bit + 1)) << 1);
    const probability = <u32>load<u16>(node, TREES);
    const bound = (range * probability) >> 16;
    store<u16>(node, learned(probability, isOne), TREES);
    low += bound & ~isOne;
    range = narrowed(range, bound, isOne);
    if (range < WORD) {
      low = putWord(offset, low);
      range <<= 16;
    }
  }
  store<u64>(offset << 1, low, LOWS);
  store<u32>(offset, <u32>range, RANGES);
}

@inline function decodeIndex(at: usize, offset: usize, columns: usize, depth: u32, shift: u32): u32 {
  const sum = <u32>load<u8>(at - 1) + <u32>load<u8>(at - columns);
  const tree = offset * (LANE_TREES / 4) + (<usize>(sum >> shift) << (depth + 1));
  let code = load<u64>(offset << 1, LOWS);
  let range = <u64>load<u32>(offset, RANGES);
  let path: u32 = 1;
  for (let bit = depth; bit > 0; bit--) {
    const node = tree + (<usize>path << 1);
    const probability = <u32>load<u16>(node, TREES);
    const bound = (range * probability) >> 16;
    const isOne = <i64>(code - bound) >> 63;
    store<u16>(node, learned(probability, isOne), TREES);
    code -= bound & ~isOne;
    range = narrowed(range, bound, isOne);
    path = 2 * path - <u32>isOne;
    if (range < WORD) {
      code = (code << 16) | nextWord(offset);
      range <<= 16;
    }
  }
  store<u64>(offset << 1, code, LOWS);
  store<u32>(offset, <u32>range, RANGES);
  const index = path - (1 << depth);
  store<u8>(at, <u8>index);
  return index;
}

/** The part of the range that a bin leaves. @param isOne - all bits 1 for a bin of 1, else 0 */
@inline function narrowed(range: u64, bound: u64, isOne: i64): u64 {
  const rest = range - bound;
  return rest + ((bound - rest) & isOne);
}

/** A probability after a bin. */
@inline function learned(probability: u32, isOne: i64): u16 {
  const target = TARGET_OF_ZERO + (<i32>isOne & (TARGET_OF_ONE - TARGET_OF_ZERO));
  return <u16>(<i32>probability + ((target - <i32>probability) >> LEARNING_SHIFT));
}
