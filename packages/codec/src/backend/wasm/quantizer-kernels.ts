/** Element-wise stages around their kernels, in tiles that stay in the cache. */

import { allocateIndices } from '../../bitstream/index-array.js';
import { reciprocalStep } from '../../quantizer/affine.js';
import type { AffineQuantizer, Indices, ValueRange } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { RANGE, TABLE } from './layout.js';
import { forEachTile, mapTiles } from './memory.js';

/** Entries of the table that is searched; NaN fills it up. */
const MAX_THRESHOLDS = 255;
/** Up to this many thresholds are compared one by one. */
const MAX_COUNTED_THRESHOLDS = 15;

/** `Backend.measureRange`, tile by tile. */
export function measureRange(kernels: Kernels, values: Float32Array): ValueRange {
  const range = { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY, nanCount: 0 };
  forEachTile(kernels, values, (source, count) => {
    kernels.measureRange(source, count);
    const result = new DataView(kernels.memory.buffer, RANGE, 12);
    range.low = Math.min(range.low, result.getFloat32(0, true));
    range.high = Math.max(range.high, result.getFloat32(4, true));
    range.nanCount += result.getUint32(8, true);
  });
  return range;
}

/** `Backend.quantize`, tile by tile. */
export function quantize(kernels: Kernels, values: Float32Array, quantizer: AffineQuantizer): Indices {
  const { levelCount, offset, zeroPoint } = quantizer;
  const kernel = levelCount <= 256 ? kernels.quantize8 : kernels.quantize16;
  const reciprocal = reciprocalStep(quantizer);
  return mapTiles(kernels, values, allocateIndices(values.length, levelCount), (source, target, count) => {
    kernel(source, target, count, offset, reciprocal, zeroPoint, levelCount - 1);
  });
}

/** `Backend.dequantize`, tile by tile. */
export function dequantize(
  kernels: Kernels,
  indices: Indices,
  quantizer: AffineQuantizer,
  values: Float32Array = new Float32Array(indices.length),
): Float32Array {
  const { offset, step, zeroPoint } = quantizer;
  const kernel = indices instanceof Uint8Array ? kernels.dequantize8 : kernels.dequantize16;
  return mapTiles(kernels, indices, values, (source, target, count) => {
    kernel(source, target, count, offset, step, zeroPoint);
  });
}

/** `Backend.quantizeByThresholds`, tile by tile. */
export function quantizeByThresholds(
  kernels: Kernels,
  values: Float32Array,
  thresholds: Float32Array,
): Uint8Array {
  const { length } = thresholds;
  new Float32Array(kernels.memory.buffer, TABLE, MAX_THRESHOLDS).fill(Number.NaN).set(thresholds);
  return mapTiles(kernels, values, new Uint8Array(values.length), (source, target, count) => {
    if (length <= MAX_COUNTED_THRESHOLDS) kernels.countThresholds(source, target, count, length);
    else kernels.searchThresholds(source, target, count);
  });
}

/** `Backend.lookUpLevels`, tile by tile. */
export function lookUpLevels(
  kernels: Kernels,
  indices: Uint8Array,
  levels: Float32Array,
  values: Float32Array = new Float32Array(indices.length),
): Float32Array {
  new Float32Array(kernels.memory.buffer, TABLE, levels.length).set(levels);
  return mapTiles(kernels, indices, values, kernels.lookUp);
}
