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
 * every channel of a color network; a color picture gives its luma to a gray one; a transparent one is put on
 * white first.
 * @returns float32 [1, C, height, width], `(byte / 255 - mean) / std`
 * @throws {RangeError} if the picture's size is not that of the preprocessing, or `data` does not fit it
 */
export function pixelsToTensor(pixels: Pixels, preprocessing: ImagePreprocessing): TensorOf<'float32'> {
  checkPixels(pixels);
  checkSize(pixels, preprocessing);
  const { width, height } = pixels;
  const planes = sourcePlanes(flattenOnWhite(pixels), preprocessing.channelOrder);
  const planeSize = width * height;
  const values = new Float32Array(planes.length * planeSize);
  for (const [channel, readByte] of planes.entries()) {
    const table = valueTable(preprocessing.mean[channel], preprocessing.std[channel]);
    const start = channel * planeSize;
    for (let i = 0; i < planeSize; i++) values[start + i] = table[readByte(i)];
  }
  return tensor('float32', [1, planes.length, height, width], values);
}

/**
 * Puts a transparent picture on white, rounding down as libvips does for encoded pictures.
 * @param pixels - colors not multiplied by alpha; not modified
 * @returns gray or RGB; `pixels` itself if it has no alpha
 */
export function flattenOnWhite(pixels: Pixels): Pixels {
  const { data, width, height, channels } = pixels;
  if (channels !== 4) return pixels;
  const opaque = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const alpha = data[from + 3];
    const white = 255 * (255 - alpha);
    for (let channel = 0; channel < 3; channel++) {
      opaque[to++] = Math.floor((data[from + channel] * alpha + white) / 255);
    }
  }
  return { data: opaque, width, height, channels: 3 };
}

/** @throws {RangeError} if a side is not an integer from 1, or `data` does not fit the size */
export function checkPixels({ data, width, height, channels }: Pixels): void {
  for (const [name, side] of Object.entries({ width, height })) {
    if (!Number.isInteger(side) || side < 1) {
      throw new RangeError(`pixels.${name} expected an integer from 1, got ${side}`);
    }
  }
  const expected = width * height * channels;
  if (data.length !== expected) {
    throw new RangeError(
      `pixels.data expected ${expected} bytes for ${width} x ${height} x ${channels}, got ${data.length}`,
    );
  }
}

function checkSize({ width, height }: Pixels, preprocessing: ImagePreprocessing): void {
  const { width: expectedWidth, height: expectedHeight } = preprocessing;
  const fits = height === expectedHeight && (expectedWidth === 'aspect' || width === expectedWidth);
  if (!fits) {
    throw new RangeError(`pixels expected ${expectedWidth} x ${expectedHeight}, got ${width} x ${height}`);
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
