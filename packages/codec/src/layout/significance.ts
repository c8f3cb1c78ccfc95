/**
 * Significance map (bitstream.md §10.2): one symbol for each element, 0 for the background and 1 for the others, and
 * the indices of the others. Forward and inverse.
 */

import type { IndexAlphabet } from '../stages.js';
import { countKept } from './csr.js';

/** Symbols of a significance array. */
export const SIGNIFICANCE_ALPHABET_SIZE = 2;

/** Which elements are not the background, and what they are. */
export interface SignificanceMap {
  /** 0 or 1 for each element. */
  readonly significance: Uint8Array;
  /** Index of each element that is not the background, in element order. */
  readonly values: Uint8Array;
}

/** Takes the background out of indices. @param indices - not modified */
export function mapSignificance(indices: Uint8Array, background: number): SignificanceMap {
  const significance = new Uint8Array(indices.length);
  const values = new Uint8Array(countKept(indices, background));
  let kept = 0;
  for (let i = 0; i < indices.length; i++) {
    if (indices[i] === background) continue;
    significance[i] = 1;
    values[kept++] = indices[i];
  }
  return { significance, values };
}

/**
 * Inverse of `mapSignificance`, for values of any content.
 * @param map - of which `significance` holds only 0 and 1
 * @returns the indices, or the reason for which the arrays are not a significance map
 */
export function unmapSignificance(map: SignificanceMap, alphabet: IndexAlphabet): Uint8Array | string {
  const { significance, values } = map;
  const { levelCount, background } = alphabet;
  const indices = new Uint8Array(significance.length).fill(background);
  let kept = 0;
  for (let i = 0; i < significance.length; i++) {
    if (significance[i] === 0) continue;
    if (kept === values.length) return `more elements are significant than the ${kept} values`;
    const value = values[kept];
    if (value === background || value >= levelCount)
      return `value ${value} of entry ${kept} is no kept index`;
    indices[i] = value;
    kept++;
  }
  return kept === values.length ? indices : `${kept} elements are significant, with ${values.length} values`;
}
