/** Counting and order-0 rANS around their kernels, which need all symbols at once: 3 bytes an element. */

import { certainSymbol } from '../../entropy/frequency-table.js';
import { decodeRans, encodeRans, STATE_BYTES, STATE_LOW, slotSymbols } from '../../entropy/rans.js';
import type { FrequencyTable, RansPayload } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { COUNTS, SLOTS, STATES, TABLE } from './layout.js';
import { reserve, TILE } from './memory.js';

/** `EntropyKernels.countSymbols`. */
export function countSymbols(kernels: Kernels, symbols: Uint8Array, alphabetSize: number): Uint32Array {
  const [source] = reserve(kernels, [TILE * 4]);
  const { buffer } = kernels.memory;
  const tile = new Uint8Array(buffer, source, TILE * 4);
  const partial = new Uint32Array(buffer, COUNTS, alphabetSize);
  const counts = new Uint32Array(alphabetSize);
  for (let from = 0; from < symbols.length; from += tile.length) {
    const part = symbols.subarray(from, from + tile.length);
    tile.set(part);
    kernels.countSymbols(source, part.length);
    for (let symbol = 0; symbol < alphabetSize; symbol++) counts[symbol] += partial[symbol];
  }
  return counts;
}

/** `EntropyKernels.encodeRans`. */
export function encode(
  kernels: Kernels,
  symbols: Uint8Array,
  table: FrequencyTable,
  laneCount: number,
): RansPayload {
  const { precisionBits, frequencies, starts } = table;
  // The kernel has no row for a certain symbol.
  if (certainSymbol(table) >= 0) return encodeRans(symbols, table, laneCount);
  const [source, words] = reserve(kernels, [symbols.length, symbols.length * 2]);
  const wordsEnd = words + symbols.length * 2;
  const { buffer } = kernels.memory;
  const rows = new Int32Array(buffer, TABLE, frequencies.length * 4);
  const reciprocals = new Float32Array(buffer, TABLE, frequencies.length * 4);
  frequencies.forEach((frequency, symbol) => {
    rows[symbol * 4] = frequency;
    rows[symbol * 4 + 1] = starts[symbol];
    rows[symbol * 4 + 2] = frequency * 2 ** (31 - precisionBits);
    reciprocals[symbol * 4 + 3] = 1 / frequency;
  });
  new Uint8Array(buffer, source, symbols.length).set(symbols);
  const firstWord = kernels.encodeRans(source, symbols.length, laneCount, precisionBits, wordsEnd);
  if (firstWord === 0) return encodeRans(symbols, table, laneCount); // which refuses the symbol by name
  const bytes = new Uint8Array(laneCount * STATE_BYTES + wordsEnd - firstWord);
  bytes.set(new Uint8Array(buffer, STATES, laneCount * STATE_BYTES));
  bytes.set(new Uint8Array(buffer, firstWord, wordsEnd - firstWord), laneCount * STATE_BYTES);
  return { bytes, laneCount };
}

/** `EntropyKernels.decodeRans`; payloads that do not decode are handed to the reference for the reason. */
export function decode(
  kernels: Kernels,
  payload: RansPayload,
  symbolCount: number,
  table: FrequencyTable,
): Uint8Array | string {
  const { bytes, laneCount } = payload;
  const stateBytes = laneCount * STATE_BYTES;
  const wordBytes = bytes.length - stateBytes;
  if (certainSymbol(table) >= 0 || wordBytes < 0 || wordBytes % 2 !== 0) {
    return decodeRans(payload, symbolCount, table);
  }
  const [words, target] = reserve(kernels, [wordBytes, symbolCount]);
  const { buffer } = kernels.memory;
  const states = new Uint32Array(buffer, STATES, laneCount);
  new Uint8Array(buffer, STATES, stateBytes).set(bytes.subarray(0, stateBytes));
  new Uint8Array(buffer, words, wordBytes).set(bytes.subarray(stateBytes));
  if (states.some((state) => state < STATE_LOW || state >= 2 ** 31))
    return decodeRans(payload, symbolCount, table);
  writeDecodeTable(buffer, table);
  const wordsEnd = words + wordBytes;
  const taken =
    table.precisionBits === 12
      ? kernels.decodeRans12(words, wordsEnd, target, symbolCount, laneCount)
      : kernels.decodeRansFine(words, wordsEnd, target, symbolCount, laneCount, table.precisionBits);
  // Bad payloads are rare: the reference finds the reason.
  if (taken !== wordsEnd || states.some((state) => state !== STATE_LOW)) {
    return decodeRans(payload, symbolCount, table);
  }
  return new Uint8Array(buffer, target, symbolCount).slice();
}

function writeDecodeTable(buffer: ArrayBuffer, table: FrequencyTable): void {
  const { precisionBits, frequencies, starts } = table;
  if (precisionBits === 12) {
    const entries = new Uint32Array(buffer, TABLE, 1 << precisionBits);
    frequencies.forEach((frequency, symbol) => {
      for (let bias = 0; bias < frequency; bias++) {
        entries[starts[symbol] + bias] = symbol | (frequency << 8) | (bias << 20);
      }
    });
    return;
  }
  const entries = new Uint32Array(buffer, TABLE, frequencies.length);
  frequencies.forEach((frequency, symbol) => {
    entries[symbol] = frequency | (starts[symbol] << 16);
  });
  new Uint8Array(buffer, SLOTS, 1 << precisionBits).set(slotSymbols(table));
}
