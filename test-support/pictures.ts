/** Pictures and preprocessing for the tests of every package that handles them. */

import type { ImagePreprocessing, Pixels } from '@featherwire/bundle';
import { createRandom } from '@featherwire/tensor';

/** To 2 x 2 pixels of RGB, stretched, bytes scaled to 0 … 1. */
export const PLAIN_PREPROCESSING: ImagePreprocessing = Object.freeze({
  kind: 'image',
  input: 'x',
  channelOrder: 'RGB',
  height: 2,
  width: 2,
  fit: 'stretch',
  mean: [0, 0, 0],
  std: [1, 1, 1],
});

/** Independent bytes, the same for the same seed. */
export function noisePixels(seed: number, width: number, height: number, channels: 1 | 3 | 4): Pixels {
  const random = createRandom(seed);
  const data = Uint8Array.from({ length: width * height * channels }, () => random.nextInteger(256));
  return { data, width, height, channels };
}

/** A picture of one color. */
export function plainPixels(width: number, height: number, ...color: readonly number[]): Pixels {
  const channels = color.length as Pixels['channels'];
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => color[i % channels]);
  return { data, width, height, channels };
}
