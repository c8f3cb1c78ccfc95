/** Quantized features in lossless picture coders outside. */

import { checkFeatures, type FeatureCoder, type LevelRange, limitsOfFeature } from './feature-coder.js';
import { codeIndexPlanes, type LosslessPlaneCodec } from './index-planes.js';
import { codesOfValues, valuesOfCodes } from './level-codes.js';

/** What to build. */
export interface PlaneCoderOptions {
  readonly codec: LosslessPlaneCodec;
  /** Levels of the quantizer, 2 to 256. */
  readonly levelCount: number;
  /** `minmax` by default. */
  readonly range?: LevelRange;
}

/**
 * A coder of index planes.
 * @throws {RangeError} if the number of levels is out of range; its `code` a {ToolError} if the program is missing
 */
export function createPlaneCoder({
  codec,
  levelCount,
  range = { kind: 'minmax' },
}: PlaneCoderOptions): FeatureCoder {
  if (!Number.isInteger(levelCount) || levelCount < 2 || levelCount > 256)
    throw new RangeError(`levelCount expected an integer from 2 to 256, got ${levelCount}`);
  return {
    name: `tiled ${codec}, ${levelCount} levels`,
    async code(features) {
      checkFeatures(features);
      const limits = features.map((feature) => limitsOfFeature(feature, range));
      const codes = features.map(({ data }, i) => codesOfValues(data, limits[i], levelCount));
      const { bytes, sharedBytes, programs, decoded } = await codeIndexPlanes(
        codec,
        codes,
        features[0].shape,
      );
      return {
        decoded: features.map((feature, i) => ({
          ...feature,
          data: valuesOfCodes(decoded[i], limits[i], levelCount),
        })),
        bytes: bytes.map((each, i) => each + limits[i].bytes),
        sharedBytes,
        encodeMs: null,
        decodeMs: null,
        programs,
      };
    },
  };
}
