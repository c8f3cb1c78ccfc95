/** The range of a tensor's numbers: what min-max quantization clips to. Encoding only. */

import type { ValueRange } from '../stages.js';
import { clampLimit } from './affine.js';

/** Smallest and largest number of `values`, infinities included; the reference of every backend. */
export function measureRange(values: Float32Array): ValueRange {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let nanCount = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < low) low = value;
    if (value > high) high = value;
    if (Number.isNaN(value)) nanCount++;
  }
  return { low, high, nanCount };
}

/**
 * Clip limits for min-max quantization: the range of the finite values, within ± 2^126. Infinities saturate.
 * @param measured - range of `values` with infinities
 * @throws {RangeError} if no value is finite
 */
export function finiteLimits(values: Float32Array, measured: ValueRange): { low: number; high: number } {
  let { low, high } = measured;
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    ({ low, high } = measureRange(values.filter(Number.isFinite)));
    if (low > high) throw new RangeError(`feature expected a finite element, got none in ${values.length}`);
  }
  return { low: clampLimit(low), high: clampLimit(high) };
}
