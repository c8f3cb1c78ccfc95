/**
 * The WebAssembly SIMD backend: moves data in and out of linear memory around the kernels. Element-wise
 * stages go in tiles that stay in the cache; rANS needs all symbols at once, so its memory grows with the
 * largest tensor and stays (3 bytes an element).
 */

import { decodeBins, encodeBins } from '../../entropy/binary/context-model.js';
import { decodeWithModel, encodeWithModel } from '../../entropy/contexts/context-rans.js';
import { certainSymbol } from '../../entropy/frequency-table.js';
import { decodeRans, encodeRans, STATE_BYTES, STATE_LOW, slotSymbols } from '../../entropy/rans.js';
import { allocateIndices, reciprocalStep } from '../../quantizer/affine.js';
import type {
  AffineQuantizer,
  FeatureGeometry,
  FrequencyTable,
  IndexAlphabet,
  Indices,
  RansPayload,
  ValueRange,
} from '../../stages.js';
import type { Backend } from '../backend.js';
import { instantiateKernels, type Kernels } from './kernels.js';
import { COUNTS, DATA, RANGE, SLOTS, STATES, TABLE } from './layout.js';

/** Elements of a tile: 64 KiB of float32. */
const TILE = 16_384;
/** Kernels read and write whole vectors; this much may be touched beyond the data. */
const SLACK = 64;
const PAGE_BYTES = 65_536;
/** Entries of the table that is searched; NaN fills it up. */
const MAX_THRESHOLDS = 255;
/** Up to this many thresholds are compared one by one. */
const MAX_COUNTED_THRESHOLDS = 15;

/**
 * Loads the WebAssembly backend. Each call makes an instance with memory of its own.
 * @throws {BackendUnavailableError} if the engine cannot run the kernels
 */
export async function loadWasmBackend(): Promise<Backend> {
  const kernels = await instantiateKernels();
  return {
    name: 'wasm',
    measureRange: (values) => measureRange(kernels, values),
    quantize: (values, quantizer) => quantize(kernels, values, quantizer),
    dequantize: (indices, quantizer) => dequantize(kernels, indices, quantizer),
    quantizeByThresholds: (values, thresholds) => quantizeByThresholds(kernels, values, thresholds),
    lookUpLevels: (indices, levels) => lookUpLevels(kernels, indices, levels),
    countSymbols: (symbols, alphabetSize) => countSymbols(kernels, symbols, alphabetSize),
    encodeRans: (symbols, table, laneCount) => encode(kernels, symbols, table, laneCount),
    decodeRans: (payload, symbolCount, table) => decode(kernels, payload, symbolCount, table),
    encodeBins: (indices, geometry, alphabet) => encodeWithContexts(kernels, indices, geometry, alphabet),
    decodeBins: (bytes, geometry, alphabet) => decodeWithContexts(kernels, bytes, geometry, alphabet),
    encodeContexts: encodeWithModel,
    decodeContexts: decodeWithModel,
  };
}

/** Grows the memory to hold `bytes` of data. Views made before are invalid afterwards. */
function reserve({ memory }: Kernels, bytes: number): void {
  const missing = DATA + bytes + SLACK - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
}

function measureRange(kernels: Kernels, values: Float32Array): ValueRange {
  reserve(kernels, TILE * 4);
  const { buffer } = kernels.memory;
  const tile = new Float32Array(buffer, DATA, TILE);
  const result = new DataView(buffer, RANGE, 12);
  const range = { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY, nanCount: 0 };
  for (let from = 0; from < values.length; from += TILE) {
    const part = values.subarray(from, from + TILE);
    tile.set(part);
    kernels.measureRange(DATA, part.length);
    range.low = Math.min(range.low, result.getFloat32(0, true));
    range.high = Math.max(range.high, result.getFloat32(4, true));
    range.nanCount += result.getUint32(8, true);
  }
  return range;
}

function quantize(kernels: Kernels, values: Float32Array, quantizer: AffineQuantizer): Indices {
  const { levelCount, offset, zeroPoint } = quantizer;
  const indices = allocateIndices(values.length, levelCount);
  const target = DATA + TILE * 4;
  reserve(kernels, TILE * 6);
  const { buffer } = kernels.memory;
  const source = new Float32Array(buffer, DATA, TILE);
  const bytes = new Uint8Array(buffer, target, TILE * 2);
  const words = new Uint16Array(buffer, target, TILE);
  const [kernel, produced] = levelCount <= 256 ? [kernels.quantize8, bytes] : [kernels.quantize16, words];
  const reciprocal = reciprocalStep(quantizer);
  for (let from = 0; from < values.length; from += TILE) {
    const part = values.subarray(from, from + TILE);
    source.set(part);
    kernel(DATA, target, part.length, offset, reciprocal, zeroPoint, levelCount - 1);
    indices.set(produced.subarray(0, part.length), from);
  }
  return indices;
}

function dequantize(kernels: Kernels, indices: Indices, quantizer: AffineQuantizer): Float32Array {
  const { offset, step, zeroPoint } = quantizer;
  const values = new Float32Array(indices.length);
  const target = DATA + TILE * 2;
  reserve(kernels, TILE * 6);
  const { buffer } = kernels.memory;
  const isBytes = indices instanceof Uint8Array;
  const source = isBytes ? new Uint8Array(buffer, DATA, TILE) : new Uint16Array(buffer, DATA, TILE);
  const produced = new Float32Array(buffer, target, TILE);
  const kernel = isBytes ? kernels.dequantize8 : kernels.dequantize16;
  for (let from = 0; from < indices.length; from += TILE) {
    const part = indices.subarray(from, from + TILE);
    source.set(part);
    kernel(DATA, target, part.length, offset, step, zeroPoint);
    values.set(produced.subarray(0, part.length), from);
  }
  return values;
}

function quantizeByThresholds(kernels: Kernels, values: Float32Array, thresholds: Float32Array): Uint8Array {
  const indices = new Uint8Array(values.length);
  const target = DATA + TILE * 4;
  reserve(kernels, TILE * 5);
  const { buffer } = kernels.memory;
  const source = new Float32Array(buffer, DATA, TILE);
  const produced = new Uint8Array(buffer, target, TILE);
  const table = new Float32Array(buffer, TABLE, MAX_THRESHOLDS);
  table.fill(Number.NaN).set(thresholds);
  for (let from = 0; from < values.length; from += TILE) {
    const part = values.subarray(from, from + TILE);
    source.set(part);
    if (thresholds.length <= MAX_COUNTED_THRESHOLDS)
      kernels.countThresholds(DATA, target, part.length, thresholds.length);
    else kernels.searchThresholds(DATA, target, part.length);
    indices.set(produced.subarray(0, part.length), from);
  }
  return indices;
}

function lookUpLevels(kernels: Kernels, indices: Uint8Array, levels: Float32Array): Float32Array {
  const values = new Float32Array(indices.length);
  const target = DATA + TILE;
  reserve(kernels, TILE * 5);
  const { buffer } = kernels.memory;
  const source = new Uint8Array(buffer, DATA, TILE);
  const produced = new Float32Array(buffer, target, TILE);
  new Float32Array(buffer, TABLE, levels.length).set(levels);
  for (let from = 0; from < indices.length; from += TILE) {
    const part = indices.subarray(from, from + TILE);
    source.set(part);
    kernels.lookUp(DATA, target, part.length);
    values.set(produced.subarray(0, part.length), from);
  }
  return values;
}

function countSymbols(kernels: Kernels, symbols: Uint8Array, alphabetSize: number): Uint32Array {
  reserve(kernels, TILE * 4);
  const { buffer } = kernels.memory;
  const tile = new Uint8Array(buffer, DATA, TILE * 4);
  const partial = new Uint32Array(buffer, COUNTS, alphabetSize);
  const counts = new Uint32Array(alphabetSize);
  for (let from = 0; from < symbols.length; from += tile.length) {
    const part = symbols.subarray(from, from + tile.length);
    tile.set(part);
    kernels.countSymbols(DATA, part.length);
    for (let symbol = 0; symbol < alphabetSize; symbol++) counts[symbol] += partial[symbol];
  }
  return counts;
}

function encode(
  kernels: Kernels,
  symbols: Uint8Array,
  table: FrequencyTable,
  laneCount: number,
): RansPayload {
  const { precisionBits, frequencies, starts } = table;
  // The kernel has no row for a certain symbol.
  if (certainSymbol(table) >= 0) return encodeRans(symbols, table, laneCount);
  const wordsEnd = DATA + alignUp(symbols.length) + SLACK + symbols.length * 2;
  reserve(kernels, wordsEnd - DATA);
  const { buffer } = kernels.memory;
  const rows = new Int32Array(buffer, TABLE, frequencies.length * 4);
  const reciprocals = new Float32Array(buffer, TABLE, frequencies.length * 4);
  frequencies.forEach((frequency, symbol) => {
    rows[symbol * 4] = frequency;
    rows[symbol * 4 + 1] = starts[symbol];
    rows[symbol * 4 + 2] = frequency * 2 ** (31 - precisionBits);
    reciprocals[symbol * 4 + 3] = 1 / frequency;
  });
  new Uint8Array(buffer, DATA, symbols.length).set(symbols);
  const firstWord = kernels.encodeRans(DATA, symbols.length, laneCount, precisionBits, wordsEnd);
  if (firstWord === 0) return encodeRans(symbols, table, laneCount); // which refuses the symbol by name
  const bytes = new Uint8Array(laneCount * STATE_BYTES + wordsEnd - firstWord);
  bytes.set(new Uint8Array(buffer, STATES, laneCount * STATE_BYTES));
  bytes.set(new Uint8Array(buffer, firstWord, wordsEnd - firstWord), laneCount * STATE_BYTES);
  return { bytes, laneCount };
}

function decode(
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
  const target = DATA + alignUp(wordBytes + SLACK);
  reserve(kernels, target - DATA + symbolCount);
  const { buffer } = kernels.memory;
  const states = new Uint32Array(buffer, STATES, laneCount);
  new Uint8Array(buffer, STATES, stateBytes).set(bytes.subarray(0, stateBytes));
  new Uint8Array(buffer, DATA, wordBytes).set(bytes.subarray(stateBytes));
  if (states.some((state) => state < STATE_LOW || state >= 2 ** 31))
    return decodeRans(payload, symbolCount, table);
  writeDecodeTable(buffer, table);
  const wordsEnd = DATA + wordBytes;
  const taken =
    table.precisionBits === 12
      ? kernels.decodeRans12(DATA, wordsEnd, target, symbolCount, laneCount)
      : kernels.decodeRansFine(DATA, wordsEnd, target, symbolCount, laneCount, table.precisionBits);
  // Bad payloads are rare: the reference finds the reason.
  if (taken !== wordsEnd || states.some((state) => state !== STATE_LOW)) {
    return decodeRans(payload, symbolCount, table);
  }
  return new Uint8Array(buffer, target, symbolCount).slice();
}

/** Room for the binary code of an index; what takes more is left to the reference. */
const BINARY_BYTES_PER_INDEX = 2;

function encodeWithContexts(
  kernels: Kernels,
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Uint8Array {
  const { planes, rows, columns } = geometry;
  const indexBytesLog2 = indices.BYTES_PER_ELEMENT - 1;
  const target = DATA + alignUp(indices.byteLength);
  const room = indices.length * BINARY_BYTES_PER_INDEX + SLACK;
  reserve(kernels, target - DATA + room);
  const { buffer } = kernels.memory;
  const source =
    indexBytesLog2 === 0
      ? new Uint8Array(buffer, DATA, indices.length)
      : new Uint16Array(buffer, DATA, indices.length);
  source.set(indices);
  const { background, levelCount } = alphabet;
  const end = kernels.codeIndices(
    false,
    DATA,
    indexBytesLog2,
    planes,
    rows,
    columns,
    background,
    levelCount,
    target,
    target + room,
  );
  if (end === 0) return encodeBins(indices, geometry, alphabet);
  return new Uint8Array(buffer, target, end - target).slice();
}

function decodeWithContexts(
  kernels: Kernels,
  bytes: Uint8Array,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Indices | string {
  const { planes, rows, columns } = geometry;
  const { background, levelCount } = alphabet;
  const count = planes * rows * columns;
  const indexBytesLog2 = levelCount <= 256 ? 0 : 1;
  const source = DATA + alignUp(count << indexBytesLog2);
  reserve(kernels, source - DATA + bytes.length);
  const { buffer } = kernels.memory;
  new Uint8Array(buffer, source, bytes.length).set(bytes);
  const end = source + bytes.length;
  const failed = kernels.codeIndices(
    true,
    DATA,
    indexBytesLog2,
    planes,
    rows,
    columns,
    background,
    levelCount,
    source,
    end,
  );
  if (failed !== 0) return decodeBins(bytes, geometry, alphabet); // the reference finds the reason
  return indexBytesLog2 === 0
    ? new Uint8Array(buffer, DATA, count).slice()
    : new Uint16Array(buffer, DATA, count).slice();
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

function alignUp(bytes: number): number {
  return (bytes + 15) & ~15;
}
