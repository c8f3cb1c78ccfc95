/** Sample input → input tensor, by the picture preparation that a server uses too. */

import {
  DEFAULT_PICTURE_LIMITS,
  type ImagePreprocessing,
  type Pixels,
  pixelsToTensor,
} from '@featherwire/bundle';
import { decodePixels, PictureError, resizePixels } from '@featherwire/bundle/node/pictures';
import type { Tensor } from '@featherwire/tensor';
import { DataSetError, type SampleInput } from './data-set.js';

/**
 * The input tensor of a sample.
 * @param preprocessing - the manifest's; needed for pictures, not applied to tensors
 * @returns float32 [1, C, H, W] for a picture, the tensor itself otherwise
 * @throws {TypeError} if a picture comes without preprocessing
 * @throws {DataSetError} as `pixelsOfInput`
 */
export async function tensorOfInput(input: SampleInput, preprocessing?: ImagePreprocessing): Promise<Tensor> {
  if (input.kind === 'tensor') return input.tensor;
  if (!preprocessing) throw new TypeError('preprocessing expected one for a picture, got nothing');
  return pixelsToTensor(await pixelsOfInput(input, preprocessing), preprocessing);
}

/**
 * The picture of a sample in the size that the network takes: what "send the picture" would encode.
 * @returns gray or RGB
 * @throws {TypeError} if the input is a tensor
 * @throws {RangeError} if the bytes of pixels do not fit their size
 * @throws {DataSetError} `invalid-data` if it cannot be decoded, `over-limit` if it is over the default limits
 */
export async function pixelsOfInput(input: SampleInput, preprocessing: ImagePreprocessing): Promise<Pixels> {
  if (input.kind === 'tensor') throw new TypeError('input expected a picture, got a tensor');
  try {
    const pixels =
      input.kind === 'pixels' ? input.pixels : await decodePixels(input.bytes, DEFAULT_PICTURE_LIMITS);
    return await resizePixels(pixels, preprocessing, DEFAULT_PICTURE_LIMITS);
  } catch (cause) {
    if (!(cause instanceof PictureError)) throw cause;
    const code = cause.code === 'over-limit' ? 'over-limit' : 'invalid-data';
    throw new DataSetError(code, cause.message, { cause });
  }
}
