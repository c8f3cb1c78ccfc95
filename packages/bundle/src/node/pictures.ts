/**
 * Encoded picture → pixels of the size that a manifest's preprocessing states → input tensor: the one way of
 * preparing pictures, for evaluation and server alike. Importing this file loads `sharp` (libvips). The filter
 * is a triangle widened when shrinking, as in Pillow and torchvision; from a shrink by 4 on libvips averages
 * blocks first.
 */

import type { Tensor } from '@featherwire/tensor';
import sharp, { type Metadata, type Sharp } from 'sharp';
import type { ImagePreprocessing } from '../manifest.js';
import type { PictureLimits } from '../picture-limits.js';
import { checkPixels, flattenOnWhite, type Pixels, pixelsToTensor } from '../pixels.js';

/** Formats that are decoded, by the names that sharp gives them. */
const FORMATS: ReadonlySet<string> = new Set(['png', 'jpeg', 'webp', 'heif', 'tiff', 'gif']);
/** The same for people; of the `heif` family AVIF alone. */
const FORMAT_NAMES = 'PNG, JPEG, WebP, AVIF, TIFF or GIF';

/** Why a picture was refused. */
export type PictureErrorCode =
  /** The bytes are not a whole picture of a known format. */
  | 'not-a-picture'
  /** The picture, or what it is resized to, is over a limit. */
  | 'over-limit';

/** A picture that cannot be prepared; the message is one line. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
  readonly code: PictureErrorCode;

  constructor(code: PictureErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The input tensor of an encoded picture: `decodePixels`, `resizePixels`, `pixelsToTensor`.
 * @returns float32 [1, C, height, width], normalized
 * @throws {PictureError} `not-a-picture` or `over-limit`
 */
export async function tensorOfPicture(
  bytes: Uint8Array,
  preprocessing: ImagePreprocessing,
  limits: PictureLimits,
): Promise<Tensor> {
  const pixels = await decodePixels(bytes, limits);
  return pixelsToTensor(await resizePixels(pixels, preprocessing, limits), preprocessing);
}

/**
 * Decodes PNG, JPEG, WebP, AVIF, TIFF or GIF: the first image of a file, turned upright by its EXIF
 * orientation, put on white if it is transparent, in sRGB of 8 bits.
 * @param bytes - a whole file; not modified
 * @returns gray (1 channel) or RGB
 * @throws {PictureError} `over-limit`, before pixels are allocated; `not-a-picture` for anything else
 */
export async function decodePixels(
  bytes: Uint8Array,
  limits: Pick<PictureLimits, 'maxPicturePixels'>,
): Promise<Pixels> {
  try {
    const picture = sharp(bytes, { limitInputPixels: false, failOn: 'error' });
    const metadata = await picture.metadata();
    checkHeader(metadata, limits.maxPicturePixels);
    const upright = picture.autoOrient().flatten({ background: 'white' });
    return await rawPixels(upright, metadata.channels <= 2);
  } catch (cause) {
    if (cause instanceof PictureError) throw cause;
    const reason = (cause as Error).message.replaceAll(/\s+/g, ' ');
    throw new PictureError('not-a-picture', `picture expected ${FORMAT_NAMES}: ${reason}`, { cause });
  }
}

/**
 * Brings a picture to the height, width and fit of the preprocessing. A picture that has the size already is
 * not resampled; transparency is put on white before resizing.
 * @returns gray or RGB; `pixels` itself where nothing is to be done
 * @throws {PictureError} `over-limit` if the resized picture is too large, before it is allocated
 * @throws {RangeError} if `pixels.data` does not fit its size, or `resizeShortSide` is below the target's sides
 */
export async function resizePixels(
  pixels: Pixels,
  preprocessing: ImagePreprocessing,
  limits: Pick<PictureLimits, 'maxTensorElements'>,
): Promise<Pixels> {
  checkPixels(pixels);
  const { width, height } = resizedSize(pixels, preprocessing);
  checkElements(width, height, preprocessing, limits.maxTensorElements);
  const opaque = flattenOnWhite(pixels);
  if (opaque.width === width && opaque.height === height) return cropCenter(opaque, preprocessing);
  const picture = sharpOfPixels(opaque).resize({ width, height, fit: 'fill', kernel: 'linear' });
  return cropCenter(await rawPixels(picture, opaque.channels === 1), preprocessing);
}

/** A picture in memory as the start of a `sharp` pipeline; its bytes must stay as they are until that has run. */
export function sharpOfPixels({ data, width, height, channels }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}

function checkHeader({ format, compression, width, height }: Metadata, maxPicturePixels: number): void {
  const known = FORMATS.has(format) && (format !== 'heif' || compression === 'av1');
  if (!known) throw new PictureError('not-a-picture', `picture expected ${FORMAT_NAMES}, got ${format}`);
  if (width * height > maxPicturePixels) {
    const text = `picture expected at most ${maxPicturePixels} pixels, got ${width} x ${height}`;
    throw new PictureError('over-limit', text);
  }
}

/**
 * Size in pixels that a picture is resized to; the center crop, if any, is taken from that.
 * @throws {RangeError} if the target does not fit into the picture whose short side is resized
 */
function resizedSize(
  picture: Pixels,
  { width, height, fit, resizeShortSide }: ImagePreprocessing,
): { readonly width: number; readonly height: number } {
  if (width === 'aspect') {
    return { width: Math.max(1, Math.round((picture.width * height) / picture.height)), height };
  }
  if (fit === 'stretch') return { width, height };
  if (resizeShortSide !== undefined && resizeShortSide < Math.max(width, height)) {
    const expected = `at least ${Math.max(width, height)}`;
    throw new RangeError(`preprocessing.resizeShortSide expected ${expected}, got ${resizeShortSide}`);
  }
  const scale =
    resizeShortSide === undefined
      ? Math.max(width / picture.width, height / picture.height)
      : resizeShortSide / Math.min(picture.width, picture.height);
  return { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) };
}

function checkElements(
  width: number,
  height: number,
  { channelOrder }: ImagePreprocessing,
  maxTensorElements: number,
): void {
  const channels = channelOrder === 'gray' ? 1 : 3;
  if (channels * width * height > maxTensorElements) {
    const text = `picture expected at most ${maxTensorElements} elements once resized`;
    throw new PictureError('over-limit', `${text}, got ${channels} x ${height} x ${width}`);
  }
}

/** Cuts off what stands over the target, the odd pixel at the left or top. */
function cropCenter(pixels: Pixels, preprocessing: ImagePreprocessing): Pixels {
  const { channels, height: fullHeight, width: fullWidth } = pixels;
  const { height } = preprocessing;
  const width = preprocessing.width === 'aspect' ? fullWidth : preprocessing.width;
  if (width === fullWidth && height === fullHeight) return pixels;
  const left = Math.round((fullWidth - width) / 2);
  const top = Math.round((fullHeight - height) / 2);
  const rowBytes = width * channels;
  const data = new Uint8Array(height * rowBytes);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * fullWidth + left) * channels;
    data.set(pixels.data.subarray(start, start + rowBytes), row * rowBytes);
  }
  return { data, width, height, channels };
}

/** Runs a pipeline without alpha to its pixels: one channel of gray, or RGB. */
async function rawPixels(picture: Sharp, isGray: boolean): Promise<Pixels> {
  const { data, info } = await picture
    .toColourspace(isGray ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const channels = isGray ? 1 : 3;
  if (info.channels !== channels) {
    throw new PictureError('not-a-picture', `picture expected ${channels} channels, got ${info.channels}`);
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength); // a view: no second copy
  return { data: bytes, width: info.width, height: info.height, channels };
}
