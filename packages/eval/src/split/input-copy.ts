/**
 * Changed copies of pictures for training, made from the tensor that a network takes, so that data of any form have them.
 * What a shift leaves open repeats the edge: no value comes up that the picture does not have.
 */

import { createRandom, type Tensor } from '@featherwire/tensor';

/** How a copy differs from its picture. */
export interface InputCopy {
  /** Left and right change places. */
  readonly isMirrored: boolean;
  /** Most pixels that it is moved by, in each direction; 0 for none. */
  readonly maxShift: number;
}

/**
 * Makes a copy.
 * @param input - [N, C, H, W]; not modified
 * @param seed - draws the shift, evenly among those of `maxShift` pixels or fewer
 * @throws {TypeError} if the input is no picture of float32
 */
export function copyInput(input: Tensor, { isMirrored, maxShift }: InputCopy, seed: number): Tensor {
  const { dtype, shape, data } = input;
  if (dtype !== 'float32' || shape.length !== 4)
    throw new TypeError(`copies expected float32 [N, C, H, W], got ${dtype} [${shape.join(', ')}]`);
  const [height, width] = shape.slice(2);
  const random = createRandom(seed);
  const [right, down] = [0, 0].map(() => random.nextInteger(2 * maxShift + 1) - maxShift);
  const columns = Array.from({ length: width }, (_, x) => {
    const from = clamped(x - right, width);
    return isMirrored ? width - 1 - from : from;
  });
  const rows = Array.from({ length: height }, (_, y) => clamped(y - down, height));
  const moved = new Float32Array(data.length);
  let at = 0;
  for (let map = 0; map < data.length; map += height * width) {
    for (const row of rows) {
      for (const column of columns) moved[at++] = data[map + row * width + column];
    }
  }
  return { dtype, shape, data: moved };
}

function clamped(position: number, length: number): number {
  return Math.min(length - 1, Math.max(0, position));
}
