/**
 * Linear memory as the callers of kernels use it: areas from `DATA` on, laid out anew by every call. Memory grows with
 * the largest tensor and stays.
 */

import type { Indices } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { DATA } from './layout.js';

/** Elements of a tile: 64 KiB of float32. */
export const TILE = 16_384;
const TILE_BYTES = 4 * TILE;
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

/** Elements that kernels take or give. */
type Elements = Float32Array | Indices;

/**
 * Runs a kernel over elements, a tile of 64 KiB at a time.
 * @param run - is given where a tile is and how many elements it has; the memory does not grow between calls
 */
export function forEachTile(
  kernels: Kernels,
  elements: Float32Array | Uint8Array,
  run: (source: number, count: number) => void,
): void {
  const length = TILE_BYTES / elements.BYTES_PER_ELEMENT;
  const [source] = reserve(kernels, [TILE_BYTES]);
  const tile = viewLike(elements, kernels, source, length);
  for (let from = 0; from < elements.length; from += length) {
    const part = elements.subarray(from, from + length);
    tile.set(part);
    run(source, part.length);
  }
}

/** Runs a kernel over elements tile by tile and collects what it gives in `target`, which is as long. */
export function mapTiles<Target extends Elements>(
  kernels: Kernels,
  elements: Elements,
  target: Target,
  run: (source: number, target: number, count: number) => void,
): Target {
  const [input, output] = reserve(kernels, [
    TILE * elements.BYTES_PER_ELEMENT,
    TILE * target.BYTES_PER_ELEMENT,
  ]);
  const source = viewLike(elements, kernels, input, TILE);
  const produced = viewLike(target, kernels, output, TILE);
  for (let from = 0; from < elements.length; from += TILE) {
    const part = elements.subarray(from, from + TILE);
    source.set(part);
    run(input, output, part.length);
    target.set(produced.subarray(0, part.length), from);
  }
  return target;
}

/** A view of linear memory for elements of the same type. */
export function viewLike(elements: Elements, { memory }: Kernels, address: number, length: number): Elements {
  if (elements instanceof Float32Array) return new Float32Array(memory.buffer, address, length);
  const View = elements instanceof Uint8Array ? Uint8Array : Uint16Array;
  return new View(memory.buffer, address, length);
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
