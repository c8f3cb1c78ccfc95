/** Elements as magnitudes and signs, and back (bitstream.md §17.2). */

import type { Indices } from '../stages.js';
import type { ElementForm, ElementWords } from './element-form.js';

/** Unsigned integers of up to 64 bits, in words of 32. */
export interface Magnitudes {
  readonly low: Uint32Array;
  /** Upper words; null if magnitudes have 32 bits at most. */
  readonly high: Uint32Array | null;
  /** 1 for an element whose sign bit is set; null if there is none, as among integers. */
  readonly signs: Uint8Array | null;
  /** What was subtracted, low and high word: the lowest integer; zeros for floating-point numbers. */
  readonly lowest: readonly [low: number, high: number];
}

/** Magnitudes of elements: without their sign bit, or less the lowest. Encoding only. @param elements - not modified */
export function magnitudesOf(elements: ElementWords, form: ElementForm): Magnitudes {
  const { low, high } = splitWords(elements);
  return form.kind === 'float' ? clearSigns(low, high, form) : subtractLowest(low, high, form);
}

function splitWords({ words, stride, lowAt }: ElementWords): { low: Uint32Array; high: Uint32Array | null } {
  if (stride === 1) return { low: new Uint32Array(words), high: null };
  const low = new Uint32Array(words.length / 2);
  const high = new Uint32Array(low.length);
  for (let i = 0; i < low.length; i++) {
    low[i] = words[2 * i + lowAt];
    high[i] = words[2 * i + 1 - lowAt];
  }
  return { low, high };
}

/** Writes to its arguments. */
function clearSigns(low: Uint32Array, high: Uint32Array | null, form: ElementForm): Magnitudes {
  const upper = high ?? low;
  const shift = (form.bits - 1) % 32;
  const mask = 2 ** shift - 1;
  let union = 0;
  for (let i = 0; i < upper.length; i++) union |= upper[i];
  if (union >>> shift === 0) return { low, high, signs: null, lowest: [0, 0] };
  const signs = new Uint8Array(upper.length);
  for (let i = 0; i < upper.length; i++) {
    signs[i] = upper[i] >>> shift;
    upper[i] &= mask;
  }
  return { low, high, signs, lowest: [0, 0] };
}

/** Writes to its arguments. With the sign bit flipped, signed integers are in the order of unsigned ones. */
function subtractLowest(low: Uint32Array, high: Uint32Array | null, form: ElementForm): Magnitudes {
  const flip = form.kind === 'signed' ? 2 ** ((form.bits - 1) % 32) : 0;
  const upper = high ?? low;
  let leastUpper = 0xffff_ffff;
  let leastLow = 0xffff_ffff;
  for (let i = 0; i < upper.length; i++) {
    upper[i] ^= flip;
    if (upper[i] > leastUpper) continue;
    leastLow = upper[i] < leastUpper ? low[i] : Math.min(leastLow, low[i]);
    leastUpper = upper[i];
  }
  if (!high) {
    for (let i = 0; i < low.length; i++) low[i] -= leastUpper;
    return { low, high, signs: null, lowest: [(leastUpper ^ flip) >>> 0, 0] };
  }
  for (let i = 0; i < low.length; i++) {
    high[i] -= leastUpper + (low[i] < leastLow ? 1 : 0);
    low[i] -= leastLow;
  }
  return { low, high, signs: null, lowest: [leastLow, (leastUpper ^ flip) >>> 0] };
}

/** An integer of two words without its `shift` low bits; exact below 2^53. @param shift - 0 to 63 */
export function shiftRight(low: number, high: number, shift: number): number {
  return shift >= 32 ? high >>> (shift - 32) : high * 2 ** (32 - shift) + (low >>> shift);
}

/** Sets the sign bits. @param signs - 0 or 1 for each element */
export function joinSigns({ words, stride, lowAt }: ElementWords, signs: Indices, form: ElementForm): void {
  const shift = (form.bits - 1) % 32;
  const upperAt = stride === 1 ? 0 : 1 - lowAt;
  for (let i = 0; i < signs.length; i++) words[i * stride + upperAt] |= signs[i] << shift;
}

/** Adds the lowest integer, modulo the range of the type. */
export function addLowest(
  { words, stride, lowAt }: ElementWords,
  count: number,
  [low, high]: readonly [number, number],
): void {
  if (low === 0 && high === 0) return;
  if (stride === 1) {
    for (let i = 0; i < count; i++) words[i] += low;
    return;
  }
  for (let i = 0; i < count; i++) {
    const sum = words[2 * i + lowAt] + low;
    words[2 * i + lowAt] = sum;
    words[2 * i + 1 - lowAt] += high + (sum >= 2 ** 32 ? 1 : 0);
  }
}
