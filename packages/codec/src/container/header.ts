/**
 * The head of a self-contained frame: preamble, element type, shape (bitstream.md §3), and the quantizer, which
 * `quantizer-section.ts` reads and writes. Knows nothing of the coded indices after them.
 */

import { type DType, elementCount, type Shape } from '@featherwire/tensor';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import type { BitstreamError } from '../errors.js';
import type { Quantizer } from '../stages.js';
import {
  formOfQuantizer,
  QUANTIZER_FORMS,
  type QuantizerForm,
  readQuantizer,
  writeQuantizer,
} from './quantizer-section.js';

export const MAGIC = [0xf5, 0x46, 0x57]; // 0xF5 "FW"
export const VERSION = 1;
/** Most dimensions of a tensor in a frame. */
export const MAX_RANK = 8;
export const CHECKSUM_BYTES = 4;

/** Bounds on what a frame may make its decoder allocate. */
export interface DecodeLimits {
  /** Most elements of a tensor; a decoder allocates at most 16 bytes for each (bitstream.md §12). */
  readonly maxElements: number;
}

/** 64 Mi elements, 256 MiB of float32. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = Object.freeze({ maxElements: 2 ** 26 });

/** All that stands before the coded indices. */
export interface FrameHeader {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly quantizer: Quantizer;
}

/** Codes of the element types; the position is the code. Only the first four can be quantized. */
const DTYPE_CODES: readonly DType[] = [
  'float32',
  'float16',
  'int8',
  'uint8',
  'float64',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
];
const QUANTIZABLE_DTYPE_COUNT = 4;
/** True if tensors of this type can be quantized; others travel as they are or as planes of bits. */
export function isQuantizable(dtype: DType): boolean {
  return DTYPE_CODES.indexOf(dtype) < QUANTIZABLE_DTYPE_COUNT;
}

/** Writes everything before the coded indices. @throws {RangeError} if the rank is over 8 */
export function writeHeader(writer: ByteWriter, header: FrameHeader): void {
  const { dtype, shape, quantizer } = header;
  if (shape.length > MAX_RANK)
    throw new RangeError(`shape expected at most ${MAX_RANK} dimensions, got ${shape.length}`);
  for (const byte of [...MAGIC, VERSION]) writer.writeUint8(byte);
  writer.writeUint8(DTYPE_CODES.indexOf(dtype));
  writer.writeUint8(shape.length | (QUANTIZER_FORMS.indexOf(formOfQuantizer(quantizer)) << 4));
  for (const dimension of shape) writer.writeVarint(dimension);
  writeQuantizer(writer, quantizer);
}

/** Reads everything before the coded indices. @throws {BitstreamError} on any defect */
export function readHeader(reader: ByteReader, limits: DecodeLimits): FrameHeader {
  readPreamble(reader);
  const typeByte = reader.readUint8();
  if (typeByte & 0xf0)
    throw reader.error('reserved-bits', 'upper bits of the type byte are not zero', reader.offset - 1);
  const dtype = DTYPE_CODES[typeByte];
  if (dtype === undefined)
    throw reader.error('invalid-field', `element type ${typeByte} is unknown`, reader.offset - 1);
  reader.note('form and element type', `self-contained, ${dtype}`);
  const { shape, form } = readShape(reader, limits);
  reader.section = 'quantizer';
  if (form !== 'none' && form !== 'planes' && !isQuantizable(dtype)) {
    throw reader.error('invalid-field', `${dtype} elements cannot be quantized`);
  }
  if (form !== 'none' && shape.includes(0)) {
    throw reader.error('invalid-field', 'a tensor without elements has no quantizer');
  }
  return { dtype, shape, quantizer: readQuantizer(reader, dtype, shape, form) };
}

function readPreamble(reader: ByteReader): void {
  reader.section = 'preamble';
  for (const expected of MAGIC) {
    const offset = reader.offset;
    if (reader.readUint8() !== expected)
      throw reader.error('wrong-magic', 'the bytes F5 46 57 expected', offset);
  }
  reader.note('magic', 'F5 46 57');
  const version = reader.readUint8();
  if (version !== VERSION) {
    throw reader.error(
      'unsupported-version',
      `version ${VERSION} expected, got ${version}`,
      reader.offset - 1,
    );
  }
  reader.note('version', version);
}

function readShape(reader: ByteReader, limits: DecodeLimits): { shape: Shape; form: QuantizerForm } {
  reader.section = 'shape';
  const start = reader.offset;
  const byte = reader.readUint8();
  const rank = byte & 0x0f;
  if (rank > MAX_RANK) throw reader.error('invalid-field', `rank ${rank} is over ${MAX_RANK}`, start);
  const form = QUANTIZER_FORMS[byte >>> 4];
  if (form === undefined) throw reader.error('invalid-field', `quantizer ${byte >>> 4} is unknown`, start);
  reader.note('rank and quantizer', `${rank}, ${form}`);
  const shape: number[] = [];
  let empty = false;
  let elements = 1;
  for (let axis = 0; axis < rank; axis++) {
    const dimension = reader.readVarint();
    if (dimension > limits.maxElements) throw limitError(reader, start, `dimension ${dimension}`, limits);
    shape.push(dimension);
    empty ||= dimension === 0;
    elements *= Math.max(1, dimension);
    // The product of the other dimensions is bounded too, so that no shape overflows beside a zero.
    if (elements > limits.maxElements) throw limitError(reader, start, `shape [${shape.join(', ')}]`, limits);
  }
  reader.note('dimensions', `[${shape.join(', ')}], ${empty ? 0 : elements} elements`);
  return { shape, form };
}

function limitError(reader: ByteReader, start: number, what: string, limits: DecodeLimits): BitstreamError {
  return reader.error('limit-exceeded', `${what} is over ${limits.maxElements} elements`, start);
}

/** Elements of a header's shape. */
export function headerElementCount(header: FrameHeader): number {
  return elementCount(header.shape);
}
