/**
 * Interleaved rANS for engines without WebAssembly SIMD; bitstream.md §7. The same bytes as `entropy/rans.ts` at more than ten times
 * its encoding and twice its decoding speed. A product takes the place of the division. Words are taken and put by
 * a branch only where they are rare, since mispredicted branches take longer than all the arithmetic. Each access of an array
 * is checked by the engine, so that symbols go four to an integer. States stay below 2^31 and are signed.
 */

import { isLittleEndian } from '@featherwire/tensor';
import { certainSymbol, MAX_ALPHABET_SIZE, MIN_PRECISION_BITS } from '../../entropy/frequency-table.js';
import { decodeRans, encodeRans, STATE_BYTES, STATE_LOW, slotSymbols } from '../../entropy/rans.js';
import type { FrequencyTable, RansPayload } from '../../stages.js';

const WORD_BITS = 16;
const WORD_BYTES = 2;
/** Lanes in hand together: their loads do not wait for each other, and an engine checks its arrays once for all of them. */
const LANES_AT_ONCE = 8;
/** Words a symbol from which branches around them are mispredicted so often that loops do better without. */
const DENSE_WORDS = 1 / 12;
/** Imported constants are loaded and checked at every use; those of a module itself are part of the code. */
const LEAST_STATE = STATE_LOW;
const SLOT_MASK_12 = 0xfff;
const TOTAL_12 = 1 << 12;
/**
 * Reciprocals are larger by this share than they are, so that products are never below the quotient; they are below 2^19 and
 * frequencies at most 2^15, so that a quotient of 2^-40 more is the same integer.
 */
const RECIPROCAL_EXCESS = 1 + 2 ** -40;

/** `EntropyKernels.encodeRans`; symbols that have no frequency are handed to the reference, which refuses them by name. */
export function encodeSymbols(symbols: Uint8Array, table: FrequencyTable, laneCount: number): RansPayload {
  if (!suitsLoops(table) || !hasFrequencies(symbols, table)) return encodeRans(symbols, table, laneCount);
  const codes = encodingTable(table);
  const states = new Int32Array(laneCount).fill(STATE_LOW);
  // One more than there can be: a word is written before it is known whether it is one.
  const words = new Uint16Array(symbols.length + 1);
  const isFast = table.precisionBits === MIN_PRECISION_BITS && laneCount >= LANES_AT_ONCE;
  const rest = isFast ? symbols.length & ~(LANES_AT_ONCE - 1) : 0;
  let firstWord = putSymbols(symbols, rest, states, words, codes, table.precisionBits);
  if (isFast) firstWord = putRounds(symbols, rest, states, words, firstWord, codes);
  return { bytes: payloadOf(states, words.subarray(firstWord)), laneCount };
}

/** Codes the symbols from the last back to `first`. @returns the first word */
function putSymbols(
  symbols: Uint8Array,
  first: number,
  states: Int32Array,
  words: Uint16Array,
  { entries, reciprocals }: EncodingTable,
  precisionBits: number,
): number {
  const total = 1 << precisionBits;
  const laneMask = states.length - 1;
  let word = words.length;
  for (let i = symbols.length - 1; i >= first; i--) {
    const symbol = symbols[i];
    const complement = entries[symbol] & 0xffff;
    let state = states[i & laneMask];
    const isFull = (((total - complement) << (31 - precisionBits)) - 1 - state) >> 31; // all bits 1, or 0
    words[word - 1] = state;
    word += isFull;
    state >>= isFull & WORD_BITS;
    // quotient · total + remainder + start
    const quotient = (state * reciprocals[symbol]) | 0;
    states[i & laneMask] = state + Math.imul(quotient, complement) + (entries[symbol] >>> 16);
  }
  return word;
}

/**
 * Codes the symbols before `end`, a multiple of 8, under a table of 12 bits, eight at a time: their divisions do not wait for
 * each other.
 * @returns the first word
 */
function putRounds(
  symbols: Uint8Array,
  end: number,
  states: Int32Array,
  words: Uint16Array,
  endWord: number,
  { entries, reciprocals, wordsPerSymbol }: EncodingTable,
): number {
  const laneMask = states.length - 1;
  const isDense = wordsPerSymbol > DENSE_WORDS;
  const quads = inQuads(symbols, end);
  let word = endWord;
  for (let i = end - LANES_AT_ONCE; i >= 0; i -= LANES_AT_ONCE) {
    const lane = i & laneMask;
    let state0 = states[lane];
    let state1 = states[lane | 1];
    let state2 = states[lane | 2];
    let state3 = states[lane | 3];
    let state4 = states[lane | 4];
    let state5 = states[lane | 5];
    let state6 = states[lane | 6];
    let state7 = states[lane | 7];
    const quad0 = quads[i >> 2];
    const symbol0 = quad0 & 0xff;
    const symbol1 = (quad0 >> 8) & 0xff;
    const symbol2 = (quad0 >> 16) & 0xff;
    const symbol3 = quad0 >>> 24;
    const quad1 = quads[(i >> 2) | 1];
    const symbol4 = quad1 & 0xff;
    const symbol5 = (quad1 >> 8) & 0xff;
    const symbol6 = (quad1 >> 16) & 0xff;
    const symbol7 = quad1 >>> 24;
    const entry0 = entries[symbol0];
    const entry1 = entries[symbol1];
    const entry2 = entries[symbol2];
    const entry3 = entries[symbol3];
    const entry4 = entries[symbol4];
    const entry5 = entries[symbol5];
    const entry6 = entries[symbol6];
    const entry7 = entries[symbol7];
    let bound = (TOTAL_12 - (entry7 & 0xffff)) << 19;
    if (isDense || state7 >= bound) {
      const isFull = (bound - 1 - state7) >> 31; // all bits 1, or 0
      words[(word - 1) | 0] = state7;
      word = (word + isFull) | 0;
      state7 >>= isFull & WORD_BITS;
    }
    bound = (TOTAL_12 - (entry6 & 0xffff)) << 19;
    if (isDense || state6 >= bound) {
      const isFull = (bound - 1 - state6) >> 31;
      words[(word - 1) | 0] = state6;
      word = (word + isFull) | 0;
      state6 >>= isFull & WORD_BITS;
    }
    bound = (TOTAL_12 - (entry5 & 0xffff)) << 19;
    if (isDense || state5 >= bound) {
      const isFull = (bound - 1 - state5) >> 31;
      words[(word - 1) | 0] = state5;
      word = (word + isFull) | 0;
      state5 >>= isFull & WORD_BITS;
    }
    bound = (TOTAL_12 - (entry4 & 0xffff)) << 19;
    if (isDense || state4 >= bound) {
      const isFull = (bound - 1 - state4) >> 31;
      words[(word - 1) | 0] = state4;
      word = (word + isFull) | 0;
      state4 >>= isFull & WORD_BITS;
    }
    bound = (TOTAL_12 - (entry3 & 0xffff)) << 19;
    if (isDense || state3 >= bound) {
      const isFull = (bound - 1 - state3) >> 31;
      words[(word - 1) | 0] = state3;
      word = (word + isFull) | 0;
      state3 >>= isFull & WORD_BITS;
    }
    bound = (TOTAL_12 - (entry2 & 0xffff)) << 19;
    if (isDense || state2 >= bound) {
      const isFull = (bound - 1 - state2) >> 31;
      words[(word - 1) | 0] = state2;
      word = (word + isFull) | 0;
      state2 >>= isFull & WORD_BITS;
    }
    bound = (TOTAL_12 - (entry1 & 0xffff)) << 19;
    if (isDense || state1 >= bound) {
      const isFull = (bound - 1 - state1) >> 31;
      words[(word - 1) | 0] = state1;
      word = (word + isFull) | 0;
      state1 >>= isFull & WORD_BITS;
    }
    bound = (TOTAL_12 - (entry0 & 0xffff)) << 19;
    if (isDense || state0 >= bound) {
      const isFull = (bound - 1 - state0) >> 31;
      words[(word - 1) | 0] = state0;
      word = (word + isFull) | 0;
      state0 >>= isFull & WORD_BITS;
    }
    state7 += Math.imul((state7 * reciprocals[symbol7]) | 0, entry7 & 0xffff);
    states[lane | 7] = (state7 + (entry7 >>> 16)) | 0;
    state6 += Math.imul((state6 * reciprocals[symbol6]) | 0, entry6 & 0xffff);
    states[lane | 6] = (state6 + (entry6 >>> 16)) | 0;
    state5 += Math.imul((state5 * reciprocals[symbol5]) | 0, entry5 & 0xffff);
    states[lane | 5] = (state5 + (entry5 >>> 16)) | 0;
    state4 += Math.imul((state4 * reciprocals[symbol4]) | 0, entry4 & 0xffff);
    states[lane | 4] = (state4 + (entry4 >>> 16)) | 0;
    state3 += Math.imul((state3 * reciprocals[symbol3]) | 0, entry3 & 0xffff);
    states[lane | 3] = (state3 + (entry3 >>> 16)) | 0;
    state2 += Math.imul((state2 * reciprocals[symbol2]) | 0, entry2 & 0xffff);
    states[lane | 2] = (state2 + (entry2 >>> 16)) | 0;
    state1 += Math.imul((state1 * reciprocals[symbol1]) | 0, entry1 & 0xffff);
    states[lane | 1] = (state1 + (entry1 >>> 16)) | 0;
    state0 += Math.imul((state0 * reciprocals[symbol0]) | 0, entry0 & 0xffff);
    states[lane] = (state0 + (entry0 >>> 16)) | 0;
  }
  return word;
}

/** The symbols before `end`, a multiple of 4, four to an integer. */
function inQuads(symbols: Uint8Array, end: number): Int32Array {
  const aligned = symbols.byteOffset % 4 === 0 ? symbols : symbols.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, end >> 2);
}

/** Whether the loops can code: more than one symbol, in memory where the lowest byte of an integer is the first. */
function suitsLoops(table: FrequencyTable): boolean {
  return isLittleEndian() && certainSymbol(table) < 0;
}

/** Whether every symbol that occurs has a frequency; most tables have one for every symbol. */
function hasFrequencies(symbols: Uint8Array, { frequencies }: FrequencyTable): boolean {
  if (frequencies.every((frequency) => frequency > 0)) return true;
  return symbols.every((symbol) => frequencies[symbol] > 0);
}

/** `EntropyKernels.decodeRans`; bad payloads are handed to the reference for the reason. */
export function decodeSymbols(
  payload: RansPayload,
  symbolCount: number,
  table: FrequencyTable,
): Uint8Array | string {
  const { bytes, laneCount } = payload;
  const wordCount = (bytes.length - laneCount * STATE_BYTES) / WORD_BYTES;
  if (!suitsLoops(table) || wordCount < 0 || !Number.isInteger(wordCount))
    return decodeRans(payload, symbolCount, table);
  const states = statesOf(payload);
  if (states.some((state) => state < STATE_LOW)) return decodeRans(payload, symbolCount, table);
  // A round takes a word of each lane at most, and reads one more.
  const words = new Uint16Array(wordCount + laneCount + 1);
  new Uint8Array(words.buffer).set(bytes.subarray(laneCount * STATE_BYTES));
  const symbols = new Uint8Array(symbolCount);
  const taken = takeSymbols(symbols, states, words, wordCount, table);
  const isWhole = taken === wordCount && states.every((state) => state === STATE_LOW);
  return isWhole ? symbols : decodeRans(payload, symbolCount, table);
}

/** Fills `symbols` and changes `states`. @returns the words taken; over `wordCount` if they did not suffice */
function takeSymbols(
  symbols: Uint8Array,
  states: Int32Array,
  words: Uint16Array,
  wordCount: number,
  table: FrequencyTable,
): number {
  const { precisionBits } = table;
  const slotMask = (1 << precisionBits) - 1;
  const laneMask = states.length - 1;
  const symbolOfSlot = slotSymbols(table);
  const isFast = precisionBits === MIN_PRECISION_BITS && states.length >= LANES_AT_ONCE;
  const first = isFast ? symbols.length & ~laneMask : 0;
  let word = isFast
    ? takeRounds(symbols, first, states, words, wordCount, slotsOf12Bits(table, symbolOfSlot))
    : 0;
  const { frequencies, starts } = table;
  for (let i = first; i < symbols.length && word <= wordCount; i++) {
    let state = states[i & laneMask];
    const slot = state & slotMask;
    const symbol = symbolOfSlot[slot];
    symbols[i] = symbol;
    state = Math.imul(frequencies[symbol], state >> precisionBits) + slot - starts[symbol];
    const isLow = (state - LEAST_STATE) >> 31; // all bits 1, or 0
    states[i & laneMask] = (state << (isLow & WORD_BITS)) | (words[word] & isLow);
    word -= isLow;
  }
  return word;
}

/**
 * Fills the symbols before `end`, whole rounds of lanes, eight at a time.
 * @returns the words taken; over `wordCount` if they did not suffice
 */
function takeRounds(
  symbols: Uint8Array,
  end: number,
  states: Int32Array,
  words: Uint16Array,
  wordCount: number,
  slots: Int32Array,
): number {
  const laneCount = states.length;
  const isDense = wordCount > symbols.length * DENSE_WORDS;
  const quads = new Int32Array(symbols.buffer, 0, symbols.length >> 2);
  let quad = 0;
  let word = 0;
  // What an engine compiles within this loop knows nothing of properties that are first read or made after it.
  for (let first = 0; first < end && word <= wordCount; first += laneCount) {
    for (let lane = 0; lane < laneCount; lane += LANES_AT_ONCE) {
      let state0 = states[lane];
      let state1 = states[lane | 1];
      let state2 = states[lane | 2];
      let state3 = states[lane | 3];
      let state4 = states[lane | 4];
      let state5 = states[lane | 5];
      let state6 = states[lane | 6];
      let state7 = states[lane | 7];
      const slot0 = slots[state0 & SLOT_MASK_12];
      const slot1 = slots[state1 & SLOT_MASK_12];
      const slot2 = slots[state2 & SLOT_MASK_12];
      const slot3 = slots[state3 & SLOT_MASK_12];
      const slot4 = slots[state4 & SLOT_MASK_12];
      const slot5 = slots[state5 & SLOT_MASK_12];
      const slot6 = slots[state6 & SLOT_MASK_12];
      const slot7 = slots[state7 & SLOT_MASK_12];
      quads[quad] = (slot0 & 0xff) | ((slot1 & 0xff) << 8) | ((slot2 & 0xff) << 16) | (slot3 << 24);
      quads[quad | 1] = (slot4 & 0xff) | ((slot5 & 0xff) << 8) | ((slot6 & 0xff) << 16) | (slot7 << 24);
      quad += 2;
      state0 = (Math.imul((slot0 >>> 8) & SLOT_MASK_12, state0 >> 12) + (slot0 >>> 20)) | 0;
      state1 = (Math.imul((slot1 >>> 8) & SLOT_MASK_12, state1 >> 12) + (slot1 >>> 20)) | 0;
      state2 = (Math.imul((slot2 >>> 8) & SLOT_MASK_12, state2 >> 12) + (slot2 >>> 20)) | 0;
      state3 = (Math.imul((slot3 >>> 8) & SLOT_MASK_12, state3 >> 12) + (slot3 >>> 20)) | 0;
      state4 = (Math.imul((slot4 >>> 8) & SLOT_MASK_12, state4 >> 12) + (slot4 >>> 20)) | 0;
      state5 = (Math.imul((slot5 >>> 8) & SLOT_MASK_12, state5 >> 12) + (slot5 >>> 20)) | 0;
      state6 = (Math.imul((slot6 >>> 8) & SLOT_MASK_12, state6 >> 12) + (slot6 >>> 20)) | 0;
      state7 = (Math.imul((slot7 >>> 8) & SLOT_MASK_12, state7 >> 12) + (slot7 >>> 20)) | 0;
      if (isDense || state0 < LEAST_STATE) {
        const isLow = (state0 - LEAST_STATE) >> 31; // all bits 1, or 0
        state0 = (state0 << (isLow & WORD_BITS)) | (words[word] & isLow);
        word = (word - isLow) | 0;
      }
      states[lane] = state0;
      if (isDense || state1 < LEAST_STATE) {
        const isLow = (state1 - LEAST_STATE) >> 31;
        state1 = (state1 << (isLow & WORD_BITS)) | (words[word] & isLow);
        word = (word - isLow) | 0;
      }
      states[lane | 1] = state1;
      if (isDense || state2 < LEAST_STATE) {
        const isLow = (state2 - LEAST_STATE) >> 31;
        state2 = (state2 << (isLow & WORD_BITS)) | (words[word] & isLow);
        word = (word - isLow) | 0;
      }
      states[lane | 2] = state2;
      if (isDense || state3 < LEAST_STATE) {
        const isLow = (state3 - LEAST_STATE) >> 31;
        state3 = (state3 << (isLow & WORD_BITS)) | (words[word] & isLow);
        word = (word - isLow) | 0;
      }
      states[lane | 3] = state3;
      if (isDense || state4 < LEAST_STATE) {
        const isLow = (state4 - LEAST_STATE) >> 31;
        state4 = (state4 << (isLow & WORD_BITS)) | (words[word] & isLow);
        word = (word - isLow) | 0;
      }
      states[lane | 4] = state4;
      if (isDense || state5 < LEAST_STATE) {
        const isLow = (state5 - LEAST_STATE) >> 31;
        state5 = (state5 << (isLow & WORD_BITS)) | (words[word] & isLow);
        word = (word - isLow) | 0;
      }
      states[lane | 5] = state5;
      if (isDense || state6 < LEAST_STATE) {
        const isLow = (state6 - LEAST_STATE) >> 31;
        state6 = (state6 << (isLow & WORD_BITS)) | (words[word] & isLow);
        word = (word - isLow) | 0;
      }
      states[lane | 6] = state6;
      if (isDense || state7 < LEAST_STATE) {
        const isLow = (state7 - LEAST_STATE) >> 31;
        state7 = (state7 << (isLow & WORD_BITS)) | (words[word] & isLow);
        word = (word - isLow) | 0;
      }
      states[lane | 7] = state7;
    }
  }
  return word;
}

/** What coding a symbol takes. */
interface EncodingTable {
  /** The total less the frequency, and above 16 bits the start. */
  readonly entries: Int32Array;
  readonly reciprocals: Float64Array;
  /** As expected by the frequencies. */
  readonly wordsPerSymbol: number;
}

function encodingTable({ precisionBits, frequencies, starts }: FrequencyTable): EncodingTable {
  const entries = new Int32Array(MAX_ALPHABET_SIZE);
  const reciprocals = new Float64Array(MAX_ALPHABET_SIZE);
  const total = 1 << precisionBits;
  let bits = 0;
  frequencies.forEach((frequency, symbol) => {
    entries[symbol] = (total - frequency) | (starts[symbol] << 16);
    reciprocals[symbol] = frequency > 0 ? RECIPROCAL_EXCESS / frequency : 0;
    if (frequency > 0) bits += (frequency / total) * Math.log2(total / frequency);
  });
  return { entries, reciprocals, wordsPerSymbol: bits / WORD_BITS };
}

/** For each of 4,096 slots its symbol, above 8 bits the symbol's frequency, above 20 its place in it. */
function slotsOf12Bits({ frequencies, starts }: FrequencyTable, symbolOfSlot: Uint8Array): Int32Array {
  const slots = new Int32Array(symbolOfSlot.length);
  for (let slot = 0; slot < slots.length; slot++) {
    const symbol = symbolOfSlot[slot];
    slots[slot] = symbol | (frequencies[symbol] << 8) | ((slot - starts[symbol]) << 20);
  }
  return slots;
}

/** States of a payload; those of 2^31 and more are negative. */
function statesOf({ bytes, laneCount }: RansPayload): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: laneCount }, (_, lane) => view.getInt32(lane * STATE_BYTES, true));
}

/** States, then words, both little-endian. */
function payloadOf(states: Int32Array, words: Uint16Array): Uint8Array {
  const stateBytes = states.length * STATE_BYTES;
  const bytes = new Uint8Array(stateBytes + words.length * WORD_BYTES);
  const view = new DataView(bytes.buffer);
  states.forEach((state, lane) => {
    view.setInt32(lane * STATE_BYTES, state, true);
  });
  bytes.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), stateBytes);
  return bytes;
}
