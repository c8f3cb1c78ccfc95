/**
 * Linear memory as the callers of kernels use it: areas from `DATA` on, laid out anew by every call. Memory grows with
 * the largest tensor and stays.
 */

import type { Kernels } from './kernels.js';
import { DATA } from './layout.js';

/** Elements of a tile: 64 KiB of float32. */
export const TILE = 16_384;
/** Kernels read and write whole vectors; this much may be touched beyond an area. */
const SLACK = 128;
const ALIGNMENT = 16;
const PAGE_BYTES = 65_536;

/**
 * Makes room for areas of these sizes in bytes, one after the other.
 * @returns where each begins, a multiple of 16; views of the memory made before are invalid
 */
export function reserve({ memory }: Kernels, sizes: readonly number[]): number[] {
  let end = DATA;
  const addresses = sizes.map((size) => {
    const start = end;
    end = alignUp(start + size + SLACK);
    return start;
  });
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  return addresses;
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
