/** The adaptive binary coder around its kernel. */

import { decodeBins, encodeBins } from '../../entropy/binary/context-model.js';
import type { FeatureGeometry, IndexAlphabet, Indices } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { reserve } from './memory.js';

/** Room for the binary code of an index; what takes more is left to the reference. */
const BINARY_BYTES_PER_INDEX = 2;
/** And for a tensor of any size. */
const SPARE_BYTES = 64;

/** `EntropyKernels.encodeBins`. */
export function encodeIndices(
  kernels: Kernels,
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Uint8Array {
  const { planes, rows, columns } = geometry;
  const indexBytesLog2 = indices.BYTES_PER_ELEMENT - 1;
  const room = indices.length * BINARY_BYTES_PER_INDEX + SPARE_BYTES;
  const [source, target] = reserve(kernels, [indices.byteLength, room]);
  const { buffer } = kernels.memory;
  const input =
    indexBytesLog2 === 0
      ? new Uint8Array(buffer, source, indices.length)
      : new Uint16Array(buffer, source, indices.length);
  input.set(indices);
  const { background, levelCount } = alphabet;
  const end = kernels.codeIndices(
    false,
    source,
    indexBytesLog2,
    planes,
    rows,
    columns,
    background,
    levelCount,
    target,
    target + room,
  );
  if (end === 0) return encodeBins(indices, geometry, alphabet);
  return new Uint8Array(buffer, target, end - target).slice();
}

/** `EntropyKernels.decodeBins`; codes that do not decode are handed to the reference for the reason. */
export function decodeIndices(
  kernels: Kernels,
  bytes: Uint8Array,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Indices | string {
  const { planes, rows, columns } = geometry;
  const { background, levelCount } = alphabet;
  const count = planes * rows * columns;
  const indexBytesLog2 = levelCount <= 256 ? 0 : 1;
  const [target, source] = reserve(kernels, [count << indexBytesLog2, bytes.length]);
  const { buffer } = kernels.memory;
  new Uint8Array(buffer, source, bytes.length).set(bytes);
  const end = source + bytes.length;
  const failed = kernels.codeIndices(
    true,
    target,
    indexBytesLog2,
    planes,
    rows,
    columns,
    background,
    levelCount,
    source,
    end,
  );
  if (failed !== 0) return decodeBins(bytes, geometry, alphabet); // the reference finds the reason
  return indexBytesLog2 === 0
    ? new Uint8Array(buffer, target, count).slice()
    : new Uint16Array(buffer, target, count).slice();
}
