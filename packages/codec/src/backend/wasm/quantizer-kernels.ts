/** Element-wise stages around their kernels, in tiles that stay in the cache. */

import { allocateIndices, reciprocalStep } from '../../quantizer/affine.js';
import type { AffineQuantizer, Indices, ValueRange } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { RANGE, TABLE } from './layout.js';
import { reserve, TILE } from './memory.js';

/** Entries of the table that is searched; NaN fills it up. */
const MAX_THRESHOLDS = 255;
/** Up to this many thresholds are compared one by one. */
const MAX_COUNTED_THRESHOLDS = 15;

/** `Backend.measureRange`, tile by tile. */
export function measureRange(kernels: Kernels, values: Float32Array): ValueRange {
  const [source] = reserve(kernels, [TILE * 4]);
  const { buffer } = kernels.memory;
  const tile = new Float32Array(buffer, source, TILE);
  const result = new DataView(buffer, RANGE, 12);
  const range = { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY, nanCount: 0 };
  for (let from = 0; from < values.length; from += TILE) {
    const part = values.subarray(from, from + TILE);
    tile.set(part);
    kernels.measureRange(source, part.length);
    range.low = Math.min(range.low, result.getFloat32(0, true));
    range.high = Math.max(range.high, result.getFloat32(4, true));
    range.nanCount += result.getUint32(8, true);
  }
  return range;
}

/** `Backend.quantize`, tile by tile. */
export function quantize(kernels: Kernels, values: Float32Array, quantizer: AffineQuantizer): Indices {
  const { levelCount, offset, zeroPoint } = quantizer;
  const indices = allocateIndices(values.length, levelCount);
  const [input, target] = reserve(kernels, [TILE * 4, TILE * 2]);
  const { buffer } = kernels.memory;
  const source = new Float32Array(buffer, input, TILE);
  const bytes = new Uint8Array(buffer, target, TILE * 2);
  const words = new Uint16Array(buffer, target, TILE);
  const [kernel, produced] = levelCount <= 256 ? [kernels.quantize8, bytes] : [kernels.quantize16, words];
  const reciprocal = reciprocalStep(quantizer);
  for (let from = 0; from < values.length; from += TILE) {
    const part = values.subarray(from, from + TILE);
    source.set(part);
    kernel(input, target, part.length, offset, reciprocal, zeroPoint, levelCount - 1);
    indices.set(produced.subarray(0, part.length), from);
  }
  return indices;
}

/** `Backend.dequantize`, tile by tile. */
export function dequantize(
  kernels: Kernels,
  indices: Indices,
  quantizer: AffineQuantizer,
  values: Float32Array = new Float32Array(indices.length),
): Float32Array {
  const { offset, step, zeroPoint } = quantizer;
  const [input, target] = reserve(kernels, [TILE * 2, TILE * 4]);
  const { buffer } = kernels.memory;
  const isBytes = indices instanceof Uint8Array;
  const source = isBytes ? new Uint8Array(buffer, input, TILE) : new Uint16Array(buffer, input, TILE);
  const produced = new Float32Array(buffer, target, TILE);
  const kernel = isBytes ? kernels.dequantize8 : kernels.dequantize16;
  for (let from = 0; from < indices.length; from += TILE) {
    const part = indices.subarray(from, from + TILE);
    source.set(part);
    kernel(input, target, part.length, offset, step, zeroPoint);
    values.set(produced.subarray(0, part.length), from);
  }
  return values;
}

/** `Backend.quantizeByThresholds`, tile by tile. */
export function quantizeByThresholds(
  kernels: Kernels,
  values: Float32Array,
  thresholds: Float32Array,
): Uint8Array {
  const indices = new Uint8Array(values.length);
  const [input, target] = reserve(kernels, [TILE * 4, TILE]);
  const { buffer } = kernels.memory;
  const source = new Float32Array(buffer, input, TILE);
  const produced = new Uint8Array(buffer, target, TILE);
  const table = new Float32Array(buffer, TABLE, MAX_THRESHOLDS);
  table.fill(Number.NaN).set(thresholds);
  for (let from = 0; from < values.length; from += TILE) {
    const part = values.subarray(from, from + TILE);
    source.set(part);
    if (thresholds.length <= MAX_COUNTED_THRESHOLDS)
      kernels.countThresholds(input, target, part.length, thresholds.length);
    else kernels.searchThresholds(input, target, part.length);
    indices.set(produced.subarray(0, part.length), from);
  }
  return indices;
}

/** `Backend.lookUpLevels`, tile by tile. */
export function lookUpLevels(
  kernels: Kernels,
  indices: Uint8Array,
  levels: Float32Array,
  values: Float32Array = new Float32Array(indices.length),
): Float32Array {
  const [input, target] = reserve(kernels, [TILE, TILE * 4]);
  const { buffer } = kernels.memory;
  const source = new Uint8Array(buffer, input, TILE);
  const produced = new Float32Array(buffer, target, TILE);
  new Float32Array(buffer, TABLE, levels.length).set(levels);
  for (let from = 0; from < indices.length; from += TILE) {
    const part = indices.subarray(from, from + TILE);
    source.set(part);
    kernels.lookUp(input, target, part.length);
    values.set(produced.subarray(0, part.length), from);
  }
  return values;
}
