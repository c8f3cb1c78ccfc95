import { describe, expect, test } from 'vitest';
import { PLAIN_PREPROCESSING } from '../../../test-support/pictures.js';
import type { ImagePreprocessing } from './manifest.js';
import { flattenOnWhite, pixelsToTensor } from './pixels.js';

const preprocessing: ImagePreprocessing = {
  ...PLAIN_PREPROCESSING,
  height: 1,
  mean: [0, 0.5, 0.25],
  std: [1, 0.5, 0.125],
};
const color = { data: Uint8Array.of(255, 0, 51, 0, 255, 102), width: 2, height: 1, channels: 3 } as const;

describe('pixelsToTensor', () => {
  test('gives (byte / 255 - mean) / std in planes, in the order of the network', () => {
    const rgb = pixelsToTensor(color, preprocessing);
    expect(rgb.shape).toEqual([1, 3, 1, 2]);
    expect(Array.from(rgb.data)).toEqual(
      [1, 0, -1, 1, (0.2 - 0.25) / 0.125, (0.4 - 0.25) / 0.125].map(Math.fround),
    );
    const bgr = pixelsToTensor(color, { ...preprocessing, channelOrder: 'BGR' });
    expect(Array.from(bgr.data)).toEqual([0.2, 0.4, -1, 1, 6, -2].map(Math.fround));
  });

  test('a transparent picture is put on white, rounding down', () => {
    const data = Uint8ClampedArray.of(255, 0, 51, 255, 9, 8, 7, 0);
    const opaque = { ...color, data: Uint8Array.of(255, 0, 51, 255, 255, 255) };
    expect(pixelsToTensor({ ...color, data, channels: 4 }, preprocessing)).toEqual(
      pixelsToTensor(opaque, preprocessing),
    );
    const half = { data: Uint8Array.of(0, 100, 200, 128), width: 1, height: 1, channels: 4 } as const;
    expect(flattenOnWhite(half).data).toEqual(Uint8Array.of(127, 177, 227));
  });

  test('a gray picture fills every channel, and a color picture gives its luma', () => {
    const plain = { ...preprocessing, mean: [0, 0, 0], std: [1, 1, 1] };
    const gray = { data: Uint8Array.of(0, 255), width: 2, height: 1, channels: 1 } as const;
    expect(Array.from(pixelsToTensor(gray, plain).data)).toEqual([0, 1, 0, 1, 0, 1]);
    const luma = pixelsToTensor(color, { ...plain, channelOrder: 'gray', mean: [0], std: [1] });
    expect(luma.shape).toEqual([1, 1, 1, 2]);
    expect(Array.from(luma.data)).toEqual([82 / 255, 161 / 255].map(Math.fround));
  });

  test('a width of aspect takes any width', () => {
    expect(pixelsToTensor(color, { ...preprocessing, width: 'aspect' }).shape).toEqual([1, 3, 1, 2]);
  });

  test.each([
    ['another height', { ...color, height: 2, width: 1 }],
    ['another width', { ...color, width: 3, data: new Uint8Array(9) }],
    ['too few bytes', { ...color, data: new Uint8Array(5) }],
    ['too many bytes', { ...color, data: new Uint8Array(7) }],
    ['a width of NaN', { ...color, width: Number.NaN }],
    ['no rows', { ...color, height: 0, data: new Uint8Array(0) }],
  ])('%s is refused', (_, pixels) => {
    expect(() => pixelsToTensor(pixels, preprocessing)).toThrow(RangeError);
  });
});
