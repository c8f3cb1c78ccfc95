/**
 * Magnitudes as a plane of classes and planes of low bits (bitstream.md §17.2): the upper bits of a magnitude, that is
 * the exponent of a floating-point number, are its class; the bits below follow eight at a time, from the top down, for
 * those elements alone that have bits of their own.
 */

import { allocateIndices } from '../bitstream/index-array.js';
import type { ElementSplit, Indices } from '../stages.js';
import type { ElementForm, ElementWords } from './element-form.js';
import { type Magnitudes, shiftRight } from './magnitudes.js';
import { OWN } from './sources.js';

/** Most bits of a plane. */
const PLANE_BITS = 8;
/** Most classes: what 16-bit indices tell apart. */
export const MAX_CLASS_COUNT = 65_536;

/** Position and width of a plane of low bits. */
export interface LowPlane {
  /** Place of its lowest bit in a magnitude. */
  readonly shift: number;
  /** 1 to 8. */
  readonly bits: number;
}

/** Planes of low bits of a split, from the top down: all of 8 bits but the first. */
export function lowPlanes({ lowBits, droppedBits }: ElementSplit): LowPlane[] {
  const planes: LowPlane[] = [];
  for (let end = lowBits; end > droppedBits; ) {
    const bits = ((end - droppedBits - 1) % PLANE_BITS) + 1;
    end -= bits;
    planes.push({ shift: end, bits });
  }
  return planes;
}

/** Class of each magnitude. Encoding only. @param split - one that has a class for every magnitude */
export function classesOf({ low, high }: Magnitudes, split: ElementSplit, form: ElementForm): Indices {
  const { lowBits, highest, zeroClass, classCount } = split;
  const classes = allocateIndices(low.length, classCount);
  const descends = form.kind === 'float';
  const first = zeroClass ? 1 : 0;
  for (let i = 0; i < low.length; i++) {
    if (zeroClass && low[i] === 0 && (!high || high[i] === 0)) continue; // class 0
    const upper = high || lowBits > 31 ? shiftRight(low[i], high ? high[i] : 0, lowBits) : low[i] >>> lowBits;
    classes[i] = first + (descends ? highest - upper : upper);
  }
  return classes;
}

/** The magnitudes at some positions, themselves if that is all. Encoding only. @param sources - `OWN` for those @param count - how many that are */
export function pickMagnitudes({ low, high }: Magnitudes, sources: Uint8Array, count: number): Magnitudes {
  if (count === low.length) return { low, high, signs: null, lowest: [0, 0] };
  const picked = new Uint32Array(count);
  const pickedHigh = high ? new Uint32Array(count) : null;
  let to = 0;
  for (let i = 0; i < low.length; i++) {
    if (sources[i] !== OWN) continue;
    picked[to] = low[i];
    if (high && pickedHigh) pickedHigh[to] = high[i];
    to++;
  }
  return { low: picked, high: pickedHigh, signs: null, lowest: [0, 0] };
}

/** Low bits of each magnitude. Encoding only. */
export function lowBitsOf({ low, high }: Magnitudes, { shift, bits }: LowPlane): Uint8Array {
  const symbols = new Uint8Array(low.length);
  const mask = (1 << bits) - 1;
  if (!high || shift + bits <= 32) {
    for (let i = 0; i < low.length; i++) symbols[i] = (low[i] >>> shift) & mask;
  } else if (shift >= 32) {
    for (let i = 0; i < low.length; i++) symbols[i] = (high[i] >>> (shift - 32)) & mask;
  } else {
    for (let i = 0; i < low.length; i++) symbols[i] = ((low[i] >>> shift) | (high[i] << (32 - shift))) & mask;
  }
  return symbols;
}

/** Sets the bits of a plane in the first elements, one for each symbol. @param elements - zero in these bits */
export function joinLowBits(
  { words, stride, lowAt }: ElementWords,
  symbols: Indices,
  { shift, bits }: LowPlane,
): void {
  if (stride === 1) {
    for (let i = 0; i < symbols.length; i++) words[i] |= symbols[i] << shift;
    return;
  }
  const intoLow = shift < 32;
  const intoHigh = shift + bits > 32;
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i];
    if (intoLow) words[2 * i + lowAt] |= symbol << shift;
    if (intoHigh) words[2 * i + 1 - lowAt] |= intoLow ? symbol >>> (32 - shift) : symbol << (shift - 32);
  }
}

/**
 * Puts low bits in their places, and the upper bits of every element's class above them.
 * @param elements - low bits of the elements that have their own stand at the start; zero after these
 * @param sources - one for each class
 * @param ownCount - elements with low bits of their own
 */
export function joinClasses(
  { words, stride, lowAt }: ElementWords,
  classes: Indices,
  sources: Uint8Array,
  ownCount: number,
  split: ElementSplit,
  form: ElementForm,
): void {
  const { lowWords, highWords } = wordsOfClasses(split, form);
  let own = ownCount;
  // From the last element on: low bits move to later places, or stay.
  if (stride === 1) {
    for (let i = classes.length - 1; i >= 0; i--) {
      words[i] = sources[i] === OWN ? words[--own] | lowWords[classes[i]] : lowWords[classes[i]];
    }
    return;
  }
  for (let i = classes.length - 1; i >= 0; i--) {
    const hasOwn = sources[i] === OWN;
    if (hasOwn) own--;
    words[2 * i + lowAt] = lowWords[classes[i]] | (hasOwn ? words[2 * own + lowAt] : 0);
    words[2 * i + 1 - lowAt] = highWords[classes[i]] | (hasOwn ? words[2 * own + 1 - lowAt] : 0);
  }
}

function wordsOfClasses(
  { lowBits, zeroClass, classCount, highest }: ElementSplit,
  form: ElementForm,
): { lowWords: Uint32Array; highWords: Uint32Array } {
  const lowWords = new Uint32Array(classCount);
  const highWords = new Uint32Array(classCount);
  const first = zeroClass ? 1 : 0;
  for (let c = first; c < classCount; c++) {
    const upper = form.kind === 'float' ? highest - (c - first) : c - first;
    // Exact: powers of two times an integer below 2^53, and what is lost is beyond the words.
    highWords[c] = Math.floor(upper * 2 ** (lowBits - 32));
    lowWords[c] = lowBits < 32 ? (upper % 2 ** (32 - lowBits)) * 2 ** lowBits : 0;
  }
  return { lowWords, highWords };
}
