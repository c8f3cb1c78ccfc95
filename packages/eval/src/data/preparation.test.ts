import type { ImagePreprocessing, Pixels } from '@featherwire/bundle';
import { tensor } from '@featherwire/tensor';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePixels, pixelsOfInput, resizePixels, tensorOfInput } from './preparation.js';

const preprocessing: ImagePreprocessing = {
  kind: 'image',
  input: 'x',
  channelOrder: 'RGB',
  height: 2,
  width: 2,
  fit: 'stretch',
  mean: [0, 0, 0],
  std: [1, 1, 1],
};
const gray = (data: number[], width: number, height: number): Pixels => ({
  data: Uint8Array.from(data),
  width,
  height,
  channels: 1,
});

describe('decodePixels', () => {
  const source = sharp(Uint8Array.of(0, 50, 100, 255), { raw: { width: 2, height: 2, channels: 1 } });

  test('keeps gray as one channel, at 8 and at 16 bits', async () => {
    const eight = await source.clone().toColourspace('b-w').png().toBuffer();
    expect(await decodePixels(eight)).toEqual(gray([0, 50, 100, 255], 2, 2));
    const words = sharp(Uint16Array.of(0, 50 * 257, 100 * 257, 65535), {
      raw: { width: 2, height: 2, channels: 1 },
    });
    expect(await decodePixels(await words.toColourspace('grey16').png().toBuffer())).toEqual(
      gray([0, 50, 100, 255], 2, 2),
    );
  });

  test('drops transparency and turns pictures upright', async () => {
    const transparent = sharp(Uint8Array.of(255, 0, 0, 255, 0, 255, 0, 128), {
      raw: { width: 2, height: 1, channels: 4 },
    });
    expect(await decodePixels(await transparent.png().toBuffer())).toEqual({
      data: Uint8Array.of(255, 0, 0, 0, 255, 0),
      width: 2,
      height: 1,
      channels: 3,
    });
    const lying = sharp(Uint8Array.of(1, 2, 3, 4, 5, 6), { raw: { width: 2, height: 1, channels: 3 } });
    const turned = await lying.withMetadata({ orientation: 6 }).png().toBuffer();
    expect(await decodePixels(turned)).toEqual({
      data: Uint8Array.of(1, 2, 3, 4, 5, 6),
      width: 1,
      height: 2,
      channels: 3,
    });
  });

  test('refuses other formats, damaged files and huge pictures', async () => {
    const invalid = { name: 'DataSetError', code: 'invalid-data' };
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>';
    await expect(decodePixels(new TextEncoder().encode(svg))).rejects.toMatchObject(invalid);
    await expect(decodePixels(new Uint8Array(0))).rejects.toMatchObject(invalid);
    await expect(decodePixels(Uint8Array.of(1, 2, 3))).rejects.toMatchObject(invalid);
    const png = await source.clone().png().toBuffer();
    await expect(decodePixels(png.subarray(0, png.length - 20))).rejects.toMatchObject(invalid);
    const huge = await sharp({ create: { width: 8193, height: 8192, channels: 3, background: 'white' } })
      .png({ compressionLevel: 1 })
      .toBuffer();
    await expect(decodePixels(huge)).rejects.toMatchObject({ code: 'over-limit' });
  });
});

describe('resizePixels', () => {
  test('leaves a picture of the right size alone', async () => {
    const pixels = gray([1, 2, 3, 4], 2, 2);
    expect(await resizePixels(pixels, preprocessing)).toBe(pixels);
  });

  test('stretches to the size, or fills it and crops the middle', async () => {
    const wide = gray([10, 10, 200, 200, 90, 90, 10, 10, 200, 200, 90, 90], 6, 2);
    const stretched = await resizePixels(wide, preprocessing);
    expect([stretched.width, stretched.height, stretched.channels]).toEqual([2, 2, 1]);
    const cropped = await resizePixels(wide, { ...preprocessing, fit: 'center-crop' });
    expect(cropped).toEqual(gray([200, 200, 200, 200], 2, 2));
  });

  test('keeps proportions where the width says so, within a limit', async () => {
    const aspect: ImagePreprocessing = { ...preprocessing, width: 'aspect' };
    const { width, height } = await resizePixels(gray(new Array(12).fill(7), 3, 4), aspect);
    expect([width, height]).toEqual([2, 2]);
    const narrow = await resizePixels(gray(new Array(100).fill(7), 1, 100), aspect);
    expect([narrow.width, narrow.height]).toEqual([1, 2]);
    const line = gray(new Array(20_000).fill(7), 20_000, 1);
    await expect(resizePixels(line, aspect)).rejects.toMatchObject({ code: 'over-limit' });
  });

  test('transparent colors count like others', async () => {
    const data = Uint8Array.of(200, 100, 0, 0, 200, 100, 0, 0);
    const { data: bytes } = await resizePixels(
      { data, width: 2, height: 1, channels: 4 },
      { ...preprocessing, width: 1, height: 1 },
    );
    expect(Array.from(bytes)).toEqual([200, 100, 0]);
  });
});

describe('inputs', () => {
  test('a tensor goes through as it is, and is no picture', async () => {
    const value = tensor('float32', [1, 2], Float32Array.of(1, 2));
    expect(await tensorOfInput({ kind: 'tensor', tensor: value })).toBe(value);
    await expect(pixelsOfInput({ kind: 'tensor', tensor: value }, preprocessing)).rejects.toThrow(TypeError);
  });

  test('a picture needs preprocessing', async () => {
    const pixels = gray([0, 255, 0, 255], 2, 2);
    await expect(tensorOfInput({ kind: 'pixels', pixels })).rejects.toThrow(TypeError);
    const value = await tensorOfInput({ kind: 'pixels', pixels }, preprocessing);
    expect(value.shape).toEqual([1, 3, 2, 2]);
  });
});
