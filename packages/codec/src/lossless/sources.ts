/**
 * Where the low bits of an element come from (bitstream.md §17.3): there are none, they are its own, or they are those
 * of an element at a given distance before it, as where windows of a pooling layer overlap.
 */

import type { Indices } from '../stages.js';
import type { ElementWords } from './element-form.js';
import type { Magnitudes } from './magnitudes.js';

/** The element is of the zero class. */
export const NO_LOW_BITS = 0;
/** The low bits are the element's own. */
export const OWN = 1;
/** From here on, a source is this plus the place of its distance in the list. */
const FIRST_COPY = 2;
/** Most distances of a frame. */
export const MAX_COPY_COUNT = 3;

/** Sources of a tensor's elements, and the flags that tell copies from the rest. */
export interface Sources {
  /** `NO_LOW_BITS`, `OWN`, or a copy, for each element. */
  readonly sources: Uint8Array;
  /** For each candidate 0 if its low bits are its own, else 1 plus the place of its distance. */
  readonly flags: Uint8Array;
  readonly ownCount: number;
}

/** Sources without copies. Encoding only. */
export function plainSources(classes: Indices, zeroClass: boolean): Sources {
  const sources = new Uint8Array(classes.length).fill(OWN);
  if (!zeroClass) return { sources, flags: new Uint8Array(0), ownCount: classes.length };
  let ownCount = 0;
  for (let i = 0; i < classes.length; i++) {
    sources[i] = classes[i] === 0 ? NO_LOW_BITS : OWN;
    ownCount += sources[i];
  }
  return { sources, flags: new Uint8Array(0), ownCount };
}

/**
 * Sources with copies: an element whose class and sign are those of an element at one of the distances is a candidate,
 * and a copy if its low bits are too. Encoding only.
 * @param distances - 1 to 3, ascending
 */
export function findCopies(
  magnitudes: Magnitudes,
  classes: Indices,
  zeroClass: boolean,
  distances: readonly number[],
): Sources {
  const { low, high, signs } = magnitudes;
  const { sources } = plainSources(classes, zeroClass);
  const flags = new Uint8Array(classes.length);
  let candidateCount = 0;
  let ownCount = 0;
  for (let i = 0; i < classes.length; i++) {
    if (sources[i] === NO_LOW_BITS) continue;
    let isCandidate = false;
    for (let k = distances.length - 1; k >= 0; k--) {
      const from = i - distances[k];
      if (!isAlike(classes, signs, from, i)) continue;
      isCandidate = true;
      if (low[from] === low[i] && (!high || high[from] === high[i])) sources[i] = FIRST_COPY + k;
    }
    if (isCandidate) flags[candidateCount++] = sources[i] - OWN;
    if (sources[i] === OWN) ownCount++;
  }
  return { sources, flags: flags.slice(0, candidateCount), ownCount };
}

/** True if there is an element at `from` of the class and sign of that at `at`. */
function isAlike(classes: Indices, signs: Indices | null, from: number, at: number): boolean {
  return from >= 0 && classes[from] === classes[at] && (!signs || signs[from] === signs[at]);
}

/**
 * Sources of elements, from flags.
 * @param distances - none, or up to 3, ascending
 * @param flags - one for each candidate
 * @returns the sources and how many are `OWN`, or the reason for which flags do not go with classes
 */
export function resolveSources(
  classes: Indices,
  signs: Indices | null,
  zeroClass: boolean,
  distances: readonly number[],
  flags: Indices,
): Omit<Sources, 'flags'> | string {
  const plain = plainSources(classes, zeroClass);
  if (distances.length === 0) return plain;
  const { sources } = plain;
  let { ownCount } = plain;
  let next = 0;
  for (let i = 0; i < classes.length; i++) {
    if (sources[i] === NO_LOW_BITS) continue;
    let isCandidate = false;
    for (let k = 0; k < distances.length; k++) isCandidate ||= isAlike(classes, signs, i - distances[k], i);
    if (!isCandidate) continue;
    if (next === flags.length) return `element ${i} has no flag`;
    const flag = flags[next++];
    if (flag === 0) continue;
    if (distances[flag - 1] > i) return `element ${i} copies from before the first`;
    sources[i] = OWN + flag;
    ownCount--;
  }
  return next === flags.length ? { sources, ownCount } : `${flags.length - next} flags are left`;
}

/** Copies low bits. @param lowBits - how many, from the lowest on */
export function copyLowBits(
  { words, stride, lowAt }: ElementWords,
  sources: Uint8Array,
  distances: readonly number[],
  lowBits: number,
): void {
  const lowMask = lowBits < 32 ? 2 ** lowBits - 1 : 0xffff_ffff;
  const highMask = lowBits > 32 ? 2 ** (lowBits - 32) - 1 : 0;
  if (distances.length === 0) return;
  for (let i = 0; i < sources.length; i++) {
    if (sources[i] < FIRST_COPY) continue;
    const from = i - distances[sources[i] - FIRST_COPY];
    words[i * stride + lowAt] |= words[from * stride + lowAt] & lowMask;
    if (highMask) words[2 * i + 1 - lowAt] |= words[2 * from + 1 - lowAt] & highMask;
  }
}
