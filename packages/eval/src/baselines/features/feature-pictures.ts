/** Features as still pictures: their planes tiled to one gray picture of 8 bits, by the picture codecs of "send the picture". */

import { decodePicture, encodePicture, type PictureCoding } from '../picture-codecs.js';
import {
  coderOfSingleFeatures,
  type FeatureCoder,
  type LevelRange,
  limitsOfFeature,
} from './feature-coder.js';
import { codesOfValues, valuesOfCodes } from './level-codes.js';
import { drawTiles, readTiles, tilePlanes } from './tiling.js';

const MOST_LEVELS = 256;

/** What to build. */
export interface PictureCoderOptions {
  readonly coding: PictureCoding;
  /** `minmax` by default. */
  readonly range?: LevelRange;
  /** Gray levels, 2 to 256, from 0 on; 256 by default. With lossless codecs they set the rate. */
  readonly levelCount?: number;
}

/**
 * A coder of tiled planes.
 * @throws {RangeError} if the number of levels is out of range; its `code` if a feature has no planes
 */
export function createPictureCoder({
  coding,
  range = { kind: 'minmax' },
  levelCount = MOST_LEVELS,
}: PictureCoderOptions): FeatureCoder {
  if (!Number.isInteger(levelCount) || levelCount < 2 || levelCount > MOST_LEVELS)
    throw new RangeError(`levelCount expected an integer from 2 to ${MOST_LEVELS}, got ${levelCount}`);
  const setting = 'quality' in coding ? `quality ${coding.quality}` : `${levelCount} levels`;
  return coderOfSingleFeatures(`tiled ${coding.codec}, ${setting}`, {
    async encode(feature) {
      const limits = limitsOfFeature(feature, range);
      const tiling = tilePlanes(feature.shape);
      const { width, height } = tiling;
      const codes = codesOfValues(feature.data, limits, levelCount);
      const data = drawTiles(codes, tiling, new Uint8Array(width * height));
      const { bytes } = await encodePicture({ data, width, height, channels: 1 }, coding);
      return { data: bytes, limits };
    },
    async decode(data, { shape }, limits) {
      const { pixels } = await decodePicture(data, 1);
      const codes = readTiles(pixels.data, tilePlanes(shape));
      return valuesOfCodes(codes, limits!, levelCount);
    },
  });
}
