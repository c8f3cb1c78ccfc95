/** General compressors of Node at the levels that favor size. */

import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

/** A general compressor of Node at the level that favors size. */
export type GeneralCompressor = 'gzip' | 'brotli' | 'zstd';

const GZIP_LEVEL = 9;
const BROTLI_QUALITY = 11;
const ZSTD_LEVEL = 19;

/** All compressors. */
export const GENERAL_COMPRESSORS: readonly GeneralCompressor[] = ['gzip', 'brotli', 'zstd'];

/** Why a compressor cannot be used, null if it can: zstd came with Node 22.15. */
export function missingCompressor(compressor: GeneralCompressor): string | null {
  if (compressor !== 'zstd' || 'zstdCompressSync' in zlib) return null;
  return `Node ${process.version} has no zstd, 22.15 has`;
}

/** Bytes to fewer bytes and back. */
export interface Compression {
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  decompress(bytes: Uint8Array): Promise<Uint8Array>;
}

const STORED: Compression = {
  compress: async (bytes) => bytes,
  decompress: async (bytes) => bytes,
};

/** The compression of a compressor; without one bytes stay as they are. @throws {RangeError} if this version of Node has none */
export function compressionOf(compressor: GeneralCompressor | undefined): Compression {
  const { constants } = zlib;
  switch (compressor) {
    case undefined:
      return STORED;
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
