/** CRC-32 around its kernel. */

import type { Kernels } from './kernels.js';
import { reserve, TILE } from './memory.js';

/** Bytes moved at a time. */
const PART = TILE * 4;

/** `Backend.crc32`. */
export function crc32(kernels: Kernels, bytes: Uint8Array, previous: number): number {
  const [source] = reserve(kernels, [PART]);
  const part = new Uint8Array(kernels.memory.buffer, source, PART);
  let crc = previous;
  for (let from = 0; from < bytes.length; from += PART) {
    const taken = bytes.subarray(from, from + PART);
    part.set(taken);
    crc = kernels.crc32(source, taken.length, crc);
  }
  return crc >>> 0;
}
