/**
 * Sample input → pixels of the size that a manifest's preprocessing states → input tensor. Resizing is bilinear
 * with the filter widened when shrinking, as in Pillow and torchvision; a picture of the right size is not
 * touched.
 */

import { type ImagePreprocessing, type Pixels, pixelsToTensor } from '@featherwire/bundle';
import type { Tensor } from '@featherwire/tensor';
import sharp, { type Sharp } from 'sharp';
import { DataSetError, type SampleInput } from './data-set.js';

/** Pixels of the largest picture that is decoded. */
const MAX_PICTURE_PIXELS = 1 << 26;
/** Widest picture that `'aspect'` may lead to. */
const MAX_ASPECT_WIDTH = 1 << 14;
/** Picture formats that are decoded, in the decoder's words ("heif" covers AVIF). */
const PICTURE_FORMATS: readonly string[] = ['png', 'jpeg', 'webp', 'heif', 'tiff', 'gif'];

/**
 * The input tensor of a sample.
 * @param preprocessing - the manifest's; needed for pictures, not applied to tensors
 * @returns float32 [1, C, H, W] for a picture, the tensor itself otherwise
 * @throws {TypeError} if a picture comes without preprocessing
 * @throws {DataSetError} if the picture cannot be decoded
 */
export async function tensorOfInput(input: SampleInput, preprocessing?: ImagePreprocessing): Promise<Tensor> {
  if (input.kind === 'tensor') return input.tensor;
  if (!preprocessing) throw new TypeError('preprocessing expected one for a picture, got nothing');
  return pixelsToTensor(await pixelsOfInput(input, preprocessing), preprocessing);
}

/**
 * The picture of a sample in the size that the network takes: what "send the picture" would encode.
 * @throws {TypeError} if the input is a tensor
 * @throws {DataSetError} `invalid-data` if it cannot be decoded, `over-limit` if it is too large
 */
export async function pixelsOfInput(input: SampleInput, preprocessing: ImagePreprocessing): Promise<Pixels> {
  switch (input.kind) {
    case 'tensor':
      throw new TypeError('input expected a picture, got a tensor');
    case 'encoded':
      return resizePixels(await decodePixels(input.bytes), preprocessing);
    case 'pixels':
      return resizePixels(input.pixels, preprocessing);
    default:
      return input satisfies never;
  }
}

/**
 * Decodes a picture, turned upright as its metadata says; transparency is dropped.
 * @returns gray or RGB
 * @throws {DataSetError} `invalid-data` if it is not a picture of a known format, `over-limit` if too large
 */
export async function decodePixels(bytes: Uint8Array): Promise<Pixels> {
  try {
    const picture = sharp(bytes, { limitInputPixels: false, failOn: 'error' });
    const { format, width, height, channels } = await picture.metadata();
    if (!PICTURE_FORMATS.includes(format)) {
      throw new DataSetError(
        'invalid-data',
        `picture expected one of ${PICTURE_FORMATS.join(', ')}, got ${format}`,
      );
    }
    if (width * height > MAX_PICTURE_PIXELS) {
      throw new DataSetError(
        'over-limit',
        `picture expected at most ${MAX_PICTURE_PIXELS} pixels, got ${width} x ${height}`,
      );
    }
    return await rawPixels(picture.autoOrient(), channels <= 2);
  } catch (cause) {
    if (cause instanceof DataSetError) throw cause;
    throw new DataSetError('invalid-data', `picture expected decodable bytes: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * Brings a picture to the height, width and fit of the preprocessing.
 * @throws {DataSetError} `over-limit` if keeping its proportions makes it too wide
 */
export async function resizePixels(pixels: Pixels, preprocessing: ImagePreprocessing): Promise<Pixels> {
  const { height } = preprocessing;
  const width =
    preprocessing.width === 'aspect'
      ? Math.max(1, Math.round((pixels.width * height) / pixels.height))
      : preprocessing.width;
  if (preprocessing.width === 'aspect' && width > MAX_ASPECT_WIDTH) {
    throw new DataSetError('over-limit', `picture expected a width up to ${MAX_ASPECT_WIDTH}, got ${width}`);
  }
  if (pixels.width === width && pixels.height === height) return pixels;
  const fit = preprocessing.fit === 'stretch' ? 'fill' : 'cover';
  const resized = sharpOfPixels(withoutAlpha(pixels)).resize({ width, height, fit, kernel: 'linear' });
  return rawPixels(resized, pixels.channels === 1);
}

/** A picture in memory as the start of a `sharp` pipeline. */
export function sharpOfPixels({ data, width, height, channels }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

/** Runs a pipeline to its pixels: one channel of gray, or RGB. */
async function rawPixels(picture: Sharp, isGray: boolean): Promise<Pixels> {
  const { data, info } = await picture
    .removeAlpha()
    .toColourspace(isGray ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const channels = isGray ? 1 : 3;
  if (info.channels !== channels) {
    throw new DataSetError('invalid-data', `picture expected ${channels} channels, got ${info.channels}`);
  }
  return { data: new Uint8Array(data), width: info.width, height: info.height, channels };
}

/** Alpha goes before resizing, which would otherwise weigh colors by it. */
function withoutAlpha(pixels: Pixels): Pixels {
  if (pixels.channels !== 4) return pixels;
  const data = pixels.data.filter((_, i) => i % 4 !== 3);
  return { ...pixels, data, channels: 3 };
}
