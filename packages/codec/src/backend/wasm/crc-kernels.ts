/** CRC-32 around its kernel. */

import type { Kernels } from './kernels.js';
import { forEachTile } from './memory.js';

/** `Backend.crc32`. */
export function crc32(kernels: Kernels, bytes: Uint8Array, previous: number): number {
  let crc = previous;
  forEachTile(kernels, bytes, (source, count) => {
    crc = kernels.crc32(source, count, crc);
  });
  return crc >>> 0;
}
