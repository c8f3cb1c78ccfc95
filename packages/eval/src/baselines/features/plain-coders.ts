/** Elements as they are or as bytes, by a general compressor or none: what systems without a codec send. */

import { bytesOfData, float16FromFloat32, float32FromFloat16 } from '@featherwire/tensor';
import { compressionOf, type GeneralCompressor, missingCompressor } from '../general-compression.js';
import {
  coderOfSingleFeatures,
  type Feature,
  type FeatureCoder,
  type LevelRange,
  limitsOfFeature,
} from './feature-coder.js';
import { codesOfValues, valuesOfCodes } from './level-codes.js';

/** What is compressed: float32, float16, or one byte an element for 256 levels over a range. */
export type PlainElements = 'float32' | 'float16' | 'int8';

const BYTE_LEVELS = 256;

/** What to build. */
export interface PlainCoderOptions {
  readonly elements: PlainElements;
  /** None by default. */
  readonly compressor?: GeneralCompressor;
  /** Of `int8`; `minmax` by default. */
  readonly range?: LevelRange;
}

/**
 * A coder of plain elements.
 * @throws {RangeError} if this version of Node has no such compressor
 */
export function createPlainCoder({
  elements,
  compressor,
  range = { kind: 'minmax' },
}: PlainCoderOptions): FeatureCoder {
  const missing = compressor && missingCompressor(compressor);
  if (missing) throw new RangeError(`compressor expected one that Node has: ${missing}`);
  const { compress, decompress } = compressionOf(compressor);
  return coderOfSingleFeatures(compressor ? `${elements} + ${compressor}` : elements, {
    async encode(feature) {
      const limits = elements === 'int8' ? limitsOfFeature(feature, range) : undefined;
      const data = await compress(plainBytes(feature, elements, limits));
      return limits ? { data, limits } : { data };
    },
    async decode(data, _like, limits) {
      const bytes = Uint8Array.from(await decompress(data)); // a copy begins at a multiple of 4
      switch (elements) {
        case 'float32':
          return new Float32Array(bytes.buffer);
        case 'float16':
          return float32FromFloat16(new Uint16Array(bytes.buffer));
        case 'int8':
          return valuesOfCodes(bytes, limits!, BYTE_LEVELS);
        default:
          return elements satisfies never;
      }
    },
  });
}

function plainBytes(
  { data }: Feature,
  elements: PlainElements,
  limits: ReturnType<typeof limitsOfFeature> | undefined,
): Uint8Array {
  if (elements === 'int8') return Uint8Array.from(codesOfValues(data, limits!, BYTE_LEVELS));
  return bytesOfData(elements === 'float32' ? data : float16FromFloat32(data));
}
