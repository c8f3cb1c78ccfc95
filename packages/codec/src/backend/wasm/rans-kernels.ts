/** Counting and order-0 rANS around their kernels, which need all symbols at once: 3 bytes an element. */

import { certainSymbol } from '../../entropy/frequency-table.js';
import { decodeRans, encodeRans, STATE_BYTES, STATE_LOW, slotSymbols } from '../../entropy/rans.js';
import type { FrequencyTable, RansPayload } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { COUNTS, SLOTS, STATES, TABLE } from './layout.js';
import { forEachTile, reserve } from './memory.js';

/** `EntropyKernels.countSymbols`. */
export function countSymbols(kernels: Kernels, symbols: Uint8Array, alphabetSize: number): Uint32Array {
  const counts = new Uint32Array(alphabetSize);
  forEachTile(kernels, symbols, (source, count) => {
    const partial = countAt(kernels, source, count, alphabetSize);
    for (let symbol = 0; symbol < alphabetSize; symbol++) counts[symbol] += partial[symbol];
  });
  return counts;
}

/** Counts symbols that lie in memory. */
export function countAt(kernels: Kernels, source: number, count: number, alphabetSize: number): Uint32Array {
  kernels.countSymbols(source, count);
  return new Uint32Array(kernels.memory.buffer, COUNTS, alphabetSize).slice();
}

/** `EntropyKernels.encodeRans`. */
export function encode(
  kernels: Kernels,
  symbols: Uint8Array,
  table: FrequencyTable,
  laneCount: number,
): RansPayload {
  const [source, words] = reserve(kernels, [symbols.length, symbols.length * 2]);
  new Uint8Array(kernels.memory.buffer, source, symbols.length).set(symbols);
  return encodeAt(kernels, source, words, symbols.length, table, laneCount);
}

/**
 * Encodes symbols that lie in memory.
 * @param words - area of 2 bytes a symbol
 * @throws {RangeError} as the reference does
 */
export function encodeAt(
  kernels: Kernels,
  source: number,
  words: number,
  count: number,
  table: FrequencyTable,
  laneCount: number,
): RansPayload {
  const { precisionBits, frequencies, starts } = table;
  const { buffer } = kernels.memory;
  const byReference = (): RansPayload =>
    encodeRans(new Uint8Array(buffer, source, count).slice(), table, laneCount);
  // The kernel has no row for a certain symbol.
  if (certainSymbol(table) >= 0) return byReference();
  const wordsEnd = words + count * 2;
  const rows = new Int32Array(buffer, TABLE, frequencies.length * 4);
  const reciprocals = new Float32Array(buffer, TABLE, frequencies.length * 4);
  for (let symbol = 0; symbol < frequencies.length; symbol++) {
    const frequency = frequencies[symbol];
    rows[symbol * 4] = frequency;
    rows[symbol * 4 + 1] = starts[symbol];
    rows[symbol * 4 + 2] = frequency * 2 ** (31 - precisionBits);
    reciprocals[symbol * 4 + 3] = 1 / frequency;
  }
  const firstWord = kernels.encodeRans(source, count, laneCount, precisionBits, wordsEnd);
  if (firstWord === 0) return byReference(); // which refuses the symbol by name
  const bytes = new Uint8Array(laneCount * STATE_BYTES + wordsEnd - firstWord);
  bytes.set(new Uint8Array(buffer, STATES, laneCount * STATE_BYTES));
  bytes.set(new Uint8Array(buffer, firstWord, wordsEnd - firstWord), laneCount * STATE_BYTES);
  return { bytes, laneCount };
}

/** `EntropyKernels.decodeRans`; bad payloads are rare and handed to the reference for the reason. */
export function decode(
  kernels: Kernels,
  payload: RansPayload,
  symbolCount: number,
  table: FrequencyTable,
): Uint8Array | string {
  const [words, target] = reserve(kernels, [payload.bytes.length, symbolCount]);
  return decodeTo(kernels, payload, symbolCount, table, words, target)
    ? new Uint8Array(kernels.memory.buffer, target, symbolCount).slice()
    : decodeRans(payload, symbolCount, table);
}

/**
 * Decodes symbols to memory.
 * @param words - area as long as the payload
 * @returns false if it is not done: the payload is bad, or its table has a certain symbol
 */
export function decodeTo(
  kernels: Kernels,
  payload: RansPayload,
  symbolCount: number,
  table: FrequencyTable,
  words: number,
  target: number,
): boolean {
  const { bytes, laneCount } = payload;
  const stateBytes = laneCount * STATE_BYTES;
  const wordBytes = bytes.length - stateBytes;
  if (certainSymbol(table) >= 0 || wordBytes < 0 || wordBytes % 2 !== 0) return false;
  const { buffer } = kernels.memory;
  const states = new Uint32Array(buffer, STATES, laneCount);
  new Uint8Array(buffer, STATES, stateBytes).set(bytes.subarray(0, stateBytes));
  new Uint8Array(buffer, words, wordBytes).set(bytes.subarray(stateBytes));
  if (states.some((state) => state < STATE_LOW || state >= 2 ** 31)) return false;
  writeDecodeTable(kernels, table);
  const wordsEnd = words + wordBytes;
  const taken =
    table.precisionBits === 12
      ? kernels.decodeRans12(words, wordsEnd, target, symbolCount, laneCount)
      : kernels.decodeRansFine(words, wordsEnd, target, symbolCount, laneCount, table.precisionBits);
  return taken === wordsEnd && states.every((state) => state === STATE_LOW);
}

function writeDecodeTable(kernels: Kernels, table: FrequencyTable): void {
  const { buffer } = kernels.memory;
  const { precisionBits, frequencies, starts } = table;
  if (precisionBits === 12) {
    new Uint32Array(buffer, COUNTS, frequencies.length).set(frequencies);
    kernels.fillSlots12(frequencies.length);
    return;
  }
  const entries = new Uint32Array(buffer, TABLE, frequencies.length);
  frequencies.forEach((frequency, symbol) => {
    entries[symbol] = frequency | (starts[symbol] << 16);
  });
  new Uint8Array(buffer, SLOTS, 1 << precisionBits).set(slotSymbols(table));
}
