/** Elements as they are or as bytes, by a general compressor or none: what systems without a codec send. */

import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { bytesOfData, float16FromFloat32, float32FromFloat16 } from '@featherwire/tensor';
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

/** A general compressor of Node at the level that favors size. */
export type GeneralCompressor = 'gzip' | 'brotli' | 'zstd';

const GZIP_LEVEL = 9;
const BROTLI_QUALITY = 11;
const ZSTD_LEVEL = 19;
const BYTE_LEVELS = 256;

/** All compressors. */
export const GENERAL_COMPRESSORS: readonly GeneralCompressor[] = ['gzip', 'brotli', 'zstd'];

/** Why a compressor cannot be used, null if it can: zstd came with Node 22.15. */
export function missingCompressor(compressor: GeneralCompressor): string | null {
  if (compressor !== 'zstd' || 'zstdCompressSync' in zlib) return null;
  return `Node ${process.version} has no zstd, 22.15 has`;
}

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
  const { compress, decompress } = compressor ? compressionOf(compressor) : STORED;
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

interface Compression {
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  decompress(bytes: Uint8Array): Promise<Uint8Array>;
}

const STORED: Compression = {
  compress: async (bytes) => bytes,
  decompress: async (bytes) => bytes,
};

function compressionOf(compressor: GeneralCompressor): Compression {
  const { constants } = zlib;
  switch (compressor) {
    case 'gzip':
      return {
        compress: (bytes) => promisify(zlib.gzip)(bytes, { level: GZIP_LEVEL }),
        decompress: (bytes) => promisify<Uint8Array, Uint8Array>(zlib.gunzip)(bytes),
      };
    case 'brotli':
      return {
        compress: (bytes) =>
          promisify(zlib.brotliCompress)(bytes, {
            params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY },
          }),
        decompress: (bytes) => promisify<Uint8Array, Uint8Array>(zlib.brotliDecompress)(bytes),
      };
    case 'zstd':
      return zstdOf(zlib as Partial<ZstdFunctions>);
    default:
      return compressor satisfies never;
  }
}

/** What `node:zlib` has from Node 22.15 on, and the types of Node 20 do not tell. */
interface ZstdFunctions {
  readonly zstdCompressSync: (bytes: Uint8Array, options: { params: Record<number, number> }) => Uint8Array;
  readonly zstdDecompressSync: (bytes: Uint8Array) => Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

function zstdOf({ zstdCompressSync, zstdDecompressSync, constants }: Partial<ZstdFunctions>): Compression {
  const level = constants?.ZSTD_c_compressionLevel;
  if (!zstdCompressSync || !zstdDecompressSync || level === undefined)
    throw new RangeError('compressor expected one that Node has, got zstd');
  const params = { [level]: ZSTD_LEVEL };
  return {
    compress: async (bytes) => zstdCompressSync(bytes, { params }),
    decompress: async (bytes) => zstdDecompressSync(bytes),
  };
}
