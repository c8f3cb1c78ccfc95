/**
 * "Send the picture": the picture codecs that a split must beat, by libvips through `sharp`. Settings favor
 * small files: optimized Huffman tables and trellis quantization for JPEG, adaptive filters for PNG.
 */

import { DEFAULT_PICTURE_LIMITS, type Pixels } from '@featherwire/bundle';
import { decodePixels, sharpOfPixels } from '@featherwire/bundle/node/pictures';
import type { Sharp } from 'sharp';

/** A codec with its setting; `quality` is an integer from 1 to 100. */
export type PictureCoding =
  | { readonly codec: 'png' }
  | { readonly codec: 'webp-lossless' }
  | { readonly codec: 'jpeg'; readonly quality: number }
  | { readonly codec: 'webp'; readonly quality: number }
  | { readonly codec: 'avif'; readonly quality: number };

/** Codecs that lose detail and have a quality. */
export type LossyPictureCodec = Extract<PictureCoding, { readonly quality: number }>['codec'];

/** A coded picture: a whole file, headers included. */
export interface EncodedPicture {
  readonly bytes: Uint8Array;
  /** Wall time of the encoder, waiting for a thread included. */
  readonly encodeMs: number;
}

/** A decoded picture. */
export interface DecodedPicture {
  readonly pixels: Pixels;
  /** Wall time of the decoder, waiting for a thread included. */
  readonly decodeMs: number;
}

/**
 * Encodes a picture without metadata. Gray pictures are coded as gray where the format can (PNG, JPEG).
 * @throws {RangeError} if the quality is not an integer from 1 to 100
 */
export async function encodePicture(pixels: Pixels, coding: PictureCoding): Promise<EncodedPicture> {
  if ('quality' in coding) checkQuality(coding.quality);
  const start = performance.now();
  const source = sharpOfPixels(pixels);
  const picture = pixels.channels === 1 ? source.toColourspace('b-w') : source;
  const bytes = await withCodec(picture, coding).toBuffer();
  return { bytes: new Uint8Array(bytes), encodeMs: performance.now() - start };
}

/**
 * Decodes a picture that `encodePicture` made, as a server does.
 * @param channels - of the picture that was encoded: of formats without gray the first of three channels is taken
 * @throws {PictureError} if the bytes are not a picture, or it is over the default limits
 */
export async function decodePicture(bytes: Uint8Array, channels: 1 | 3): Promise<DecodedPicture> {
  const start = performance.now();
  const decoded = await decodePixels(bytes, DEFAULT_PICTURE_LIMITS);
  const pixels = channels === 1 && decoded.channels === 3 ? firstChannel(decoded) : decoded;
  return { pixels, decodeMs: performance.now() - start };
}

function firstChannel({ data, width, height, channels }: Pixels): Pixels {
  const plane = Uint8Array.from({ length: width * height }, (_, i) => data[i * channels]);
  return { data: plane, width, height, channels: 1 };
}

function withCodec(picture: Sharp, coding: PictureCoding): Sharp {
  switch (coding.codec) {
    case 'png':
      // `effort` is left alone: it would turn on palettes
      return picture.png({ compressionLevel: 9, adaptiveFiltering: true });
    case 'webp-lossless':
      return picture.webp({ lossless: true, effort: 6 });
    case 'jpeg':
      return picture.jpeg({ quality: coding.quality, mozjpeg: true });
    case 'webp':
      return picture.webp({ quality: coding.quality, effort: 6 });
    case 'avif':
      // Pictures of 224 by 224 pixels take a tenth of the time of effort 4, and no more bytes.
      return picture.avif({ quality: coding.quality, effort: 2 });
    default:
      return coding satisfies never;
  }
}

function checkQuality(quality: number): void {
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new RangeError(`quality expected an integer from 1 to 100, got ${quality}`);
  }
}
