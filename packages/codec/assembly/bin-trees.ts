/**
 * Indices as paths through trees of adaptive bins; bitstream.md §18. Each lane has a record of 32 bytes at `TREE_LANES` and
 * 16 trees of up to 256 probabilities at `TREES`. Before the elements of a lane stand as many backgrounds as a row has
 * columns, so that the first ones have neighbors like all others.
 */

import { TREE_LANES, TREES } from './layout';

/** Fields of a record: lower end of the interval or code (u64), range, next word, first and end of the words (u32). */
const RECORD_BYTES: usize = 32;
const LOW: usize = TREE_LANES;
const RANGE: usize = TREE_LANES + 8;
const WORDS: usize = TREE_LANES + 12;
const WORDS_START: usize = TREE_LANES + 16;
const WORDS_END: usize = TREE_LANES + 20;
/** Bytes of a lane's trees. */
const LANE_TREES: usize = 8192;
const WORD: u64 = 65536;
const LEARNING_SHIFT: i32 = 5;
const TARGET_OF_ONE: i32 = 65536;
const TARGET_OF_ZERO: i32 = 31;

/** Begins a lane. @param words - where its words are to be written up to `end`, or stand before `end` */
export function startTreeLane(lane: u32, isDecoding: bool, words: usize, end: usize): void {
  const record = <usize>lane * RECORD_BYTES;
  store<u32>(record, 0xffffffff, RANGE);
  store<u32>(record, <u32>words, WORDS);
  store<u32>(record, <u32>words, WORDS_START);
  store<u32>(record, <u32>end, WORDS_END);
  store<u64>(record, 0, LOW);
  if (isDecoding) {
    const first = nextWord(record);
    store<u64>(record, (first << 16) | nextWord(record), LOW);
  }
  const trees = TREES + <usize>lane * LANE_TREES;
  for (let at = trees; at < trees + LANE_TREES; at += 8) store<u64>(at, 0x8000800080008000);
}

/**
 * Encodes `count` indices of each of `laneCount` lanes, in turns.
 * @param lane - the first of them
 * @param at - its first index; those of the next lane begin `stride` after it
 * @param columns - distance of the index above
 */
export function encodeTrees(lane: usize, laneCount: u32, at: usize, count: usize, stride: usize, columns: usize, depth: u32, shift: u32): void {
  const end = at + count;
  if (depth == 2 && laneCount == 4) {
    for (; at < end; at++) {
      encodePair(at, 0, columns);
      encodePair(at + stride, RECORD_BYTES, columns);
      encodePair(at + 2 * stride, 2 * RECORD_BYTES, columns);
      encodePair(at + 3 * stride, 3 * RECORD_BYTES, columns);
    }
    return;
  }
  for (; at < end; at++) {
    let place = at;
    let record = lane * RECORD_BYTES;
    for (let l: u32 = 0; l < laneCount; l++, place += stride, record += RECORD_BYTES)
      encodeIndex(place, record, columns, depth, shift);
  }
}

/** Decodes as `encodeTrees` encodes. @returns the largest index */
export function decodeTrees(lane: usize, laneCount: u32, at: usize, count: usize, stride: usize, columns: usize, depth: u32, shift: u32): u32 {
  const end = at + count;
  let largest: u32 = 0;
  if (depth == 2 && laneCount == 4) {
    // Neighbors to the left stay at hand: reading what was written before takes longer.
    let index0 = <u32>load<u8>(at - 1);
    let index1 = index0;
    let index2 = index0;
    let index3 = index0;
    for (; at < end; at++) {
      index0 = decodePair(at, 0, index0, columns);
      index1 = decodePair(at + stride, RECORD_BYTES, index1, columns);
      index2 = decodePair(at + 2 * stride, 2 * RECORD_BYTES, index2, columns);
      index3 = decodePair(at + 3 * stride, 3 * RECORD_BYTES, index3, columns);
      largest = max(max(largest, index0), max(index1, max(index2, index3)));
    }
    return largest;
  }
  for (; at < end; at++) {
    let place = at;
    let record = lane * RECORD_BYTES;
    for (let l: u32 = 0; l < laneCount; l++, place += stride, record += RECORD_BYTES)
      largest = max(largest, decodeIndex(place, record, columns, depth, shift));
  }
  return largest;
}

/** Trees of a lane by its record. */
@inline function treesOf(record: usize): usize {
  return record * (LANE_TREES / RECORD_BYTES);
}

@inline function encodeIndex(at: usize, record: usize, columns: usize, depth: u32, shift: u32): void {
  const sum = <u32>load<u8>(at - 1) + <u32>load<u8>(at - columns);
  const tree = treesOf(record) + (<usize>(sum >> shift) << (depth + 1));
  // A one before the index's bits makes every prefix of them the number of a node.
  const path = <u32>load<u8>(at) | (1 << depth);
  let low = load<u64>(record, LOW);
  let range = <u64>load<u32>(record, RANGE);
  for (let bit = <i32>depth - 1; bit >= 0; bit--) {
    const isOne = -<i64>((path >> bit) & 1);
    const node = tree + (<usize>(path >> (bit + 1)) << 1);
    const probability = <u32>load<u16>(node, TREES);
    const bound = (range * probability) >> 16;
    store<u16>(node, learned(probability, isOne), TREES);
    low += bound & ~isOne;
    range = narrowed(range, bound, isOne);
    if (range < WORD) {
      low = putWord(record, low);
      range <<= 16;
    }
  }
  store<u64>(record, low, LOW);
  store<u32>(record, <u32>range, RANGE);
}

@inline function decodeIndex(at: usize, record: usize, columns: usize, depth: u32, shift: u32): u32 {
  const sum = <u32>load<u8>(at - 1) + <u32>load<u8>(at - columns);
  const tree = treesOf(record) + (<usize>(sum >> shift) << (depth + 1));
  let code = load<u64>(record, LOW);
  let range = <u64>load<u32>(record, RANGE);
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
      code = (code << 16) | nextWord(record);
      range <<= 16;
    }
  }
  store<u64>(record, code, LOW);
  store<u32>(record, <u32>range, RANGE);
  const index = path - (1 << depth);
  store<u8>(at, <u8>index);
  return index;
}

/* The same for indices of two bins, the most frequent case: in a loop bins take half as long again. */

@inline function encodePair(at: usize, record: usize, columns: usize): void {
  const sum = <usize>load<u8>(at - 1) + <usize>load<u8>(at - columns);
  const tree = treesOf(record) + (sum << 3);
  const index = <u32>load<u8>(at);
  let low = load<u64>(record, LOW);
  let range = <u64>load<u32>(record, RANGE);
  let isOne = -<i64>(index >> 1);
  let probability = <u32>load<u16>(tree, TREES + 2);
  let bound = (range * probability) >> 16;
  store<u16>(tree, learned(probability, isOne), TREES + 2);
  low += bound & ~isOne;
  range = narrowed(range, bound, isOne);
  if (range < WORD) {
    low = putWord(record, low);
    range <<= 16;
  }
  const node = tree + (<usize>index & 2);
  isOne = -<i64>(index & 1);
  probability = <u32>load<u16>(node, TREES + 4);
  bound = (range * probability) >> 16;
  store<u16>(node, learned(probability, isOne), TREES + 4);
  low += bound & ~isOne;
  range = narrowed(range, bound, isOne);
  if (range < WORD) {
    low = putWord(record, low);
    range <<= 16;
  }
  store<u64>(record, low, LOW);
  store<u32>(record, <u32>range, RANGE);
}

@inline function decodePair(at: usize, record: usize, left: u32, columns: usize): u32 {
  const tree = treesOf(record) + (<usize>(left + <u32>load<u8>(at - columns)) << 3);
  let code = load<u64>(record, LOW);
  let range = <u64>load<u32>(record, RANGE);
  let probability = <u32>load<u16>(tree, TREES + 2);
  let bound = (range * probability) >> 16;
  const isHigh = <i64>(code - bound) >> 63;
  store<u16>(tree, learned(probability, isHigh), TREES + 2);
  code -= bound & ~isHigh;
  range = narrowed(range, bound, isHigh);
  if (range < WORD) {
    code = (code << 16) | nextWord(record);
    range <<= 16;
  }
  const node = tree + (<usize>isHigh & 2);
  probability = <u32>load<u16>(node, TREES + 4);
  bound = (range * probability) >> 16;
  const isOdd = <i64>(code - bound) >> 63;
  store<u16>(node, learned(probability, isOdd), TREES + 4);
  code -= bound & ~isOdd;
  range = narrowed(range, bound, isOdd);
  if (range < WORD) {
    code = (code << 16) | nextWord(record);
    range <<= 16;
  }
  store<u64>(record, code, LOW);
  store<u32>(record, <u32>range, RANGE);
  const index = (<u32>isHigh & 2) - <u32>isOdd;
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

/** Beyond the end zeros are read, and only counted. */
function nextWord(record: usize): u64 {
  const at = load<u32>(record, WORDS);
  store<u32>(record, at + 2, WORDS);
  return at < load<u32>(record, WORDS_END) ? <u64>load<u16>(at) : 0;
}

/** Moves the top word of `low` out. Beyond the end words are only counted. @returns the rest, below 2^32 */
function putWord(record: usize, low: u64): u64 {
  const at = load<u32>(record, WORDS);
  store<u32>(record, at + 2, WORDS);
  if (at >= load<u32>(record, WORDS_END)) return (low << 16) & 0xffffffff;
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
export function finishTreeLane(lane: u32): usize {
  const record = <usize>lane * RECORD_BYTES;
  let low = load<u64>(record, LOW);
  const end = low + <u64>load<u32>(record, RANGE);
  for (let unitLog2: u64 = 32; ; unitLog2 -= 16) {
    const candidate = ((low + (<u64>1 << unitLog2) - 1) >> unitLog2) << unitLog2;
    if (candidate < end) {
      low = candidate;
      break;
    }
  }
  low = putWord(record, low);
  putWord(record, low);
  let at: usize = load<u32>(record, WORDS);
  if (at > <usize>load<u32>(record, WORDS_END)) return 0;
  while (at > <usize>load<u32>(record, WORDS_START) && load<u16>(at - 2) == 0) at -= 2;
  return at;
}

/** Whether all words of a lane were read. */
export function endsTreeLane(lane: u32): bool {
  const record = <usize>lane * RECORD_BYTES;
  return load<u32>(record, WORDS) >= load<u32>(record, WORDS_END);
}
