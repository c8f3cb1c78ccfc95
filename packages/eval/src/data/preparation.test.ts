import { DEFAULT_PICTURE_LIMITS, type ImagePreprocessing } from '@featherwire/bundle';
import { sharpOfPixels, tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { noisePixels, PLAIN_PREPROCESSING, plainPixels } from '../../../../test-support/pictures.js';
import { pixelsOfInput, tensorOfInput } from './preparation.js';

const preprocessing: ImagePreprocessing = {
  ...PLAIN_PREPROCESSING,
  mean: [0, 0.1, 0.2],
  std: [1, 0.5, 0.25],
};

describe('pictures', () => {
  test('an encoded one gives the tensor that a server makes of its bytes, and so do its pixels', async () => {
    const pixels = noisePixels(4, 7, 5, 4);
    const bytes = await sharpOfPixels(pixels).png().toBuffer();
    const expected = await tensorOfPicture(bytes, preprocessing, DEFAULT_PICTURE_LIMITS);
    expect(await tensorOfInput({ kind: 'encoded', bytes }, preprocessing)).toEqual(expected);
    expect(await tensorOfInput({ kind: 'pixels', pixels }, preprocessing)).toEqual(expected);
  });

  test('one that cannot be decoded is invalid-data, one that is too large over-limit', async () => {
    const broken = { kind: 'encoded', bytes: Uint8Array.of(1, 2, 3) } as const;
    const invalid = { name: 'DataSetError', code: 'invalid-data' };
    await expect(pixelsOfInput(broken, preprocessing)).rejects.toMatchObject(invalid);
    const wide = {
      kind: 'pixels',
      pixels: plainPixels(2 ** 21, 1, 7),
    } as const;
    const aspect: ImagePreprocessing = { ...preprocessing, width: 'aspect' };
    const overLimit = { name: 'DataSetError', code: 'over-limit' };
    await expect(pixelsOfInput(wide, aspect)).rejects.toMatchObject(overLimit);
  });

  test('one needs preprocessing', async () => {
    await expect(tensorOfInput({ kind: 'pixels', pixels: plainPixels(2, 2, 7) })).rejects.toThrow(TypeError);
  });
});

test('a tensor goes through as it is, and is no picture', async () => {
  const value = tensor('float32', [1, 2], Float32Array.of(1, 2));
  expect(await tensorOfInput({ kind: 'tensor', tensor: value })).toBe(value);
  await expect(pixelsOfInput({ kind: 'tensor', tensor: value }, preprocessing)).rejects.toThrow(TypeError);
});
