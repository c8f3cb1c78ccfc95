/** An encoded picture to the input tensor of the whole model, as the bundle's preprocessing says. */

import { type ImagePreprocessing, pixelsToTensor } from '@featherwire/bundle';
import type { Tensor } from '@featherwire/tensor';
import sharp, { type Metadata } from 'sharp';
import { JobError } from './worker-messages.js';

/** Formats that are decoded, by the names that sharp gives them; AVIF is `heif` with the codec `av1`. */
const FORMATS: ReadonlySet<string> = new Set(['png', 'jpeg', 'webp', 'heif']);

/** Bounds on a picture. */
export interface PictureLimits {
  /** Of the encoded picture's width times height. */
  readonly maxImagePixels: number;
  /** Of the input tensor's elements. */
  readonly maxElementsPerTensor: number;
}

/**
 * Decodes, turns upright (EXIF), resizes with a linear kernel where the size differs, and normalizes.
 * A picture that already has the size is passed on pixel by pixel.
 * @returns float32 [1, C, H, W]
 * @throws {JobError} `bad-picture`
 */
export async function decodePicture(
  image: Uint8Array,
  preprocessing: ImagePreprocessing,
  limits: PictureLimits,
): Promise<Tensor> {
  try {
    return await decode(image, preprocessing, limits);
  } catch (cause) {
    if (cause instanceof JobError) throw cause;
    const reason = (cause as Error).message.replaceAll(/\s+/g, ' ');
    throw new JobError('bad-picture', `picture expected PNG, JPEG, WebP or AVIF: ${reason}`, { cause });
  }
}

async function decode(
  image: Uint8Array,
  preprocessing: ImagePreprocessing,
  limits: PictureLimits,
): Promise<Tensor> {
  const { maxImagePixels, maxElementsPerTensor } = limits;
  const picture = sharp(image, { limitInputPixels: maxImagePixels, failOn: 'error' });
  const metadata = await picture.metadata();
  checkFormat(metadata, maxImagePixels);
  const { height } = preprocessing;
  const width = targetWidth(preprocessing, metadata);
  if (3 * width * height > maxElementsPerTensor) {
    const text = `picture expected at most ${maxElementsPerTensor} elements, got ${3 * width * height}`;
    throw new JobError('bad-picture', text);
  }
  const { data, info } = await picture
    .autoOrient()
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .resize({
      width,
      height,
      fit: preprocessing.fit === 'stretch' ? 'fill' : 'cover',
      kernel: 'linear',
      fastShrinkOnLoad: false,
    })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return pixelsToTensor(
    { data, width: info.width, height: info.height, channels: info.channels as 1 | 3 },
    preprocessing,
  );
}

function checkFormat({ format, compression, width, height }: Metadata, maxImagePixels: number): void {
  const known = FORMATS.has(format) && (format !== 'heif' || compression === 'av1');
  if (!known) throw new JobError('bad-picture', `picture expected PNG, JPEG, WebP or AVIF, got ${format}`);
  if (width * height > maxImagePixels) {
    throw new JobError(
      'bad-picture',
      `picture expected at most ${maxImagePixels} pixels, got ${width * height}`,
    );
  }
}

function targetWidth(preprocessing: ImagePreprocessing, metadata: Metadata): number {
  if (preprocessing.width !== 'aspect') return preprocessing.width;
  const { width, height } = metadata.autoOrient;
  return Math.max(1, Math.round((width * preprocessing.height) / height));
}
