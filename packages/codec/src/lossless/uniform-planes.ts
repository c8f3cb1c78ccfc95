/**
 * Planes of a tensor whose elements are all the same bits: channels that never fire, values spread over a map. They
 * leave the tensor, and one element of each stays (bitstream.md §17.1).
 */

import type { ElementWords } from './element-form.js';

/** Smaller planes are left where they are: their list would cost what it saves. */
const MIN_PLANE_SIZE = 16;

/**
 * Finds the uniform planes. Encoding only.
 * @param planeSize - elements of a plane, at least 1
 * @returns 1 for each uniform plane, 0 for the others
 */
export function findUniformPlanes({ words, stride }: ElementWords, planeSize: number): Uint8Array {
  const planeWords = planeSize * stride;
  const planeCount = words.length / planeWords;
  const isUniform = new Uint8Array(planeCount);
  if (planeSize < MIN_PLANE_SIZE) return isUniform;
  for (let plane = 0; plane < planeCount; plane++) {
    const start = plane * planeWords;
    let at = start + stride;
    // Each word is that of the element before, whose words stand `stride` back.
    while (at < start + planeWords && words[at] === words[at - stride]) at++;
    isUniform[plane] = at === start + planeWords ? 1 : 0;
  }
  return isUniform;
}

/** The elements of the other planes, in a view of a copy. Encoding only. */
export function withoutUniformPlanes(
  elements: ElementWords,
  planeSize: number,
  isUniform: Uint8Array,
): ElementWords {
  if (!isUniform.includes(1)) return elements;
  const planeWords = planeSize * elements.stride;
  const kept = isUniform.length - countUniform(isUniform);
  const words = elements.words.slice(0, kept * planeWords);
  let to = 0;
  for (let plane = 0; plane < isUniform.length; plane++) {
    if (isUniform[plane]) continue;
    words.set(elements.words.subarray(plane * planeWords, (plane + 1) * planeWords), to);
    to += planeWords;
  }
  return { ...elements, words };
}

/**
 * Puts uniform planes back.
 * @param elements - the whole tensor; the elements of the other planes stand at its start, and are moved
 * @param values - one element for each uniform plane, in order
 */
export function insertUniformPlanes(
  { words, stride }: ElementWords,
  planeSize: number,
  isUniform: Uint8Array,
  values: ElementWords,
): void {
  const planeWords = planeSize * stride;
  let uniform = countUniform(isUniform);
  // From the last plane on: what is moved goes to a later place, or stays.
  for (let plane = isUniform.length - 1; uniform > 0; plane--) {
    const to = plane * planeWords;
    if (isUniform[plane]) {
      uniform--;
      const value = uniform * stride;
      for (let at = 0; at < planeWords; at++) words[to + at] = values.words[value + (at % stride)];
    } else {
      const from = (plane - uniform) * planeWords;
      words.copyWithin(to, from, from + planeWords);
    }
  }
}

/** Number of uniform planes. */
export function countUniform(isUniform: Uint8Array): number {
  let count = 0;
  for (let plane = 0; plane < isUniform.length; plane++) count += isUniform[plane];
  return count;
}
