import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { noisePixels, PLAIN_PREPROCESSING, plainPixels } from '../../../../test-support/pictures.js';
import type { ImagePreprocessing } from '../manifest.js';
import { DEFAULT_PICTURE_LIMITS } from '../picture-limits.js';
import { flattenOnWhite, type Pixels, pixelsToTensor } from '../pixels.js';
import { decodePixels, resizePixels, sharpOfPixels, tensorOfPicture } from './pictures.js';

const LIMITS = DEFAULT_PICTURE_LIMITS;
const preprocessing = PLAIN_PREPROCESSING;

const gray = (data: number[], width: number, height: number): Pixels => ({
  data: Uint8Array.from(data),
  width,
  height,
  channels: 1,
});
const plain = (width: number, height: number): Pixels => plainPixels(width, height, 9, 9, 9);
const png = (pixels: Pixels): Promise<Uint8Array> => sharpOfPixels(pixels).png().toBuffer();

describe('decodePixels', () => {
  const source = gray([0, 50, 100, 255], 2, 2);

  test.each(['png', 'jpeg', 'webp', 'avif', 'tiff', 'gif'] as const)('takes %s', async (format) => {
    const color = { r: 200, g: 100, b: 50 };
    const create = { width: 30, height: 20, channels: 3, background: color } as const;
    const { data, ...size } = await decodePixels(await sharp({ create }).toFormat(format).toBuffer(), LIMITS);
    expect(size).toEqual({ width: 30, height: 20, channels: 3 });
    for (const [i, value] of [200, 100, 50].entries()) expect(Math.abs(data[i] - value)).toBeLessThan(5);
  });

  test('keeps gray as one channel, at 8 and at 16 bits, and transparent gray on white', async () => {
    expect(
      await decodePixels(await sharpOfPixels(source).toColourspace('b-w').png().toBuffer(), LIMITS),
    ).toEqual(source);
    const words = sharp(Uint16Array.of(0, 50 * 257, 100 * 257, 65535), {
      raw: { width: 2, height: 2, channels: 1 },
    });
    expect(await decodePixels(await words.toColourspace('grey16').png().toBuffer(), LIMITS)).toEqual(source);
    const withAlpha = sharp(Uint8Array.of(0, 128, 7, 0), { raw: { width: 2, height: 1, channels: 2 } });
    expect(await decodePixels(await withAlpha.toColourspace('b-w').png().toBuffer(), LIMITS)).toEqual(
      gray([127, 255], 2, 1),
    );
  });

  test('transparency comes out as in a picture in memory, for every color and alpha', async () => {
    const data = new Uint8Array(4 * 256 * 256);
    for (let i = 0; i < 256 * 256; i++) data.set([i >> 8, 255 - (i >> 8), 128, i & 255], 4 * i);
    const pixels: Pixels = { data, width: 256, height: 256, channels: 4 };
    expect(await decodePixels(await png(pixels), LIMITS)).toEqual(flattenOnWhite(pixels));
  });

  test('turns pictures upright', async () => {
    const lying: Pixels = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1, channels: 3 };
    const turned = await sharpOfPixels(lying).withMetadata({ orientation: 6 }).png().toBuffer();
    expect(await decodePixels(turned, LIMITS)).toEqual({ ...lying, width: 1, height: 2 });
  });

  test('refuses other formats and damaged files as not-a-picture, in one line', async () => {
    const whole = await png(noisePixels(1, 16, 16, 3));
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
    const damaged = [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3),
      whole.subarray(0, 40),
      whole.subarray(0, -20),
    ];
    for (const bytes of [svg, ...damaged]) {
      const error = await decodePixels(bytes, LIMITS).catch((cause) => cause);
      expect(error).toMatchObject({ name: 'PictureError', code: 'not-a-picture' });
      expect(error.message).toMatch(/^picture expected PNG, JPEG, WebP, AVIF, TIFF or GIF[^\n]*$/);
    }
  });

  test('refuses pictures of more pixels than the limit, and takes those of as many', async () => {
    const bytes = await png(plain(10, 11));
    const limited = (maxPicturePixels: number) => decodePixels(bytes, { maxPicturePixels });
    expect((await limited(110)).height).toBe(11);
    await expect(limited(109)).rejects.toMatchObject({ name: 'PictureError', code: 'over-limit' });
  });
});

describe('resizePixels', () => {
  test('hands back a picture of the right size', async () => {
    const pixels = gray([1, 2, 3, 4], 2, 2);
    expect(await resizePixels(pixels, preprocessing, LIMITS)).toBe(pixels);
  });

  test('stretches to the size, or fills it and cuts out the middle', async () => {
    const wide = gray([10, 10, 200, 200, 90, 90, 10, 10, 200, 200, 90, 90], 6, 2);
    const stretched = await resizePixels(wide, preprocessing, LIMITS);
    expect([stretched.width, stretched.height, stretched.channels]).toEqual([2, 2, 1]);
    const cropping = { ...preprocessing, fit: 'center-crop' } as const;
    expect(await resizePixels(wide, cropping, LIMITS)).toEqual(gray([200, 200, 200, 200], 2, 2));
    const tall = noisePixels(2, 30, 70, 3);
    const { data, ...size } = await resizePixels(tall, { ...cropping, width: 20, height: 10 }, LIMITS);
    expect(size).toEqual({ width: 20, height: 10, channels: 3 });
    expect(data.length).toBe(600);
  });

  test('keeps proportions where the width says so', async () => {
    const aspect: ImagePreprocessing = { ...preprocessing, width: 'aspect' };
    const sizeOf = async (width: number, height: number) => {
      const resized = await resizePixels(plain(width, height), aspect, LIMITS);
      return [resized.width, resized.height];
    };
    expect(await sizeOf(3, 4)).toEqual([2, 2]);
    expect(await sizeOf(1, 100)).toEqual([1, 2]);
  });

  test('refuses to resize to more elements than the limit, and resizes to as many', async () => {
    const limited = (preprocessing: ImagePreprocessing, maxTensorElements: number) =>
      resizePixels(plain(50, 1), preprocessing, { maxTensorElements });
    const aspect: ImagePreprocessing = { ...preprocessing, width: 'aspect' }; // 100 x 2
    expect((await limited(aspect, 600)).width).toBe(100);
    await expect(limited(aspect, 599)).rejects.toMatchObject({ name: 'PictureError', code: 'over-limit' });
    const oneChannel: ImagePreprocessing = { ...aspect, channelOrder: 'gray', mean: [0], std: [1] };
    expect((await limited(oneChannel, 200)).width).toBe(100);
    const cropping: ImagePreprocessing = { ...preprocessing, fit: 'center-crop' }; // 2 x 2 of 100 x 2
    expect((await limited(cropping, 600)).width).toBe(2);
    await expect(limited(cropping, 599)).rejects.toMatchObject({ code: 'over-limit' });
  });

  describe('with resizeShortSide', () => {
    const crop: ImagePreprocessing = { ...preprocessing, width: 4, height: 3, fit: 'center-crop' };
    const cropOf = (shortSide: number): ImagePreprocessing => ({ ...crop, resizeShortSide: shortSide });

    test('cuts out the center without resampling where the short side has that length', async () => {
      for (const [width, height, left, top] of [
        [11, 8, 4, 3],
        [8, 11, 2, 4],
        [8, 8, 2, 3],
      ]) {
        const pixels = noisePixels(6, width, height, 3);
        const expected = Uint8Array.from({ length: 36 }, (_, i) => {
          const [row, column] = [Math.floor(i / 12), i % 12];
          return pixels.data[((top + row) * width + left) * 3 + column];
        });
        expect((await resizePixels(pixels, cropOf(8), LIMITS)).data, `${width} x ${height}`).toEqual(
          expected,
        );
      }
    });

    test('resizes the short side to that length in proportion, then cuts', async () => {
      for (const [width, height, full] of [
        [33, 20, { width: 13, height: 8 }],
        [20, 33, { width: 8, height: 13 }],
        [3, 5, { width: 8, height: 13 }],
      ] as const) {
        const pixels = noisePixels(7, width, height, 3);
        const whole = await resizePixels(pixels, { ...preprocessing, ...full }, LIMITS);
        const expected = await resizePixels(whole, cropOf(8), LIMITS);
        expect(await resizePixels(pixels, cropOf(8), LIMITS), `${width} x ${height}`).toEqual(expected);
      }
    });

    test('a smaller part of the picture is left than without it', async () => {
      const ring = gray(
        Array.from({ length: 100 }, (_, i) => (i % 10 === 0 || i % 10 === 9 || i < 10 || i >= 90 ? 255 : 0)),
        10,
        10,
      );
      const square = { ...crop, width: 8, height: 8 };
      expect((await resizePixels(ring, square, LIMITS)).data).not.toEqual(new Uint8Array(64));
      expect((await resizePixels(ring, { ...square, resizeShortSide: 10 }, LIMITS)).data).toEqual(
        new Uint8Array(64),
      );
    });

    test('counts the elements before the cut, and refuses a length below the target', async () => {
      const limited = (maxTensorElements: number) =>
        resizePixels(plain(40, 20), cropOf(8), { maxTensorElements });
      expect((await limited(3 * 16 * 8)).width).toBe(4);
      await expect(limited(3 * 16 * 8 - 1)).rejects.toMatchObject({ code: 'over-limit' });
      await expect(resizePixels(plain(40, 20), cropOf(3), LIMITS)).rejects.toThrow(RangeError);
    });
  });

  test('puts transparent colors on white before resizing', async () => {
    const data = Uint8Array.of(200, 100, 0, 0, 200, 100, 0, 255);
    const pixels: Pixels = { data, width: 2, height: 1, channels: 4 };
    const small = { ...preprocessing, width: 1, height: 1 };
    expect(await resizePixels(pixels, small, LIMITS)).toEqual(
      await resizePixels(flattenOnWhite(pixels), small, LIMITS),
    );
    const same = await resizePixels(pixels, { ...preprocessing, height: 1 }, LIMITS);
    expect(same.data).toEqual(Uint8Array.of(255, 255, 255, 200, 100, 0));
  });

  test('pixels that do not fit their size are refused', async () => {
    await expect(resizePixels({ ...plain(2, 2), width: 3 }, preprocessing, LIMITS)).rejects.toThrow(
      RangeError,
    );
  });
});

test('tensorOfPicture decodes, resizes and normalizes, within both limits', async () => {
  const pixels = noisePixels(3, 9, 5, 4);
  const bytes = await png(pixels);
  const expected = pixelsToTensor(await resizePixels(pixels, preprocessing, LIMITS), preprocessing);
  expect(await tensorOfPicture(bytes, preprocessing, LIMITS)).toEqual(expected);
  const limited = (limits: object) => tensorOfPicture(bytes, preprocessing, { ...LIMITS, ...limits });
  await expect(limited({ maxPicturePixels: 44 })).rejects.toMatchObject({ code: 'over-limit' });
  await expect(limited({ maxTensorElements: 11 })).rejects.toMatchObject({ code: 'over-limit' });
});
