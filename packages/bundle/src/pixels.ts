/** Pixels → input tensor, as a manifest's preprocessing says. Resizing is left to the caller. */

import { type TensorOf, tensor } from '@featherwire/tensor';
import type { ChannelOrder, ImagePreprocessing } from './manifest.js';

/** A picture in memory: rows from the top, interleaved channels (gray, RGB or RGBA), a byte each. */
export interface Pixels {
  /** `width * height * channels` bytes. */
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

/** Weights of red, green and blue in luma (ITU-R BT.601). */
const LUMA_WEIGHTS = [0.299, 0.587, 0.114] as const;

/**
 * Makes the input tensor of a picture that already has the size of the preprocessing. A gray picture fills
 * every channel of a color network; a color picture gives its luma to a gray one; alpha is ignored.
 * @returns float32 [1, C, height, width], `(byte / 255 - mean) / std`
 * @throws {RangeError} if the picture's size is not that of the preprocessing, or `data` does not fit it
 */
export function pixelsToTensor(pixels: Pixels, preprocessing: ImagePreprocessing): TensorOf<'float32'> {
  checkSize(pixels, preprocessing);
  const { width, height } = pixels;
  const planes = sourcePlanes(pixels, preprocessing.channelOrder);
  const planeSize = width * height;
  const values = new Float32Array(planes.length * planeSize);
  for (const [channel, readByte] of planes.entries()) {
    const table = valueTable(preprocessing.mean[channel], preprocessing.std[channel]);
    const start = channel * planeSize;
    for (let i = 0; i < planeSize; i++) values[start + i] = table[readByte(i)];
  }
  return tensor('float32', [1, planes.length, height, width], values);
}

function checkSize(pixels: Pixels, preprocessing: ImagePreprocessing): void {
  const { data, width, height, channels } = pixels;
  const { width: expectedWidth, height: expectedHeight } = preprocessing;
  const fits = height === expectedHeight && (expectedWidth === 'aspect' || width === expectedWidth);
  if (!fits) {
    throw new RangeError(`pixels expected ${expectedWidth} x ${expectedHeight}, got ${width} x ${height}`);
  }
  const expected = width * height * channels;
  if (!Number.isInteger(width) || width < 1 || data.length !== expected) {
    throw new RangeError(
      `pixels.data expected ${expected} bytes for ${width} x ${height} x ${channels}, got ${data.length}`,
    );
  }
}

/** For each channel of the network, a function from the position of a pixel to its byte. */
function sourcePlanes(pixels: Pixels, order: ChannelOrder): readonly ((position: number) => number)[] {
  const { data, channels } = pixels;
  const plane = (channel: number) => (position: number) => data[position * channels + channel];
  if (channels === 1) return Array.from({ length: order === 'gray' ? 1 : 3 }, () => plane(0));
  switch (order) {
    case 'RGB':
      return [plane(0), plane(1), plane(2)];
    case 'BGR':
      return [plane(2), plane(1), plane(0)];
    case 'gray':
      return [
        (position) => {
          const at = position * channels;
          const [red, green, blue] = LUMA_WEIGHTS;
          return Math.round(red * data[at] + green * data[at + 1] + blue * data[at + 2]);
        },
      ];
    default:
      return order satisfies never;
  }
}

/** The value of each byte, rounded to float32 once. */
function valueTable(mean: number, std: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - mean) / std);
}
