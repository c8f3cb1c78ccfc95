/**
 * Symbols of 2, 4 or 8 indices, bitstream.md §5.1: from indices by sums of products, to levels by a table that holds all
 * levels of a symbol.
 */

import { LEVELS } from './layout';

/** Sums of neighboring products of 16 indices, 8 of 16 bits. */
@inline function pairs(at: usize, weights: v128): v128 {
  const indices = v128.load(at);
  const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(indices), weights);
  const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(indices), weights);
  return i16x8.narrow_i32x4_u(low, high);
}

/** Sums of neighbors, four from each, as 16 bits. */
@inline function sums(a: v128, b: v128): v128 {
  return i16x8.narrow_i32x4_u(i32x4.extadd_pairwise_i16x8_u(a), i32x4.extadd_pairwise_i16x8_u(b));
}

/**
 * Packs indices of 8 bits. Reads and writes what is of whole blocks of 64 indices.
 * @param perSymbol - 2, 4 or 8
 * @param weights - 8 × u16: powers of the level count, beginning again with every symbol
 */
export function packSymbols(source: usize, target: usize, count: u32, perSymbol: u32, weights: usize): void {
  const w = v128.load(weights);
  const end = source + count;
  if (perSymbol == 2) {
    for (; source < end; source += 64, target += 32) {
      v128.store(target, i8x16.narrow_i16x8_u(pairs(source, w), pairs(source + 16, w)));
      v128.store(target, i8x16.narrow_i16x8_u(pairs(source + 32, w), pairs(source + 48, w)), 16);
    }
    return;
  }
  for (; source < end; source += 64, target += <usize>(64 / perSymbol)) {
    const a = sums(pairs(source, w), pairs(source + 16, w));
    const b = sums(pairs(source + 32, w), pairs(source + 48, w));
    if (perSymbol == 4) {
      v128.store(target, i8x16.narrow_i16x8_u(a, b));
    } else {
      const c = sums(a, b);
      v128.store64_lane(target, i8x16.narrow_i16x8_u(c, c), 0);
    }
  }
}

/**
 * The levels of symbols, whose f32 stand at `LEVELS`, `perSymbol` of them for each; reads and writes whole blocks of 4
 * symbols.
 * @param perSymbol - 1, 2, 4 or 8
 */
export function expandSymbols(source: usize, target: usize, count: u32, perSymbol: u32): void {
  const end = source + count;
  if (perSymbol == 1) {
    for (; source < end; source += 4, target += 16) {
      const symbols = load<u32>(source);
      store<f32>(target, load<f32>((<usize>symbols & 0xff) << 2, LEVELS));
      store<f32>(target, load<f32>((<usize>symbols & 0xff00) >> 6, LEVELS), 4);
      store<f32>(target, load<f32>((<usize>symbols & 0xff0000) >> 14, LEVELS), 8);
      store<f32>(target, load<f32>((<usize>symbols >> 24) << 2, LEVELS), 12);
    }
  } else if (perSymbol == 2) {
    for (; source < end; source += 4, target += 32) {
      const symbols = load<u32>(source);
      store<u64>(target, load<u64>((<usize>symbols & 0xff) << 3, LEVELS));
      store<u64>(target, load<u64>((<usize>symbols & 0xff00) >> 5, LEVELS), 8);
      store<u64>(target, load<u64>((<usize>symbols & 0xff0000) >> 13, LEVELS), 16);
      store<u64>(target, load<u64>((<usize>symbols >> 24) << 3, LEVELS), 24);
    }
  } else if (perSymbol == 4) {
    for (; source < end; source += 4, target += 64) {
      const symbols = load<u32>(source);
      v128.store(target, v128.load((<usize>symbols & 0xff) << 4, LEVELS));
      v128.store(target, v128.load((<usize>symbols & 0xff00) >> 4, LEVELS), 16);
      v128.store(target, v128.load((<usize>symbols & 0xff0000) >> 12, LEVELS), 32);
      v128.store(target, v128.load((<usize>symbols >> 24) << 4, LEVELS), 48);
    }
  } else {
    for (; source < end; source++, target += 32) {
      const levels = LEVELS + (<usize>load<u8>(source) << 5);
      v128.store(target, v128.load(levels));
      v128.store(target, v128.load(levels, 16), 16);
    }
  }
}
