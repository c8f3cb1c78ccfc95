/**
 * Quantizing and back over all elements of a tensor, the reference of every backend. With kernels nothing of it is loaded.
 */

import { allocateIndices } from '../bitstream/index-array.js';
import type { AffineQuantizer, Indices } from '../stages.js';
import { levelsOfQuantizer, quantizeValue } from './affine.js';

/** Indices of `values`. */
export function quantizeValues(values: Float32Array, quantizer: AffineQuantizer): Indices {
  const indices = allocateIndices(values.length, quantizer.levelCount);
  for (let i = 0; i < values.length; i++) indices[i] = quantizeValue(values[i], quantizer);
  return indices;
}

/** Reconstruction levels of `indices`, in `values`. */
export function dequantizeIndices(
  indices: Indices,
  quantizer: AffineQuantizer,
  values?: Float32Array,
): Float32Array {
  return lookUpLevels(indices, levelsOfQuantizer(quantizer), values);
}

/**
 * Number of thresholds at or below each value. NaN counts none.
 * @param thresholds - 1 to 255, ascending
 */
export function quantizeByThresholds(values: Float32Array, thresholds: Float32Array): Uint8Array {
  const indices = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    // All thresholds before `low` are at or below the value, all from `high` on are not.
    let low = 0;
    let high = thresholds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (thresholds[middle] <= values[i]) low = middle + 1;
      else high = middle;
    }
    indices[i] = low;
  }
  return indices;
}

/** Level of each index. @param indices - each below the length of `levels` */
export function lookUpLevels(
  indices: Indices,
  levels: Float32Array,
  values: Float32Array = new Float32Array(indices.length),
): Float32Array {
  for (let i = 0; i < indices.length; i++) values[i] = levels[indices[i]];
  return values;
}
