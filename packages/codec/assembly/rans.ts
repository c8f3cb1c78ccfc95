/**
 * Counting and interleaved rANS; bitstream.md §7. Lanes stand four to a vector; below four lanes, and for
 * symbols beyond the last whole round of lanes, one at a time. States live in memory at `STATES`. Fixed addresses are given
 * to loads as offsets: added before, they are an instruction each.
 */

import { COMPACT, CONSTANTS, COUNTS, EXPAND, SLOTS, STATES, TABLE } from './layout';

const STATE_LOW: u32 = 1 << 15;
const ROUNDING: f32 = 8388608; // 2^23: adding it rounds a smaller float to an integer
const ROUNDING_WORD: i32 = 0x4b000000;
const SLOT_MASK_12: i32 = 0xfff;

/** Places of the vectors in `CONSTANTS`. */
const STATE_LOWS: usize = CONSTANTS;
const SLOT_MASKS: usize = CONSTANTS + 16;
const ROUNDINGS: usize = CONSTANTS + 32;
const ROUNDING_WORDS: usize = CONSTANTS + 48;
const FIRST_BYTES: usize = CONSTANTS + 64;
const BIASES: usize = CONSTANTS + 112;

/** Fills the shuffle tables and the vectors of constants. Call once. */
export function initializeRans(): void {
  for (let lane: usize = 0; lane < 16; lane += 4) {
    store<u32>(STATE_LOWS + lane, STATE_LOW);
    store<u32>(SLOT_MASKS + lane, SLOT_MASK_12);
    store<f32>(ROUNDINGS + lane, ROUNDING);
    store<u32>(ROUNDING_WORDS + lane, ROUNDING_WORD);
    store<u32>(FIRST_BYTES + lane, lane ? 0xffffffff : 0x0c080400);
    store<u32>(BIASES + lane, <u32>lane << 18);
  }
  for (let mask: u32 = 0; mask < 16; mask++) {
    const count = popcnt<u32>(mask);
    let rank: u32 = 0;
    for (let lane: u32 = 0; lane < 4; lane++) {
      for (let byte: u32 = 0; byte < 4; byte++) {
        store<u8>(EXPAND + mask * 16 + lane * 4 + byte, 0xff);
        store<u8>(COMPACT + mask * 16 + lane * 4 + byte, 0xff);
      }
    }
    for (let lane: u32 = 0; lane < 4; lane++) {
      if (!((mask >> lane) & 1)) continue;
      const word = 8 - 2 * (count - rank);
      for (let byte: u32 = 0; byte < 2; byte++) {
        store<u8>(EXPAND + mask * 16 + lane * 4 + byte, <u8>(rank * 2 + byte));
        store<u8>(COMPACT + mask * 16 + word + byte, <u8>(lane * 4 + byte));
      }
      rank++;
    }
  }
}

/** Adds up the symbols at `source` in `COUNTS`. Four histograms, so that equal neighbors do not wait. */
export function countSymbols(source: usize, count: u32): void {
  memory.fill(COUNTS, 0, 4096);
  const end = source + count;
  let at = source;
  for (const blockEnd = source + (<usize>count & ~7); at < blockEnd; at += 8) {
    const eight = load<u64>(at);
    bump(<u32>(eight & 0xff), 0);
    bump(<u32>((eight >> 8) & 0xff), 1024);
    bump(<u32>((eight >> 16) & 0xff), 2048);
    bump(<u32>((eight >> 24) & 0xff), 3072);
    bump(<u32>((eight >> 32) & 0xff), 0);
    bump(<u32>((eight >> 40) & 0xff), 1024);
    bump(<u32>((eight >> 48) & 0xff), 2048);
    bump(<u32>(eight >> 56), 3072);
  }
  for (; at < end; at++) bump(load<u8>(at), 0);
  for (let at = COUNTS; at < COUNTS + 1024; at += 16) {
    const sum = i32x4.add(
      i32x4.add(v128.load(at), v128.load(at, 1024)),
      i32x4.add(v128.load(at, 2048), v128.load(at, 3072)),
    );
    v128.store(at, sum);
  }
}

@inline function bump(symbol: u32, histogram: usize): void {
  const at = COUNTS + histogram + (<usize>symbol << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/**
 * Encodes `count` symbols at `source`, backwards; words end at `wordsEnd`. Rows of 16 bytes at `TABLE`:
 * frequency, start, bound (u32), reciprocal of the frequency (f32); no frequency is the total. 8 bytes below the
 * words are scratch.
 * @returns address of the first word, or 0 if a symbol has frequency 0
 */
export function encodeRans(source: usize, count: u32, laneCount: u32, precisionBits: u32, wordsEnd: usize): usize {
  for (let lane: usize = 0; lane < <usize>laneCount; lane++) store<u32>(STATES + (lane << 2), STATE_LOW);
  const rounds = laneCount >= 4 ? count / laneCount : 0;
  let words = wordsEnd;
  for (let i = count; i > rounds * laneCount; i--) {
    if (!load<u32>(TABLE + (<usize>load<u8>(source + i - 1) << 4))) return 0;
    words = encodeOne(source + i - 1, (i - 1) & (laneCount - 1), precisionBits, words);
  }
  const end = source + <usize>(rounds * laneCount);
  // A shift by a constant is a third of the instructions of another.
  if (precisionBits == 12) return encodeRounds(source, end, laneCount, 12, words);
  return encodeRounds(source, end, laneCount, precisionBits, words);
}

/** Encodes whole rounds of lanes, from `end` back to `source`. @returns as `encodeRans` */
@inline function encodeRounds(source: usize, end: usize, laneCount: u32, precisionBits: u32, wordsEnd: usize): usize {
  let words = wordsEnd;
  let least = i32x4.splat(i32.MAX_VALUE);
  const rounding = v128.load(ROUNDINGS);
  const roundingWord = v128.load(ROUNDING_WORDS);
  for (let at = end; at > source; ) {
    for (let lane: usize = <usize>laneCount << 2; lane > 0; ) {
      lane -= 16;
      at -= 4;
      const row0 = v128.load(<usize>load<u8>(at) << 4, TABLE);
      const row1 = v128.load(<usize>load<u8>(at, 1) << 4, TABLE);
      const row2 = v128.load(<usize>load<u8>(at, 2) << 4, TABLE);
      const row3 = v128.load(<usize>load<u8>(at, 3) << 4, TABLE);
      const low01 = v128.shuffle<i32>(row0, row1, 0, 4, 1, 5);
      const low23 = v128.shuffle<i32>(row2, row3, 0, 4, 1, 5);
      const high01 = v128.shuffle<i32>(row0, row1, 2, 6, 3, 7);
      const high23 = v128.shuffle<i32>(row2, row3, 2, 6, 3, 7);
      const frequency = v128.shuffle<i32>(low01, low23, 0, 1, 4, 5);
      const start = v128.shuffle<i32>(low01, low23, 2, 3, 6, 7);
      const bound = v128.shuffle<i32>(high01, high23, 0, 1, 4, 5);
      const reciprocal = v128.shuffle<i32>(high01, high23, 2, 3, 6, 7);
      least = i32x4.min_s(least, frequency);
      let state = v128.load(STATES + lane);
      const full = i32x4.ge_s(state, bound);
      const mask = <u32>i32x4.bitmask(full);
      // The chosen words fill the end of the 8 bytes; what stands before them is overwritten later.
      v128.store64_lane(words - 8, i8x16.swizzle(state, v128.load(COMPACT + (<usize>mask << 4))), 0);
      words -= <usize>popcnt<u32>(mask) << 1;
      state = v128.bitselect(i32x4.shr_u(state, 16), state, full);
      // Rounded quotient: at most one too high, since it is below 2^19 (rans precision ≥ 12 bits).
      const rounded = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(state), reciprocal), rounding);
      const quotient = i32x4.sub(rounded, roundingWord);
      const remainder = i32x4.sub(state, i32x4.mul(quotient, frequency));
      const tooHigh = i32x4.shr_s(remainder, 31);
      state = i32x4.shl(i32x4.add(quotient, tooHigh), precisionBits);
      state = i32x4.add(state, i32x4.add(remainder, v128.and(frequency, tooHigh)));
      v128.store(STATES + lane, i32x4.add(state, start));
    }
  }
  return i32x4.all_true(least) ? words : 0;
}

@inline function encodeOne(at: usize, lane: u32, precisionBits: u32, words: usize): usize {
  const row = TABLE + (<usize>load<u8>(at) << 4);
  const frequency = load<u32>(row);
  const slot = STATES + (<usize>lane << 2);
  let state = load<u32>(slot);
  if (state >= load<u32>(row, 8)) {
    words -= 2;
    store<u16>(words, <u16>state);
    state >>= 16;
  }
  const quotient = state / frequency;
  store<u32>(slot, (quotient << precisionBits) + (state - quotient * frequency) + load<u32>(row, 4));
  return words;
}

/**
 * Fills the table of `decodeRans12` from the frequencies of `symbolCount` symbols, u32 at `COUNTS`, which sum to 4,096. Writes up
 * to 12 bytes beyond.
 */
export function fillSlots12(symbolCount: u32): void {
  const biases = v128.load(BIASES);
  let at = TABLE;
  for (let symbol: u32 = 0; symbol < symbolCount; symbol++) {
    const frequency = load<u32>(<usize>symbol << 2, COUNTS);
    const end = at + (<usize>frequency << 2);
    let entries = v128.or(i32x4.splat(symbol | (frequency << 8)), biases);
    for (let slots = at; slots < end; slots += 16) {
      v128.store(slots, entries);
      entries = i32x4.add(entries, i32x4.splat(4 << 20));
    }
    at = end;
  }
}

/**
 * Decodes `count` symbols to `target` with a table of 12 bits: 4,096 entries at `TABLE`, each
 * symbol | frequency << 8 | (slot - start) << 20. May read 8 bytes beyond `wordsEnd`.
 * @returns address after the last word taken; beyond `wordsEnd` if the words did not suffice
 */
export function decodeRans12(words: usize, wordsEnd: usize, target: usize, count: u32, laneCount: u32): usize {
  const rounds = laneCount >= 4 ? count / laneCount : 0;
  const stateLow = v128.load(STATE_LOWS);
  const slotMask = v128.load(SLOT_MASKS);
  const firstBytes = v128.load(FIRST_BYTES);
  let at = target;
  const roundsEnd = target + <usize>(rounds * laneCount);
  if (laneCount == 32) {
    // States stay in registers, which takes a quarter off the time of the loop below.
    let a = v128.load(STATES);
    let b = v128.load(STATES, 16);
    let c = v128.load(STATES, 32);
    let d = v128.load(STATES, 48);
    let e = v128.load(STATES, 64);
    let f = v128.load(STATES, 80);
    let g = v128.load(STATES, 96);
    let h = v128.load(STATES, 112);
    for (; at < roundsEnd && words <= wordsEnd; at += 32) {
      a = advanced(a, at, slotMask, firstBytes);
      const lowA = i32x4.lt_s(a, stateLow);
      a = refilled(a, lowA, words);
      words += wordBytes(lowA);
      b = advanced(b, at + 4, slotMask, firstBytes);
      const lowB = i32x4.lt_s(b, stateLow);
      b = refilled(b, lowB, words);
      words += wordBytes(lowB);
      c = advanced(c, at + 8, slotMask, firstBytes);
      const lowC = i32x4.lt_s(c, stateLow);
      c = refilled(c, lowC, words);
      words += wordBytes(lowC);
      d = advanced(d, at + 12, slotMask, firstBytes);
      const lowD = i32x4.lt_s(d, stateLow);
      d = refilled(d, lowD, words);
      words += wordBytes(lowD);
      e = advanced(e, at + 16, slotMask, firstBytes);
      const lowE = i32x4.lt_s(e, stateLow);
      e = refilled(e, lowE, words);
      words += wordBytes(lowE);
      f = advanced(f, at + 20, slotMask, firstBytes);
      const lowF = i32x4.lt_s(f, stateLow);
      f = refilled(f, lowF, words);
      words += wordBytes(lowF);
      g = advanced(g, at + 24, slotMask, firstBytes);
      const lowG = i32x4.lt_s(g, stateLow);
      g = refilled(g, lowG, words);
      words += wordBytes(lowG);
      h = advanced(h, at + 28, slotMask, firstBytes);
      const lowH = i32x4.lt_s(h, stateLow);
      h = refilled(h, lowH, words);
      words += wordBytes(lowH);
    }
    v128.store(STATES, a);
    v128.store(STATES, b, 16);
    v128.store(STATES, c, 32);
    v128.store(STATES, d, 48);
    v128.store(STATES, e, 64);
    v128.store(STATES, f, 80);
    v128.store(STATES, g, 96);
    v128.store(STATES, h, 112);
  }
  while (at < roundsEnd && words <= wordsEnd) {
    for (let lane: usize = 0; lane < <usize>laneCount << 2; lane += 16, at += 4) {
      const state = advanced(v128.load(STATES + lane), at, slotMask, firstBytes);
      const low = i32x4.lt_s(state, stateLow);
      v128.store(STATES + lane, refilled(state, low, words));
      words += wordBytes(low);
    }
  }
  for (let i = rounds * laneCount; i < count && words <= wordsEnd; i++) {
    const slot = STATES + (<usize>(i & (laneCount - 1)) << 2);
    let state = load<u32>(slot);
    const entry = load<u32>(TABLE + (<usize>(state & 0xfff) << 2));
    store<u8>(target + i, <u8>entry);
    state = ((entry >> 8) & 0xfff) * (state >> 12) + (entry >> 20);
    words = renormalize(slot, state, words);
  }
  return words;
}

/** States after a symbol of each of four lanes, which goes to `at`, before they take words. */
@inline function advanced(state: v128, at: usize, slotMask: v128, firstBytes: v128): v128 {
  const slots = v128.and(state, slotMask);
  const slots01 = i64x2.extract_lane(slots, 0);
  const slots23 = i64x2.extract_lane(slots, 1);
  let entries = v128.load32_zero((<usize>slots01 & 0xfff) << 2, TABLE);
  entries = v128.load32_lane(<usize>(slots01 >> 32) << 2, entries, 1, TABLE);
  entries = v128.load32_lane((<usize>slots23 & 0xfff) << 2, entries, 2, TABLE);
  entries = v128.load32_lane(<usize>(slots23 >> 32) << 2, entries, 3, TABLE);
  v128.store32_lane(at, i8x16.swizzle(entries, firstBytes), 0);
  const frequency = v128.and(i32x4.shr_u(entries, 8), slotMask);
  return i32x4.add(i32x4.mul(frequency, i32x4.shr_u(state, 12)), i32x4.shr_u(entries, 20));
}

/** States with a word for each of the low ones. */
@inline function refilled(state: v128, low: v128, words: usize): v128 {
  const mask = <usize>i32x4.bitmask(low);
  const next = i8x16.swizzle(v128.load64_zero(words), v128.load(mask << 4, EXPAND));
  return v128.bitselect(v128.or(i32x4.shl(state, 16), next), state, low);
}

/** Bytes that the low ones take. */
@inline function wordBytes(low: v128): usize {
  return <usize>popcnt<u32>(<u32>i32x4.bitmask(low)) << 1;
}

/**
 * Decodes like `decodeRans12` with a table of 13 to 15 bits: the symbol of each slot at `SLOTS` (u8), and for
 * each symbol frequency | start << 16 at `TABLE`.
 */
export function decodeRansFine(words: usize, wordsEnd: usize, target: usize, count: u32, laneCount: u32, precisionBits: u32): usize {
  const slotMask: u32 = (1 << precisionBits) - 1;
  for (let i: u32 = 0; i < count && words <= wordsEnd; i++) {
    const lane = STATES + (<usize>(i & (laneCount - 1)) << 2);
    let state = load<u32>(lane);
    const slot = state & slotMask;
    const symbol = load<u8>(SLOTS + <usize>slot);
    store<u8>(target + i, symbol);
    const entry = load<u32>(TABLE + (<usize>symbol << 2));
    state = (entry & 0xffff) * (state >> precisionBits) + slot - (entry >> 16);
    words = renormalize(lane, state, words);
  }
  return words;
}

@inline function renormalize(lane: usize, state: u32, words: usize): usize {
  const low = state < STATE_LOW;
  const refilled = (state << 16) | <u32>load<u16>(words);
  store<u32>(lane, select<u32>(refilled, state, low));
  return words + (<usize>low << 1);
}
