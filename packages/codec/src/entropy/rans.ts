/**
 * Interleaved rANS (Duda, arXiv 1311.2540), the reference of every backend; bitstream.md §7. States of 31
 * bits in [2^15, 2^31), renormalized by 16-bit words. Symbol i belongs to lane `i % laneCount`; all lanes
 * share one stream of words in the order in which the decoder needs them, so the encoder runs backwards.
 */

import type { FrequencyTable, RansPayload } from '../stages.js';
import { certainSymbol } from './frequency-table.js';

/** Lower bound of a state, and every lane's state before the first symbol is encoded. */
export const STATE_LOW = 1 << 15;
const WORD_BITS = 16;
export const STATE_BYTES = 4;
export const MAX_LANE_COUNT = 32;

/** Share of the payload that lane states may take: 1/512. */
const MIN_PAYLOAD_PER_STATE = 512;

/** Lanes for a payload of about `payloadBytes`: as many as states of 4 bytes a lane stay a small share of. */
export function chooseLaneCount(payloadBytes: number): number {
  let laneCount = 1;
  while (laneCount < MAX_LANE_COUNT && payloadBytes >= laneCount * 2 * STATE_BYTES * MIN_PAYLOAD_PER_STATE) {
    laneCount *= 2;
  }
  return laneCount;
}

/**
 * Encodes symbols.
 * @param symbols - each with a positive frequency in `table`
 * @param laneCount - power of two, 1 to 32
 * @throws {RangeError} if a symbol has no frequency
 */
export function encodeRans(symbols: Uint8Array, table: FrequencyTable, laneCount: number): RansPayload {
  const { precisionBits, frequencies, starts } = table;
  const states = new Uint32Array(laneCount).fill(STATE_LOW);
  const words = new Uint16Array(symbols.length);
  let firstWord = words.length;
  for (let i = symbols.length - 1; i >= 0; i--) {
    const symbol = symbols[i];
    const frequency = frequencies[symbol];
    if (!(frequency > 0)) throw new RangeError(`table expected a frequency for symbol ${symbol}, got none`);
    const lane = i & (laneCount - 1);
    let state = states[lane];
    if (state >= frequency * 2 ** (31 - precisionBits)) {
      words[--firstWord] = state & 0xffff;
      state >>>= WORD_BITS;
    }
    const quotient = Math.floor(state / frequency);
    states[lane] = (quotient << precisionBits) + (state - quotient * frequency) + starts[symbol];
  }
  return { bytes: assemblePayload(states, words.subarray(firstWord)), laneCount };
}

/**
 * Decodes `symbolCount` symbols.
 * @returns the symbols, or the reason for which the payload is not one
 */
export function decodeRans(
  payload: RansPayload,
  symbolCount: number,
  table: FrequencyTable,
): Uint8Array | string {
  const start = readStates(payload);
  if (typeof start === 'string') return start;
  const { states, wordBytes } = start;
  const certain = certainSymbol(table);
  if (certain >= 0) {
    if (wordBytes.length > 0 || states.some((state) => state !== STATE_LOW)) return SURPLUS;
    return new Uint8Array(symbolCount).fill(certain);
  }
  const { precisionBits, frequencies, starts } = table;
  const symbolOfSlot = slotSymbols(table);
  const slotMask = (1 << precisionBits) - 1;
  const symbols = new Uint8Array(symbolCount);
  let offset = 0;
  for (let i = 0; i < symbolCount; i++) {
    const lane = i & (payload.laneCount - 1);
    const slot = states[lane] & slotMask;
    const symbol = symbolOfSlot[slot];
    let state = frequencies[symbol] * (states[lane] >>> precisionBits) + slot - starts[symbol];
    if (state < STATE_LOW) {
      if (offset === wordBytes.length) return `payload ends at symbol ${i} of ${symbolCount}`;
      state = (state << WORD_BITS) | wordBytes[offset] | (wordBytes[offset + 1] << 8);
      offset += 2;
    }
    states[lane] = state;
    symbols[i] = symbol;
  }
  if (offset !== wordBytes.length || states.some((state) => state !== STATE_LOW)) return SURPLUS;
  return symbols;
}

const SURPLUS = 'payload does not end where its last symbol does';

/** Symbol of each slot of a table, `1 << precisionBits` long. */
export function slotSymbols(table: FrequencyTable): Uint8Array {
  const symbols = new Uint8Array(1 << table.precisionBits);
  table.frequencies.forEach((frequency, symbol) => {
    symbols.fill(symbol, table.starts[symbol], table.starts[symbol] + frequency);
  });
  return symbols;
}

/** States, then words, both little-endian. */
function assemblePayload(states: Uint32Array, words: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(states.length * STATE_BYTES + words.length * 2);
  const view = new DataView(bytes.buffer);
  states.forEach((state, lane) => {
    view.setUint32(lane * STATE_BYTES, state, true);
  });
  words.forEach((word, i) => {
    view.setUint16(states.length * STATE_BYTES + i * 2, word, true);
  });
  return bytes;
}

function readStates(payload: RansPayload): { states: Uint32Array; wordBytes: Uint8Array } | string {
  const { bytes, laneCount } = payload;
  const stateBytes = laneCount * STATE_BYTES;
  if (bytes.length < stateBytes || (bytes.length - stateBytes) % 2 !== 0) {
    return `payload of ${bytes.length} bytes does not hold ${laneCount} states and whole words`;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const states = new Uint32Array(laneCount);
  for (let lane = 0; lane < laneCount; lane++) {
    states[lane] = view.getUint32(lane * STATE_BYTES, true);
    if (states[lane] < STATE_LOW || states[lane] >= 2 ** 31) return `state of lane ${lane} is out of range`;
  }
  return { states, wordBytes: bytes.subarray(stateBytes) };
}
