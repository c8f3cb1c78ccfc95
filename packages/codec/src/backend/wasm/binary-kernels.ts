/** The adaptive binary coder around its kernel. */

import { allocateIndices } from '../../bitstream/index-array.js';
import { decodeBins } from '../../entropy/binary/context-model.js';
import { elementsOf, type FeatureGeometry, type IndexAlphabet, type Indices } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { reserve, viewLike } from './memory.js';

/** Room for the binary code of an index; where it does not suffice, there is twice as much for another attempt. */
const USUAL_BYTES_PER_INDEX = 2;
/** And for a tensor of any size. */
const SPARE_BYTES = 64;

/** `EntropyKernels.encodeBins`. */
export function encodeIndices(
  kernels: Kernels,
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Uint8Array {
  for (let bytesPerIndex = USUAL_BYTES_PER_INDEX; ; bytesPerIndex *= 2) {
    const room = indices.length * bytesPerIndex + SPARE_BYTES;
    const [source, target] = reserve(kernels, [indices.byteLength, room]);
    viewLike(indices, kernels, source, indices.length).set(indices);
    const end = codeAt(kernels, false, indices, source, geometry, alphabet, target, target + room);
    if (end !== 0) return new Uint8Array(kernels.memory.buffer, target, end - target).slice();
  }
}

/** `EntropyKernels.decodeBins`; codes that do not decode are handed to the reference for the reason. */
export function decodeIndices(
  kernels: Kernels,
  bytes: Uint8Array,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Indices | string {
  const indices = allocateIndices(elementsOf(geometry), alphabet.levelCount);
  const [target, source] = reserve(kernels, [indices.byteLength, bytes.length]);
  new Uint8Array(kernels.memory.buffer, source, bytes.length).set(bytes);
  const end = source + bytes.length;
  const failed = codeAt(kernels, true, indices, target, geometry, alphabet, source, end);
  if (failed !== 0) return decodeBins(bytes, geometry, alphabet); // the reference finds the reason
  indices.set(viewLike(indices, kernels, target, indices.length));
  return indices;
}

function codeAt(
  kernels: Kernels,
  isDecoding: boolean,
  { BYTES_PER_ELEMENT }: Indices,
  address: number,
  { planes, rows, columns }: FeatureGeometry,
  { background, levelCount }: IndexAlphabet,
  bytes: number,
  end: number,
): number {
  const log2 = BYTES_PER_ELEMENT - 1;
  return kernels.codeIndices(
    isDecoding,
    address,
    log2,
    planes,
    rows,
    columns,
    background,
    levelCount,
    bytes,
    end,
  );
}
