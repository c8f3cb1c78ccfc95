/**
 * Range, quantization and dequantization, four elements at a time; bitstream.md §4. The arithmetic is that of
 * `src/quantizer/affine.ts`, operation by operation, so that the indices are equal.
 */

import { CONSTANTS, RANGE, TABLE } from './layout';

/** Range of `count` floats at `source`; NaN is counted and left out. */
export function measureRange(source: usize, count: u32): void {
  let low = f32x4.splat(f32.POSITIVE_INFINITY);
  let high = f32x4.splat(f32.NEGATIVE_INFINITY);
  let numbers = i32x4.splat(0); // minus the count of elements that equal themselves
  const vectorEnd = source + ((<usize>count & ~3) << 2);
  let at = source;
  for (; at < vectorEnd; at += 16) {
    const values = v128.load(at);
    // pmin(a, b) is b < a ? b : a, so a NaN in the second place is passed over.
    low = f32x4.pmin(low, values);
    high = f32x4.pmax(high, values);
    numbers = i32x4.add(numbers, f32x4.eq(values, values));
  }
  let lowest = min4(low);
  let highest = max4(high);
  let numberCount =
    -(i32x4.extract_lane(numbers, 0) + i32x4.extract_lane(numbers, 1) + i32x4.extract_lane(numbers, 2) + i32x4.extract_lane(numbers, 3));
  for (const end = source + (<usize>count << 2); at < end; at += 4) {
    const value = load<f32>(at);
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
    if (value == value) numberCount++;
  }
  store<f32>(RANGE, lowest);
  store<f32>(RANGE + 4, highest);
  store<u32>(RANGE + 8, count - <u32>numberCount);
}

@inline function min4(values: v128): f32 {
  let lowest = f32x4.extract_lane(values, 0);
  lowest = select(f32x4.extract_lane(values, 1), lowest, f32x4.extract_lane(values, 1) < lowest);
  lowest = select(f32x4.extract_lane(values, 2), lowest, f32x4.extract_lane(values, 2) < lowest);
  return select(f32x4.extract_lane(values, 3), lowest, f32x4.extract_lane(values, 3) < lowest);
}

@inline function max4(values: v128): f32 {
  let highest = f32x4.extract_lane(values, 0);
  highest = select(f32x4.extract_lane(values, 1), highest, f32x4.extract_lane(values, 1) > highest);
  highest = select(f32x4.extract_lane(values, 2), highest, f32x4.extract_lane(values, 2) > highest);
  return select(f32x4.extract_lane(values, 3), highest, f32x4.extract_lane(values, 3) > highest);
}

/** 1.5 · 2^23: adding it rounds a float of magnitude up to 2^22 to an integer, ties to even, in the low bits of the word. */
const ROUNDING: f32 = 12582912;

/** Places of numbers after the vectors of `rans.ts`. */
const HELD: usize = CONSTANTS + 80;

/**
 * A number in all lanes, by way of memory: some engines make a vector that comes from a number anew in every turn of a
 * loop, and even the number.
 * @param place - 0 to 5, one for each number of a function
 */
@inline function held(value: f32, place: usize): v128 {
  store<f32>(HELD + (place << 2), value);
  return v128.load32_splat(HELD + (place << 2));
}

/**
 * Indices of four values. Bounds that are integers may be applied before rounding, and bound infinities too; a NaN passes
 * them and becomes a word beyond 16 bits.
 * @param low - the first index less the zero point @param high - the last one
 * @param base - the rounding constant less the zero point, whose word is that of the index 0
 */
@inline function indices4(values: v128, offset: v128, reciprocal: v128, low: v128, high: v128, rounding: v128, base: v128): v128 {
  const steps = f32x4.mul(f32x4.sub(values, offset), reciprocal);
  const bounded = f32x4.pmax(f32x4.pmin(steps, high), low);
  return i32x4.sub(f32x4.add(bounded, rounding), base);
}

/** Whether no word is beyond 16 bits. @param words - all indices, or-ed */
@inline function areNumbers(words: v128): bool {
  return !v128.any_true(i32x4.shr_u(words, 16));
}

/**
 * Indices of up to 8 bits; reads and writes whole blocks of 16 elements.
 * @returns whether all elements of the blocks are numbers
 */
export function quantize8(source: usize, target: usize, count: u32, offset: f32, reciprocal: f32, zeroPoint: f32, last: f32): bool {
  const o = held(offset, 0);
  const r = held(reciprocal, 1);
  const l = held(-zeroPoint, 2);
  const h = held(last - zeroPoint, 3);
  const m = held(ROUNDING, 4);
  // Floats of this magnitude are integers, so that the difference is exact and its word that of the index 0.
  const w = held(ROUNDING - zeroPoint, 5);
  let words = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>count; i += 16) {
    const at = source + (i << 2);
    const a = indices4(v128.load(at), o, r, l, h, m, w);
    const b = indices4(v128.load(at, 16), o, r, l, h, m, w);
    const c = indices4(v128.load(at, 32), o, r, l, h, m, w);
    const d = indices4(v128.load(at, 48), o, r, l, h, m, w);
    words = v128.or(words, v128.or(v128.or(a, b), v128.or(c, d)));
    v128.store(target + i, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(a, b), i16x8.narrow_i32x4_u(c, d)));
  }
  return areNumbers(words);
}

/** Indices of up to 16 bits; reads and writes whole blocks of 8 elements. */
export function quantize16(source: usize, target: usize, count: u32, offset: f32, reciprocal: f32, zeroPoint: f32, last: f32): void {
  const o = held(offset, 0);
  const r = held(reciprocal, 1);
  const l = held(-zeroPoint, 2);
  const h = held(last - zeroPoint, 3);
  const m = held(ROUNDING, 4);
  // Floats of this magnitude are integers, so that the difference is exact and its word that of the index 0.
  const w = held(ROUNDING - zeroPoint, 5);
  for (let i: usize = 0; i < <usize>count; i += 8) {
    const at = source + (i << 2);
    const a = indices4(v128.load(at), o, r, l, h, m, w);
    const b = indices4(v128.load(at, 16), o, r, l, h, m, w);
    v128.store(target + (i << 1), i16x8.narrow_i32x4_u(a, b));
  }
}

@inline function levels4(indices: v128, zeroPoint: v128, step: v128, offset: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(indices), zeroPoint), step), offset);
}

/** Levels of indices of 8 bits; reads and writes whole blocks of 16 elements. */
export function dequantize8(source: usize, target: usize, count: u32, offset: f32, step: f32, zeroPoint: f32): void {
  const o = held(offset, 0);
  const s = held(step, 1);
  const z = held(zeroPoint, 2);
  for (let i: usize = 0; i < <usize>count; i += 16) {
    const bytes = v128.load(source + i);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    const at = target + (i << 2);
    v128.store(at, levels4(i32x4.extend_low_i16x8_u(low), z, s, o));
    v128.store(at, levels4(i32x4.extend_high_i16x8_u(low), z, s, o), 16);
    v128.store(at, levels4(i32x4.extend_low_i16x8_u(high), z, s, o), 32);
    v128.store(at, levels4(i32x4.extend_high_i16x8_u(high), z, s, o), 48);
  }
}

/** Levels of indices of 16 bits; reads and writes whole blocks of 8 elements. */
export function dequantize16(source: usize, target: usize, count: u32, offset: f32, step: f32, zeroPoint: f32): void {
  const o = held(offset, 0);
  const s = held(step, 1);
  const z = held(zeroPoint, 2);
  for (let i: usize = 0; i < <usize>count; i += 8) {
    const words = v128.load(source + (i << 1));
    const at = target + (i << 2);
    v128.store(at, levels4(i32x4.extend_low_i16x8_u(words), z, s, o));
    v128.store(at, levels4(i32x4.extend_high_i16x8_u(words), z, s, o), 16);
  }
}

/**
 * Number of thresholds at or below each element, with every threshold compared; thresholds (f32) at `TABLE`.
 * Reads and writes whole blocks of 16 elements.
 */
export function countThresholds(source: usize, target: usize, count: u32, thresholdCount: u32): void {
  const tableEnd = TABLE + (<usize>thresholdCount << 2);
  for (let i: usize = 0; i < <usize>count; i += 16) {
    const at = source + (i << 2);
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    let countA = i32x4.splat(0);
    let countB = i32x4.splat(0);
    let countC = i32x4.splat(0);
    let countD = i32x4.splat(0);
    for (let entry = TABLE; entry < tableEnd; entry += 4) {
      const threshold = v128.load32_splat(entry);
      // A true comparison is -1.
      countA = i32x4.sub(countA, f32x4.ge(a, threshold));
      countB = i32x4.sub(countB, f32x4.ge(b, threshold));
      countC = i32x4.sub(countC, f32x4.ge(c, threshold));
      countD = i32x4.sub(countD, f32x4.ge(d, threshold));
    }
    const low = i16x8.narrow_i32x4_u(countA, countB);
    const high = i16x8.narrow_i32x4_u(countC, countD);
    v128.store(target + i, i8x16.narrow_i16x8_u(low, high));
  }
}

/** The same by halving: 255 thresholds at `TABLE`, the unused ones NaN, which no element reaches. */
export function searchThresholds(source: usize, target: usize, count: u32): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const value = load<f32>(source + (i << 2));
    let at: usize = TABLE;
    at += <usize>(load<f32>(at, 127 * 4) <= value) << 9;
    at += <usize>(load<f32>(at, 63 * 4) <= value) << 8;
    at += <usize>(load<f32>(at, 31 * 4) <= value) << 7;
    at += <usize>(load<f32>(at, 15 * 4) <= value) << 6;
    at += <usize>(load<f32>(at, 7 * 4) <= value) << 5;
    at += <usize>(load<f32>(at, 3 * 4) <= value) << 4;
    at += <usize>(load<f32>(at, 1 * 4) <= value) << 3;
    at += <usize>(load<f32>(at) <= value) << 2;
    store<u8>(target + i, <u8>((at - TABLE) >> 2));
  }
}

/** The level (f32, at `TABLE`) of each index of 8 bits. */
export function lookUp(source: usize, target: usize, count: u32): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    store<f32>(target + (i << 2), load<f32>(TABLE + (<usize>load<u8>(source + i) << 2)));
  }
}
