/**
 * Indices of two bins in four lanes, the most frequent case of trees of bins: the lanes are those of vectors. The three
 * probabilities of a tree are loaded and stored as one u64, whose lowest 16 bits are kept 0: above them a probability is in
 * units of 2^-32, and bounds are upper halves of products.
 */

import { TREE_LANES, TREES } from './layout';
import { LANE_TREES, LEARNING_SHIFT, LOWS, putWord, RANGES, TARGET_OF_ONE, TARGET_OF_ZERO, WORDS, WORDS_ENDS } from './tree-lanes';

/** Words that come next, 4 × u32: loaded when the ones before are taken, long before they are needed. */
const NEXT_WORDS: usize = TREE_LANES + 96;

/** Clears what no probability stands in. */
function clearUnused(): void {
  for (let at = TREES; at < TREES + 4 * LANE_TREES; at += 8) store<u16>(at, 0);
}

/** Encodes `count` indices of each lane; parameters as of `encodeTrees`. */
export function encodePairs(at: usize, count: usize, stride: usize, columns: usize): void {
  clearUnused();
  const targets = i32x4.splat(TARGET_OF_ONE);
  const steps = i32x4.splat(TARGET_OF_ONE - TARGET_OF_ZERO);
  const upper = i32x4.splat(0xffff0000);
  const zero = i32x4.splat(0);
  let low = lowerHalves();
  let hasCarry = zero;
  let range = v128.load(RANGES);
  for (const end = at + count; at < end; at++) {
    const at1 = at + stride;
    const at2 = at1 + stride;
    const at3 = at2 + stride;
    const tree0 = (<usize>load<u8>(at - 1) + load<u8>(at - columns)) << 3;
    const tree1 = (<usize>load<u8>(at1 - 1) + load<u8>(at1 - columns)) << 3;
    const tree2 = (<usize>load<u8>(at2 - 1) + load<u8>(at2 - columns)) << 3;
    const tree3 = (<usize>load<u8>(at3 - 1) + load<u8>(at3 - columns)) << 3;
    const trees01 = v128.load64_lane(tree1, v128.load64_zero(tree0, TREES), 1, TREES + LANE_TREES);
    const trees23 = v128.load64_lane(tree3, v128.load64_zero(tree2, TREES + 2 * LANE_TREES), 1, TREES + 3 * LANE_TREES);
    const roots = v128.shuffle<i32>(trees01, trees23, 0, 2, 4, 6);
    const leaves = v128.shuffle<i32>(trees01, trees23, 1, 3, 5, 7);
    const indices = i32x4(load<u8>(at), load<u8>(at1), load<u8>(at2), load<u8>(at3));

    const isLow = i32x4.eq(i32x4.shr_u(indices, 1), zero);
    let bound = boundOf(range, roots);
    const newRoots = i32x4.add(roots, i32x4.shl(changeOf(roots, isLow, targets, steps), 16));
    let added = v128.and(bound, isLow);
    low = i32x4.add(low, added);
    hasCarry = v128.or(hasCarry, i32x4.lt_u(low, added));
    range = narrowed(range, bound, isLow);
    if (hasSmall(range, zero)) {
      const isSmall = i32x4.eq(i32x4.shr_u(range, 16), zero);
      low = putWords(low, hasCarry, isSmall);
      hasCarry = v128.andnot(hasCarry, isSmall);
      range = v128.bitselect(i32x4.shl(range, 16), range, isSmall);
    }

    const isEven = i32x4.eq(i32x4.shl(indices, 31), zero);
    const leaf = v128.bitselect(i32x4.shl(leaves, 16), v128.and(leaves, upper), isLow);
    bound = boundOf(range, leaf);
    const change = changeOf(leaf, isEven, targets, steps);
    const newLeaves = i32x4.add(leaves, v128.bitselect(change, i32x4.shl(change, 16), isLow));
    added = v128.and(bound, isEven);
    low = i32x4.add(low, added);
    hasCarry = v128.or(hasCarry, i32x4.lt_u(low, added));
    range = narrowed(range, bound, isEven);
    if (hasSmall(range, zero)) {
      const isSmall = i32x4.eq(i32x4.shr_u(range, 16), zero);
      low = putWords(low, hasCarry, isSmall);
      hasCarry = v128.andnot(hasCarry, isSmall);
      range = v128.bitselect(i32x4.shl(range, 16), range, isSmall);
    }

    const new01 = v128.shuffle<i32>(newRoots, newLeaves, 0, 4, 1, 5);
    const new23 = v128.shuffle<i32>(newRoots, newLeaves, 2, 6, 3, 7);
    v128.store64_lane(tree0, new01, 0, TREES);
    v128.store64_lane(tree1, new01, 1, TREES + LANE_TREES);
    v128.store64_lane(tree2, new23, 0, TREES + 2 * LANE_TREES);
    v128.store64_lane(tree3, new23, 1, TREES + 3 * LANE_TREES);
  }
  putWords(low, hasCarry, zero);
  v128.store(RANGES, range);
}

/** Decodes as `encodePairs` encodes. @returns the largest index */
export function decodePairs(at: usize, count: usize, stride: usize, columns: usize): u32 {
  clearUnused();
  const targets = i32x4.splat(TARGET_OF_ONE);
  const steps = i32x4.splat(TARGET_OF_ONE - TARGET_OF_ZERO);
  const upper = i32x4.splat(0xffff0000);
  const threes = i32x4.splat(3);
  const zero = i32x4.splat(0);
  let code = lowerHalves();
  let range = v128.load(RANGES);
  loadNextWords(v128.load(WORDS));
  let largest = zero;
  let left01: u64 = load<u8>(at - 1) * 0x100000001;
  let left23 = left01;
  for (const end = at + count; at < end; at++) {
    const at1 = at + stride;
    const at2 = at1 + stride;
    const at3 = at2 + stride;
    const tree0 = (<usize>left01 + load<u8>(at - columns)) << 3;
    const tree1 = (<usize>(left01 >> 32) + load<u8>(at1 - columns)) << 3;
    const tree2 = (<usize>left23 + load<u8>(at2 - columns)) << 3;
    const tree3 = (<usize>(left23 >> 32) + load<u8>(at3 - columns)) << 3;
    const trees01 = v128.load64_lane(tree1, v128.load64_zero(tree0, TREES), 1, TREES + LANE_TREES);
    const trees23 = v128.load64_lane(tree3, v128.load64_zero(tree2, TREES + 2 * LANE_TREES), 1, TREES + 3 * LANE_TREES);
    const roots = v128.shuffle<i32>(trees01, trees23, 0, 2, 4, 6);
    const leaves = v128.shuffle<i32>(trees01, trees23, 1, 3, 5, 7);

    let bound = boundOf(range, roots);
    const isLow = i32x4.ge_u(code, bound);
    const newRoots = i32x4.add(roots, i32x4.shl(changeOf(roots, isLow, targets, steps), 16));
    code = i32x4.sub(code, v128.and(bound, isLow));
    range = narrowed(range, bound, isLow);
    if (hasSmall(range, zero)) {
      const isSmall = i32x4.eq(i32x4.shr_u(range, 16), zero);
      code = takeWords(code, isSmall);
      range = v128.bitselect(i32x4.shl(range, 16), range, isSmall);
    }

    const leaf = v128.bitselect(i32x4.shl(leaves, 16), v128.and(leaves, upper), isLow);
    bound = boundOf(range, leaf);
    const isEven = i32x4.ge_u(code, bound);
    const change = changeOf(leaf, isEven, targets, steps);
    const newLeaves = i32x4.add(leaves, v128.bitselect(change, i32x4.shl(change, 16), isLow));
    code = i32x4.sub(code, v128.and(bound, isEven));
    range = narrowed(range, bound, isEven);
    if (hasSmall(range, zero)) {
      const isSmall = i32x4.eq(i32x4.shr_u(range, 16), zero);
      code = takeWords(code, isSmall);
      range = v128.bitselect(i32x4.shl(range, 16), range, isSmall);
    }

    const new01 = v128.shuffle<i32>(newRoots, newLeaves, 0, 4, 1, 5);
    const new23 = v128.shuffle<i32>(newRoots, newLeaves, 2, 6, 3, 7);
    v128.store64_lane(tree0, new01, 0, TREES);
    v128.store64_lane(tree1, new01, 1, TREES + LANE_TREES);
    v128.store64_lane(tree2, new23, 0, TREES + 2 * LANE_TREES);
    v128.store64_lane(tree3, new23, 1, TREES + 3 * LANE_TREES);
    const indices = i32x4.add(i32x4.add(i32x4.add(isLow, isLow), threes), isEven);
    largest = i32x4.max_u(largest, indices);
    left01 = i64x2.extract_lane(indices, 0);
    left23 = i64x2.extract_lane(indices, 1);
    store<u8>(at, <u8>left01);
    store<u8>(at1, <u8>(left01 >> 32));
    store<u8>(at2, <u8>left23);
    store<u8>(at3, <u8>(left23 >> 32));
  }
  putWords(code, zero, zero);
  v128.store(RANGES, range);
  return v128.any_true(i32x4.eq(largest, threes)) ? 3 : 2;
}

/** Parts of the ranges for a bin of 1, by probabilities in units of 2^-32. */
@inline function boundOf(range: v128, probability: v128): v128 {
  const product01 = i64x2.extmul_low_i32x4_u(range, probability);
  const product23 = i64x2.extmul_high_i32x4_u(range, probability);
  return v128.shuffle<i32>(product01, product23, 1, 3, 5, 7);
}

/** The parts of the ranges that bins leave. */
@inline function narrowed(range: v128, bound: v128, isZero: v128): v128 {
  return i32x4.add(bound, v128.and(i32x4.sub(i32x4.sub(range, bound), bound), isZero));
}

/** Whether an upper half of a range is 0: an instruction less than to say of which. */
@inline function hasSmall(range: v128, zero: v128): bool {
  return (i8x16.bitmask(i16x8.eq(range, zero)) & 0xcccc) != 0;
}

/** What bins add to probabilities. @param probability - in units of 2^-32; the change is in 2^-16 */
@inline function changeOf(probability: v128, isZero: v128, targets: v128, steps: v128): v128 {
  const distance = i32x4.sub(i32x4.sub(targets, i32x4.shr_u(probability, 16)), v128.and(isZero, steps));
  return i32x4.shr_s(distance, LEARNING_SHIFT);
}

/** Codes with a word more where ranges are small. */
@inline function takeWords(code: v128, isSmall: v128): v128 {
  const taken = v128.bitselect(v128.or(i32x4.shl(code, 16), v128.load(NEXT_WORDS)), code, isSmall);
  const words = i32x4.sub(v128.load(WORDS), i32x4.shl(isSmall, 1));
  v128.store(WORDS, words);
  loadNextWords(words);
  return taken;
}

/** At the ends there are zeros. */
@inline function loadNextWords(words: v128): void {
  const at = i32x4.min_u(words, v128.load(WORDS_ENDS));
  let next = v128.load16_lane(i32x4.extract_lane(at, 0), i32x4.splat(0), 0);
  next = v128.load16_lane(i32x4.extract_lane(at, 1), next, 2);
  next = v128.load16_lane(i32x4.extract_lane(at, 2), next, 4);
  v128.store(NEXT_WORDS, v128.load16_lane(i32x4.extract_lane(at, 3), next, 6));
}

/** Stores lower ends, and moves their top words out where ranges are small. @returns the rests */
function putWords(low: v128, hasCarry: v128, isSmall: v128): v128 {
  setLows(low, i32x4.neg(hasCarry));
  let offset: usize = 0;
  for (let mask = i32x4.bitmask(isSmall); mask; mask >>= 1, offset += 4) {
    if (mask & 1) store<u64>(offset << 1, putWord(offset, load<u64>(offset << 1, LOWS)), LOWS);
  }
  return lowerHalves();
}

@inline function lowerHalves(): v128 {
  return v128.shuffle<i32>(v128.load(LOWS), v128.load(LOWS + 16), 0, 2, 4, 6);
}

@inline function setLows(low: v128, carry: v128): void {
  v128.store(LOWS, v128.shuffle<i32>(low, carry, 0, 4, 1, 5));
  v128.store(LOWS + 16, v128.shuffle<i32>(low, carry, 2, 6, 3, 7));
}
