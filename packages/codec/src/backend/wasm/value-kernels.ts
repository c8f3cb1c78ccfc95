/**
 * Values to payload and back in one call, with indices and symbols in linear memory all the way: values go in and out in
 * tiles that stay in the cache.
 */

import { symbolAlphabet } from '../../entropy/coded-indices.js';
import { indicesPerSymbol, packedSymbolCount, unpackSymbols } from '../../entropy/packed-symbols.js';
import { decodeRans } from '../../entropy/rans.js';
import { reciprocalStep } from '../../quantizer/affine.js';
import type { RansPayload } from '../../stages.js';
import type { LaneChoice, ValueCoding, ValueDecoding } from '../backend.js';
import type { Kernels } from './kernels.js';
import { LEVELS, TABLE } from './layout.js';
import { reserve, TILE } from './memory.js';
import { countAt, decodeTo, encodeAt } from './rans-kernels.js';
import type { TableOf } from './table-cache.js';

/** Indices that the kernels pack at a time. */
const PACKED_BLOCK = 64;
/** Elements that the kernels quantize at a time. */
const QUANTIZED_BLOCK = 16;

/** `Backend.encodeValues`. */
export function encodeValues(
  kernels: Kernels,
  values: Float32Array,
  coding: ValueCoding,
  lanes: LaneChoice,
  tableOf: TableOf,
): RansPayload | null {
  const { kind, quantizer, background } = coding;
  const { levelCount, offset, zeroPoint } = quantizer;
  const perSymbol = kind === 'rans' ? 1 : indicesPerSymbol(levelCount);
  const count = Math.ceil(values.length / perSymbol);
  const [tile, indices, symbols, words] = reserve(kernels, [TILE * 4, TILE, count, count * 2]);
  const { buffer } = kernels.memory;
  const source = new Float32Array(buffer, tile, TILE);
  const tileIndices = new Uint8Array(buffer, indices, TILE);
  if (perSymbol > 1) writeWeights(buffer, levelCount, perSymbol);
  const reciprocal = reciprocalStep(quantizer);
  let areNumbers = 1;
  for (let from = 0; from < values.length; from += TILE) {
    const part = from + TILE <= values.length ? values.subarray(from, from + TILE) : values.subarray(from);
    source.set(part);
    if (part.length % QUANTIZED_BLOCK > 0) source.fill(0, part.length, part.length + QUANTIZED_BLOCK);
    const target = perSymbol > 1 ? indices : symbols + from;
    areNumbers &= kernels.quantize8(tile, target, part.length, offset, reciprocal, zeroPoint, levelCount - 1);
    if (perSymbol === 1) continue;
    if (part.length % PACKED_BLOCK > 0) tileIndices.fill(background, part.length, part.length + PACKED_BLOCK);
    kernels.packSymbols(indices, symbols + from / perSymbol, part.length, perSymbol, TABLE);
  }
  if (!areNumbers) return null;
  const alphabet = symbolAlphabet(kind, { levelCount, background });
  const table = tableOf(alphabet, coding.table);
  const laneCount =
    typeof lanes === 'number' ? lanes : lanes(countAt(kernels, symbols, count, alphabet.size), table);
  return encodeAt(kernels, symbols, words, count, table, laneCount);
}

/** `Backend.decodeValues`. */
export function decodeValues(
  kernels: Kernels,
  payload: RansPayload,
  decoding: ValueDecoding,
  target: Float32Array,
  tableOf: TableOf,
): string | null {
  const { kind, levels, background } = decoding;
  const levelCount = levels.length;
  const table = tableOf(symbolAlphabet(kind, { levelCount, background }), decoding.table);
  const perSymbol = kind === 'rans' ? 1 : indicesPerSymbol(levelCount);
  const count = kind === 'rans' ? target.length : packedSymbolCount(target.length, levelCount);
  const [tile, symbols, words] = reserve(kernels, [TILE * 4, count, payload.bytes.length]);
  const { buffer } = kernels.memory;
  if (!decodeTo(kernels, payload, count, table, words, symbols)) {
    const decoded = decodeRans(payload, count, table); // the reason, or nothing but a certain symbol
    if (typeof decoded === 'string') return decoded;
    new Uint8Array(buffer, symbols, count).set(decoded);
  }
  const padded = target.length % perSymbol;
  if (padded > 0) {
    const last = new Uint8Array(buffer, symbols + count - 1, 1);
    const indices = unpackSymbols(last, padded, { levelCount, background });
    if (typeof indices === 'string') return indices;
  }
  writeLevels(new Float32Array(buffer, LEVELS, table.frequencies.length * perSymbol), levels, perSymbol);
  const produced = new Float32Array(buffer, tile, TILE);
  const symbolsPerTile = TILE / perSymbol;
  for (let from = 0, symbol = 0; from < target.length; from += TILE, symbol += symbolsPerTile) {
    const length = Math.min(TILE, target.length - from);
    kernels.expandSymbols(symbols + symbol, tile, Math.min(symbolsPerTile, count - symbol), perSymbol);
    target.set(length === TILE ? produced : produced.subarray(0, length), from);
  }
  return null;
}

/** Powers of the level count for 8 indices, beginning again with every symbol. */
function writeWeights(buffer: ArrayBuffer, levelCount: number, perSymbol: number): void {
  const weights = new Uint16Array(buffer, TABLE, 8);
  for (let i = 0; i < weights.length; i++) weights[i] = levelCount ** (i % perSymbol);
}

/** The levels of every symbol, one after the other: those of a digit more are those so far, once for each level. */
function writeLevels(table: Float32Array, levels: Float32Array, perSymbol: number): void {
  let size = 1;
  for (let digit = 0; digit < perSymbol; digit++) {
    for (let level = levels.length - 1; level >= 0; level--) {
      const from = level * size * perSymbol;
      table.copyWithin(from, 0, size * perSymbol);
      for (let symbol = 0; symbol < size; symbol++) table[from + symbol * perSymbol + digit] = levels[level];
    }
    size *= levels.length;
  }
}
