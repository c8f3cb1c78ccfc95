/**
 * Greedy decoding of connectionist temporal classification (Graves et al., 2006): the best index of each time
 * step, repeats collapsed, blanks dropped. Index 0 is the blank.
 */

import type { Tensor } from '@featherwire/tensor';

/** Index of the blank. */
export const CTC_BLANK = 0;

/**
 * Text of one sequence of indices.
 * @param indices - one index per time step
 * @param alphabet - text of each index; the entry of the blank is not used
 * @throws {RangeError} if an index lies outside the alphabet
 */
export function decodeCtcIndices(indices: ArrayLike<number>, alphabet: readonly string[]): string {
  let text = '';
  let previous = CTC_BLANK;
  for (let step = 0; step < indices.length; step++) {
    const index = indices[step];
    if (!(index in alphabet)) {
      throw new RangeError(`index expected 0 to ${alphabet.length - 1}, got ${index} at step ${step}`);
    }
    if (index !== CTC_BLANK && index !== previous) text += alphabet[index];
    previous = index;
  }
  return text;
}

/**
 * Texts of a batch of network outputs.
 * @param output - float32 [N, T, K], scores in any monotone scale; K is the length of `alphabet`
 * @returns N texts
 * @throws {RangeError} if the shape does not fit; {TypeError} if the element type is not float32
 */
export function decodeCtcOutput(output: Tensor, alphabet: readonly string[]): string[] {
  if (output.dtype !== 'float32') throw new TypeError(`output expected float32, got ${output.dtype}`);
  const [batch, steps, scores] = output.shape;
  if (output.shape.length !== 3 || scores !== alphabet.length) {
    throw new RangeError(`output expected [N, T, ${alphabet.length}], got [${output.shape.join(', ')}]`);
  }
  return Array.from({ length: batch }, (_, n) => {
    const indices = new Uint32Array(steps);
    for (let step = 0; step < steps; step++) {
      const start = (n * steps + step) * scores;
      indices[step] = indexOfLargest(output.data, start, scores);
    }
    return decodeCtcIndices(indices, alphabet);
  });
}

/**
 * Position of the largest of `length` values from `start`, relative to `start`; the first of equals. NaN is
 * never the largest; 0 if all are NaN.
 */
export function indexOfLargest(values: ArrayLike<number>, start: number, length: number): number {
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) {
    if (values[start + i] > largest) {
      largest = values[start + i];
      best = i;
    }
  }
  return best;
}
