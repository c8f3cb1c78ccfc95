/**
 * Elements of a tensor as bytes, both ways (the binary tensor data extension): little-endian, row-major, without gaps; an
 * element of `BYTES` is its length in four bytes and that many bytes.
 */

import {
  bytesOfData,
  bytesPerElement,
  type DType,
  dataFromBytes,
  elementCount,
  type Shape,
  type Tensor,
} from '@featherwire/tensor';
import { WireError } from './wire-error.js';

const LENGTH_BYTES = 4;

/**
 * Elements out of bytes.
 * @param what - names the tensor in errors
 * @returns a new tensor
 * @throws {WireError} if the bytes are not as many as the shape says
 */
export function tensorFromBytes(what: string, dtype: DType, shape: Shape, bytes: Uint8Array): Tensor {
  const expected = elementCount(shape) * bytesPerElement(dtype);
  if (bytes.length !== expected) {
    throw new WireError(
      `${what} expected ${expected} bytes for ${dtype} [${shape.join(', ')}], got ${bytes.length}`,
    );
  }
  if (dtype === 'bool' && bytes.some((byte) => byte > 1)) {
    throw new WireError(`${what} expected the bytes 0 and 1, got others`);
  }
  return { dtype, shape: [...shape], data: dataFromBytes(dtype, bytes) } as Tensor;
}

/** The bytes of a tensor's elements; a view where the machine is little-endian. */
export function bytesOfTensor({ data }: Tensor): Uint8Array {
  return bytesOfData(data);
}

/**
 * Strings of bytes out of bytes, for `BYTES`.
 * @returns views
 * @throws {WireError} if lengths and shape do not come to the bytes that there are
 */
export function stringsFromBytes(what: string, shape: Shape, bytes: Uint8Array): Uint8Array[] {
  const expected = elementCount(shape);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length && strings.length < expected) {
    const start = offset + LENGTH_BYTES;
    const length = start <= bytes.length ? view.getUint32(offset, true) : 0;
    if (length > bytes.length - start) {
      throw new WireError(`${what} expected ${length} bytes after a length, got ${bytes.length - start}`);
    }
    strings.push(bytes.subarray(start, start + length));
    offset = start + length;
  }
  if (strings.length === expected && offset === bytes.length) return strings;
  throw new WireError(
    `${what} expected ${expected} elements in ${bytes.length} bytes, got ${strings.length} in ${offset}`,
  );
}
