/** The WebAssembly SIMD backend: its kernels behind the interface of all backends. */

import type { Backend } from '../backend.js';
import * as binary from './binary-kernels.js';
import * as contexts from './context-kernels.js';
import { crc32 } from './crc-kernels.js';
import { instantiateKernels } from './kernels.js';
import {
  dequantize,
  lookUpLevels,
  measureRange,
  quantize,
  quantizeByThresholds,
} from './quantizer-kernels.js';
import * as rans from './rans-kernels.js';
import { createTableCache } from './table-cache.js';
import { decodeTrees, encodeTrees } from './tree-kernels.js';
import { decodeValues, encodeValues } from './value-kernels.js';

/**
 * Loads the WebAssembly backend. Each call makes an instance with memory of its own.
 * @throws {BackendUnavailableError} if the engine cannot run the kernels
 */
export async function loadWasmBackend(): Promise<Backend> {
  const kernels = await instantiateKernels();
  const tableOf = createTableCache();
  return {
    name: 'wasm',
    measureRange: (values) => measureRange(kernels, values),
    quantize: (values, quantizer) => quantize(kernels, values, quantizer),
    dequantize: (indices, quantizer, target) => dequantize(kernels, indices, quantizer, target),
    quantizeByThresholds: (values, thresholds) => quantizeByThresholds(kernels, values, thresholds),
    encodeValues: (values, coding, lanes) => encodeValues(kernels, values, coding, lanes, tableOf),
    decodeValues: (payload, decoding, target) => decodeValues(kernels, payload, decoding, target, tableOf),
    crc32: (bytes, previous = 0) => crc32(kernels, bytes, previous),
    lookUpLevels: (indices, levels, target) => lookUpLevels(kernels, indices, levels, target),
    countSymbols: (symbols, alphabetSize) => rans.countSymbols(kernels, symbols, alphabetSize),
    encodeRans: (symbols, table, laneCount) => rans.encode(kernels, symbols, table, laneCount),
    decodeRans: (payload, symbolCount, table) => rans.decode(kernels, payload, symbolCount, table),
    encodeBins: (indices, geometry, alphabet) => binary.encodeIndices(kernels, indices, geometry, alphabet),
    decodeBins: (bytes, geometry, alphabet) => binary.decodeIndices(kernels, bytes, geometry, alphabet),
    encodeTrees: (indices, geometry, alphabet, laneCount) =>
      encodeTrees(kernels, indices, geometry, alphabet, laneCount),
    decodeTrees: (lanes, geometry, alphabet) => decodeTrees(kernels, lanes, geometry, alphabet),
    encodeContexts: (indices, geometry, model, laneCount) =>
      contexts.encode(kernels, indices, geometry, model, laneCount),
    decodeContexts: (payload, geometry, model) => contexts.decode(kernels, payload, geometry, model),
    countContexts: (indices, geometry, model) => contexts.count(kernels, indices, geometry, model),
  };
}
