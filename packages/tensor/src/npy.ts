/**
 * NumPy's `.npy` files, versions 1 to 3 (NEP 1): magic, version, a Python dict as text, raw elements.
 * Reads either byte order and either memory order; writes version 1.0, little-endian, C order.
 */

import {
  allocateData,
  bytesOfData,
  bytesPerElement,
  type DType,
  dataFromBytes,
  reverseElements,
  type TensorData,
} from './dtype.js';
import { elementCount, type Shape } from './shape.js';
import type { Tensor } from './tensor.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"
const MAX_HEADER_BYTES = 1 << 14;
const MAX_RANK = 32;

const DTYPE_BY_DESCRIPTOR: { readonly [descriptor: string]: DType } = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};

/** Bytes that are not a `.npy` file this library reads; the message names the part. */
export class NpyError extends Error {
  override readonly name = 'NpyError';
}

/**
 * Reads one `.npy` file.
 * @param bytes - the whole file; not kept
 * @returns a row-major tensor that owns its data
 * @throws {NpyError} on anything but a complete file of a numeric or boolean type
 */
export function readNpy(bytes: Uint8Array): Tensor {
  const { headerText, dataOffset } = readPreamble(bytes);
  const header = parseHeader(headerText);
  const expectedBytes = elementCount(header.shape) * bytesPerElement(header.dtype);
  const available = bytes.byteLength - dataOffset;
  if (available !== expectedBytes) {
    throw new NpyError(
      `npy data expected ${expectedBytes} bytes for shape [${header.shape.join(', ')}], got ${available}`,
    );
  }
  let body = bytes.subarray(dataOffset);
  if (header.bigEndian) {
    body = body.slice();
    reverseElements(body, bytesPerElement(header.dtype));
  }
  let data: TensorData = dataFromBytes(header.dtype, body);
  if (header.fortranOrder) data = rowMajorFromColumnMajor(header.dtype, header.shape, data);
  return { dtype: header.dtype, shape: header.shape, data } as Tensor;
}

/** Writes a tensor as a `.npy` file, version 1.0. */
export function writeNpy(value: Tensor): Uint8Array {
  const kind = Object.keys(DTYPE_BY_DESCRIPTOR).find((key) => DTYPE_BY_DESCRIPTOR[key] === value.dtype);
  const order = bytesPerElement(value.dtype) === 1 ? '|' : '<';
  const dimensions = value.shape.length === 1 ? `${value.shape[0]},` : value.shape.join(', ');
  const dict = `{'descr': '${order}${kind}', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const preambleBytes = MAGIC.length + 4;
  const headerBytes = Math.ceil((preambleBytes + dict.length + 1) / 64) * 64 - preambleBytes;
  const body = bytesOfData(value.data);
  const file = new Uint8Array(preambleBytes + headerBytes + body.byteLength);
  file.set(MAGIC, 0);
  file.set([1, 0, headerBytes & 0xff, headerBytes >>> 8], MAGIC.length);
  const text = `${dict.padEnd(headerBytes - 1)}\n`;
  for (let i = 0; i < headerBytes; i++) file[preambleBytes + i] = text.charCodeAt(i);
  file.set(body, preambleBytes + headerBytes);
  return file;
}

interface NpyHeader {
  readonly dtype: DType;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: Shape;
}

function readPreamble(bytes: Uint8Array): { headerText: string; dataOffset: number } {
  if (bytes.byteLength < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new NpyError('npy magic expected \\x93NUMPY, got other bytes');
  }
  const major = bytes[6];
  if (major < 1 || major > 3) throw new NpyError(`npy version expected 1 to 3, got ${major}`);
  const lengthBytes = major === 1 ? 2 : 4;
  const headerStart = 8 + lengthBytes;
  let headerBytes = 0;
  for (let i = lengthBytes - 1; i >= 0; i--) headerBytes = headerBytes * 256 + bytes[8 + i];
  if (headerBytes > MAX_HEADER_BYTES || headerStart + headerBytes > bytes.byteLength) {
    throw new NpyError(`npy header of ${headerBytes} bytes does not fit the file or the limit`);
  }
  const dataOffset = headerStart + headerBytes;
  return { headerText: String.fromCharCode(...bytes.subarray(headerStart, dataOffset)), dataOffset };
}

function parseHeader(text: string): NpyHeader {
  const descriptor = /'descr'\s*:\s*'([<>|=]?)([a-z][0-9]+)'/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const dimensions = /'shape'\s*:\s*\(([0-9,\sL]*)\)/.exec(text);
  if (!descriptor || !order || !dimensions) {
    throw new NpyError(`npy header expected descr, fortran_order and shape, got ${text.slice(0, 80).trim()}`);
  }
  if (!Object.hasOwn(DTYPE_BY_DESCRIPTOR, descriptor[2])) {
    throw new NpyError(`npy element type expected a number or boolean, got ${descriptor[2]}`);
  }
  const shape = dimensions[1]
    .split(',')
    .map((part) => part.trim().replace('L', ''))
    .filter((part) => part !== '')
    .map(Number);
  if (shape.length > MAX_RANK)
    throw new NpyError(`npy rank expected at most ${MAX_RANK}, got ${shape.length}`);
  try {
    elementCount(shape);
  } catch (cause) {
    throw new NpyError(`npy shape is out of range: (${dimensions[1]})`, { cause });
  }
  const dtype = DTYPE_BY_DESCRIPTOR[descriptor[2]];
  return { dtype, bigEndian: descriptor[1] === '>', fortranOrder: order[1] === 'True', shape };
}

/** Column-major index of each row-major position is walked with one counter per axis. */
function rowMajorFromColumnMajor(dtype: DType, shape: Shape, source: TensorData): TensorData {
  const target = allocateData(dtype, source.length) as Float32Array;
  const values = source as Float32Array; // any storage: only element copies follow
  const strides: number[] = [];
  let stride = 1;
  for (const dimension of shape) {
    strides.push(stride);
    stride *= dimension;
  }
  const position = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < target.length; to++) {
    target[to] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis]++;
      from += strides[axis];
      if (position[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return target;
}
