/**
 * Indices in fields of equal width, least significant bit first, and padding (bitstream.md §5). Whole tensors of
 * incompressible bits go this way, so the fields are moved in loops of their own and not by `BitWriter`.
 */

import { allocateIndices } from '../bitstream/index-array.js';
import type { Indices } from '../stages.js';

/** Bits of an index in packed form, 1 to 16. */
export function packedBits(levelCount: number): number {
  return 32 - Math.clz32(levelCount - 1);
}

/** Packs indices. @param indices - each below `levelCount` */
export function packIndices(indices: Indices, levelCount: number): Uint8Array {
  const width = packedBits(levelCount);
  if (width === 8 && indices instanceof Uint8Array) return indices.slice();
  const bytes = new Uint8Array(Math.ceil((indices.length * width) / 8));
  let to = 0;
  // Less than a byte is pending before a field, so at most 23 bits after it.
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < indices.length; i++) {
    pending |= indices[i] << pendingBits;
    pendingBits += width;
    while (pendingBits >= 8) {
      bytes[to++] = pending;
      pending >>>= 8;
      pendingBits -= 8;
    }
  }
  if (pendingBits > 0) bytes[to] = pending;
  return bytes;
}

/**
 * Inverse of `packIndices`.
 * @param bytes - as many as `count` fields and their padding take
 * @returns the indices, or the reason for which the bytes are not such
 */
export function unpackIndices(bytes: Uint8Array, count: number, levelCount: number): Indices | string {
  const width = packedBits(levelCount);
  if (levelCount === 256) return bytes.slice();
  const indices = allocateIndices(count, levelCount);
  const mask = (1 << width) - 1;
  let from = 0;
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < count; i++) {
    while (pendingBits < width) {
      pending |= bytes[from++] << pendingBits;
      pendingBits += 8;
    }
    const index = pending & mask;
    if (index >= levelCount) return `index ${index} at element ${i} is over ${levelCount - 1}`;
    indices[i] = index;
    pending >>>= width;
    pendingBits -= width;
  }
  return pending === 0 ? indices : 'padding of packed indices is not zero';
}
