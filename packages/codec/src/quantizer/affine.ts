/**
 * The affine quantizer: reference arithmetic, decision thresholds and the two ways of choosing its
 * parameters, uniform between clip limits (paper B, outer levels pinned to the limits) and asymmetric
 * integer (paper A, zero is a level). bitstream.md §4.
 */

import type { AffineQuantizer } from '../stages.js';

/** Largest number of levels. */
export const MAX_LEVEL_COUNT = 65_536;
/** Clip limits stay within ± this, so that differences of limits stay finite in float32. */
export const MAX_LIMIT = 2 ** 126;
/** Ranges narrower than this are widened to it, so that the reciprocal of the step stays finite. */
export const MIN_RANGE = 2 ** -100;

/** Adding and subtracting 1.5 * 2^23 rounds a float32 of magnitude up to 2^22 to an integer, ties to even. */
const ROUNDING = 12_582_912;
/** Beyond this magnitude every index saturates, for any level count and zero point. */
const SATURATION = 131_072;

/**
 * A quantizer with `levelCount` levels from `low` to `high` inclusive; decision thresholds lie halfway.
 * @param levelCount - 2 to 65,536
 * @param low - lower clip limit @param high - upper clip limit, above `low`
 * @throws {RangeError} if the level count or the limits are out of range
 */
export function uniformQuantizer(levelCount: number, low: number, high: number): AffineQuantizer {
  checkLevelCount(levelCount);
  const limits = checkLimits('range', low, high);
  return {
    levelCount,
    offset: limits.low,
    step: Math.fround((limits.high - limits.low) / (levelCount - 1)),
    zeroPoint: 0,
  };
}

/**
 * Asymmetric integer quantizer: 2^bits levels over the range widened to hold 0, which is a level itself
 * (paper A; papers.md 1.3).
 * @param bits - 1 to 16
 * @throws {RangeError} if the bits or the limits are out of range
 */
export function asymmetricQuantizer(bits: number, low: number, high: number): AffineQuantizer {
  if (!Number.isInteger(bits) || bits < 1 || bits > 16) {
    throw new RangeError(`bits expected an integer from 1 to 16, got ${bits}`);
  }
  const limits = checkLimits('range', Math.min(low, 0), Math.max(high, 0));
  const levelCount = 2 ** bits;
  const step = Math.fround((limits.high - limits.low) / (levelCount - 1));
  const zeroPoint = Math.min(levelCount - 1, Math.round(-limits.low / step) + 0);
  return { levelCount, offset: 0, step, zeroPoint };
}

/** The factor that turns a distance into steps, as every backend computes it. */
export function reciprocalStep(quantizer: AffineQuantizer): number {
  return Math.fround(1 / quantizer.step);
}

/**
 * Index of one value. Infinities saturate; NaN gives an index without meaning.
 * @param value - float32 value
 */
export function quantizeValue(value: number, quantizer: AffineQuantizer): number {
  const steps = Math.fround(Math.fround(value - quantizer.offset) * reciprocalStep(quantizer));
  const bounded = Math.min(Math.max(steps, -SATURATION), SATURATION);
  const rounded = Math.fround(Math.fround(bounded + ROUNDING) - ROUNDING);
  return Math.min(Math.max(rounded + quantizer.zeroPoint, 0), quantizer.levelCount - 1);
}

/** Reconstruction level of one index, a float32 value. */
export function levelOfIndex(index: number, quantizer: AffineQuantizer): number {
  return Math.fround(Math.fround((index - quantizer.zeroPoint) * quantizer.step) + quantizer.offset);
}

/** All reconstruction levels. */
export function levelsOfQuantizer(quantizer: AffineQuantizer): Float32Array {
  const levels = new Float32Array(quantizer.levelCount);
  for (let i = 0; i < levels.length; i++) levels[i] = levelOfIndex(i, quantizer);
  return levels;
}

/**
 * Decision thresholds: `levelCount - 1` ascending float32 values; the index of x is the number of thresholds
 * that are at or below x. They define the quantizer; the arithmetic above is the shortcut that agrees with
 * them on every float32 value, because each of its steps is monotone.
 */
export function decisionThresholds(quantizer: AffineQuantizer): Float32Array {
  const thresholds = new Float32Array(quantizer.levelCount - 1);
  for (let index = 1; index < quantizer.levelCount; index++) {
    // Bisection over all float32 values in their total order.
    let below = orderOfFloat32(-3.4028234663852886e38);
    let atOrAbove = orderOfFloat32(Number.POSITIVE_INFINITY);
    while (atOrAbove - below > 1) {
      const middle = Math.floor((below + atOrAbove) / 2);
      if (quantizeValue(float32OfOrder(middle), quantizer) >= index) atOrAbove = middle;
      else below = middle;
    }
    thresholds[index - 1] = float32OfOrder(atOrAbove);
  }
  return thresholds;
}

/** @throws {RangeError} if it is not an integer from 2 to `MAX_LEVEL_COUNT` */
export function checkLevelCount(levelCount: number): void {
  if (!Number.isInteger(levelCount) || levelCount < 2 || levelCount > MAX_LEVEL_COUNT) {
    throw new RangeError(`levelCount expected an integer from 2 to ${MAX_LEVEL_COUNT}, got ${levelCount}`);
  }
}

/** The nearest number within ± `MAX_LIMIT`; 0 has no sign. */
export function clampLimit(limit: number): number {
  return Math.min(Math.max(limit, -MAX_LIMIT), MAX_LIMIT) + 0;
}

/**
 * Clip limits as float32 values, widened to `MIN_RANGE`.
 * @throws {RangeError} that begins with `name`, if they are none
 */
export function checkLimits(name: string, low: number, high: number): { low: number; high: number } {
  const lowest = Math.fround(low) + 0; // -0 becomes 0: equal limits must give equal bytes
  const highest = Math.fround(high);
  if (!(Math.abs(lowest) <= MAX_LIMIT && Math.abs(highest) <= MAX_LIMIT && lowest < highest)) {
    throw new RangeError(`${name} expected low < high within ± 2^126, got ${low} to ${high}`);
  }
  return { low: lowest, high: Math.max(highest, lowest + MIN_RANGE) };
}

/** Position of a float32 value in ascending order, an integer; -0 comes just before 0. */
function orderOfFloat32(value: number): number {
  const word = new Int32Array(Float32Array.of(value).buffer)[0];
  return word >= 0 ? word : -(word & 0x7fffffff) - 1;
}

function float32OfOrder(order: number): number {
  const word = order >= 0 ? order : (-order - 1) | 0x80000000;
  return new Float32Array(Int32Array.of(word).buffer)[0];
}
