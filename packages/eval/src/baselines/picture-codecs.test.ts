import type { Pixels } from '@featherwire/bundle';
import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { decodePicture, encodePicture, type PictureCoding } from './picture-codecs.js';

/** A smooth picture with some noise. */
function testPicture(channels: 1 | 3): Pixels {
  const [width, height] = [48, 32];
  const random = createRandom(5);
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const position = Math.floor(i / channels);
    return Math.min(255, (position % width) * 4 + (i % channels) * 20 + random.nextInteger(12));
  });
  return { data, width, height, channels };
}

function meanDifference(a: Pixels, b: Pixels): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i] - b.data[i]);
  return sum / a.data.length;
}

const LOSSLESS: readonly PictureCoding[] = [{ codec: 'png' }, { codec: 'webp-lossless' }];
const LOSSY = ['jpeg', 'webp', 'avif'] as const;

describe.each([1, 3] as const)('pictures of %i channels', (channels) => {
  const picture = testPicture(channels);

  test.each(LOSSLESS)('$codec gives the pixels back', async (coding) => {
    const { bytes, encodeMs } = await encodePicture(picture, coding);
    const { pixels, decodeMs } = await decodePicture(bytes, channels);
    expect(pixels).toEqual(picture);
    expect(encodeMs).toBeGreaterThan(0);
    expect(decodeMs).toBeGreaterThan(0);
  });

  test.each(LOSSY)('%s comes close at a high quality, and is smaller at a low one', async (codec) => {
    const fine = await encodePicture(picture, { codec, quality: 95 });
    const coarse = await encodePicture(picture, { codec, quality: 10 });
    expect(coarse.bytes.length).toBeLessThan(fine.bytes.length);
    const { pixels } = await decodePicture(fine.bytes, channels);
    expect({ ...pixels, data: null }).toEqual({ ...picture, data: null });
    expect(meanDifference(pixels, picture)).toBeLessThan(6);
    const { pixels: rough } = await decodePicture(coarse.bytes, channels);
    expect(meanDifference(rough, picture)).toBeGreaterThan(meanDifference(pixels, picture));
  });
});

test('every gray level survives the lossless codecs', async () => {
  const levels: Pixels = {
    data: Uint8Array.from({ length: 256 }, (_, i) => i),
    width: 16,
    height: 16,
    channels: 1,
  };
  for (const coding of LOSSLESS) {
    const { bytes } = await encodePicture(levels, coding);
    expect((await decodePicture(bytes, 1)).pixels).toEqual(levels);
  }
});

test.each([0, 101, 50.5, Number.NaN])('quality %d is refused', async (quality) => {
  await expect(encodePicture(testPicture(1), { codec: 'jpeg', quality })).rejects.toThrow(RangeError);
});

test('bytes that are no picture are refused', async () => {
  await expect(decodePicture(Uint8Array.of(1, 2, 3), 1)).rejects.toThrow();
});
