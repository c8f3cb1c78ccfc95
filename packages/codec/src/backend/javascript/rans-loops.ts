/**
 * Interleaved rANS for engines without WebAssembly SIMD; bitstream.md §7. The same bytes as `entropy/rans.ts` at ten times
 * its encoding and twice its decoding speed: no branch depends on the tensor, since mispredicted ones take longer than all
 * the arithmetic, and a product takes the place of the division. States stay below 2^31 and are signed.
 */

import { certainSymbol, MAX_ALPHABET_SIZE, MIN_PRECISION_BITS } from '../../entropy/frequency-table.js';
import { decodeRans, encodeRans, STATE_BYTES, STATE_LOW, slotSymbols } from '../../entropy/rans.js';
import type { FrequencyTable, RansPayload } from '../../stages.js';

const WORD_BITS = 16;
const WORD_BYTES = 2;
/** Lanes that decoding has in hand together. */
const LANES_AT_ONCE = 4;
const SLOT_MASK_12 = 0xfff;
const TOTAL_12 = 1 << 12;
/**
 * Reciprocals are larger by this share than they are, so that products are never below the quotient; they are below 2^19 and
 * frequencies at most 2^15, so that a quotient of 2^-40 more is the same integer.
 */
const RECIPROCAL_EXCESS = 1 + 2 ** -40;

/** `EntropyKernels.encodeRans`; symbols that have no frequency are handed to the reference, which refuses them by name. */
export function encodeSymbols(symbols: Uint8Array, table: FrequencyTable, laneCount: number): RansPayload {
  const isCertain = certainSymbol(table) >= 0;
  if (isCertain || !hasFrequencies(symbols, table)) return encodeRans(symbols, table, laneCount);
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
 * Codes the symbols before `end`, a multiple of 4, under a table of 12 bits, four at a time: their divisions do not wait for
 * each other.
 * @returns the first word
 */
function putRounds(
  symbols: Uint8Array,
  end: number,
  states: Int32Array,
  words: Uint16Array,
  endWord: number,
  { entries, reciprocals }: EncodingTable,
): number {
  const laneMask = states.length - 1;
  let word = endWord;
  for (let i = end - LANES_AT_ONCE; i >= 0; i -= LANES_AT_ONCE) {
    const lane = i & laneMask;
    let state0 = states[lane];
    let state1 = states[lane + 1];
    let state2 = states[lane + 2];
    let state3 = states[lane + 3];
    const symbol0 = symbols[i];
    const symbol1 = symbols[i + 1];
    const symbol2 = symbols[i + 2];
    const symbol3 = symbols[i + 3];
    const entry0 = entries[symbol0];
    const entry1 = entries[symbol1];
    const entry2 = entries[symbol2];
    const entry3 = entries[symbol3];
    let isFull = (((TOTAL_12 - (entry3 & 0xffff)) << 19) - 1 - state3) >> 31; // all bits 1, or 0
    words[word - 1] = state3;
    word += isFull;
    state3 >>= isFull & WORD_BITS;
    isFull = (((TOTAL_12 - (entry2 & 0xffff)) << 19) - 1 - state2) >> 31;
    words[word - 1] = state2;
    word += isFull;
    state2 >>= isFull & WORD_BITS;
    isFull = (((TOTAL_12 - (entry1 & 0xffff)) << 19) - 1 - state1) >> 31;
    words[word - 1] = state1;
    word += isFull;
    state1 >>= isFull & WORD_BITS;
    isFull = (((TOTAL_12 - (entry0 & 0xffff)) << 19) - 1 - state0) >> 31;
    words[word - 1] = state0;
    word += isFull;
    state0 >>= isFull & WORD_BITS;
    states[lane + 3] =
      state3 + Math.imul((state3 * reciprocals[symbol3]) | 0, entry3 & 0xffff) + (entry3 >>> 16);
    states[lane + 2] =
      state2 + Math.imul((state2 * reciprocals[symbol2]) | 0, entry2 & 0xffff) + (entry2 >>> 16);
    states[lane + 1] =
      state1 + Math.imul((state1 * reciprocals[symbol1]) | 0, entry1 & 0xffff) + (entry1 >>> 16);
    states[lane] = state0 + Math.imul((state0 * reciprocals[symbol0]) | 0, entry0 & 0xffff) + (entry0 >>> 16);
  }
  return word;
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
  if (certainSymbol(table) >= 0 || wordCount < 0 || !Number.isInteger(wordCount))
    return decodeRans(payload, symbolCount, table);
  const states = statesOf(payload);
  if (states.some((state) => state < STATE_LOW)) return decodeRans(payload, symbolCount, table);
  // A round takes a word of each lane at most, and reads one more.
  const words = new Uint16Array(wordCount + laneCount + 1);
  for (let i = 0, at = laneCount * STATE_BYTES; i < wordCount; i++, at += WORD_BYTES)
    words[i] = bytes[at] | (bytes[at + 1] << 8);
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
  const { first, word: wordsOfRounds } =
    precisionBits === MIN_PRECISION_BITS && states.length >= LANES_AT_ONCE
      ? takeRounds(symbols, states, words, wordCount, slotsOf12Bits(table, symbolOfSlot))
      : { first: 0, word: 0 };
  const { frequencies, starts } = table;
  let word = wordsOfRounds;
  for (let i = first; i < symbols.length && word <= wordCount; i++) {
    let state = states[i & laneMask];
    const slot = state & slotMask;
    const symbol = symbolOfSlot[slot];
    symbols[i] = symbol;
    state = Math.imul(frequencies[symbol], state >> precisionBits) + slot - starts[symbol];
    const isLow = (state - STATE_LOW) >> 31; // all bits 1, or 0
    states[i & laneMask] = (state << (isLow & WORD_BITS)) | (words[word] & isLow);
    word -= isLow;
  }
  return word;
}

/**
 * Whole rounds of lanes, four at a time: their loads do not wait for each other.
 * @returns the symbols filled and the words taken
 */
function takeRounds(
  symbols: Uint8Array,
  states: Int32Array,
  words: Uint16Array,
  wordCount: number,
  slots: Uint32Array,
): { first: number; word: number } {
  const laneCount = states.length;
  let word = 0;
  let first = 0;
  for (; first + laneCount <= symbols.length && word <= wordCount; first += laneCount) {
    for (let lane = 0; lane < laneCount; lane += LANES_AT_ONCE) {
      let state0 = states[lane];
      let state1 = states[lane + 1];
      let state2 = states[lane + 2];
      let state3 = states[lane + 3];
      const slot0 = slots[state0 & SLOT_MASK_12];
      const slot1 = slots[state1 & SLOT_MASK_12];
      const slot2 = slots[state2 & SLOT_MASK_12];
      const slot3 = slots[state3 & SLOT_MASK_12];
      const at = first + lane;
      symbols[at] = slot0;
      symbols[at + 1] = slot1;
      symbols[at + 2] = slot2;
      symbols[at + 3] = slot3;
      state0 = Math.imul((slot0 >>> 8) & SLOT_MASK_12, state0 >> 12) + (slot0 >>> 20);
      state1 = Math.imul((slot1 >>> 8) & SLOT_MASK_12, state1 >> 12) + (slot1 >>> 20);
      state2 = Math.imul((slot2 >>> 8) & SLOT_MASK_12, state2 >> 12) + (slot2 >>> 20);
      state3 = Math.imul((slot3 >>> 8) & SLOT_MASK_12, state3 >> 12) + (slot3 >>> 20);
      let isLow = (state0 - STATE_LOW) >> 31; // all bits 1, or 0
      states[lane] = (state0 << (isLow & WORD_BITS)) | (words[word] & isLow);
      word -= isLow;
      isLow = (state1 - STATE_LOW) >> 31;
      states[lane + 1] = (state1 << (isLow & WORD_BITS)) | (words[word] & isLow);
      word -= isLow;
      isLow = (state2 - STATE_LOW) >> 31;
      states[lane + 2] = (state2 << (isLow & WORD_BITS)) | (words[word] & isLow);
      word -= isLow;
      isLow = (state3 - STATE_LOW) >> 31;
      states[lane + 3] = (state3 << (isLow & WORD_BITS)) | (words[word] & isLow);
      word -= isLow;
    }
  }
  return { first, word };
}

/** What coding a symbol takes. */
interface EncodingTable {
  /** The total less the frequency, and above 16 bits the start. */
  readonly entries: Uint32Array;
  readonly reciprocals: Float64Array;
}

function encodingTable({ precisionBits, frequencies, starts }: FrequencyTable): EncodingTable {
  const entries = new Uint32Array(MAX_ALPHABET_SIZE);
  const reciprocals = new Float64Array(MAX_ALPHABET_SIZE);
  frequencies.forEach((frequency, symbol) => {
    entries[symbol] = ((1 << precisionBits) - frequency) | (starts[symbol] << 16);
    reciprocals[symbol] = frequency > 0 ? RECIPROCAL_EXCESS / frequency : 0;
  });
  return { entries, reciprocals };
}

/** For each of 4,096 slots its symbol, above 8 bits the symbol's frequency, above 20 its place in it. */
function slotsOf12Bits({ frequencies, starts }: FrequencyTable, symbolOfSlot: Uint8Array): Uint32Array {
  const slots = new Uint32Array(symbolOfSlot.length);
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
  for (let i = 0, at = stateBytes; i < words.length; i++, at += WORD_BYTES) {
    bytes[at] = words[i];
    bytes[at + 1] = words[i] >>> 8;
  }
  return bytes;
}
