/**
 * The head of a self-contained frame: preamble, element type, shape, quantizer (bitstream.md §3 and §4), and
 * the checksum that ends it. Knows nothing of the coded indices between them.
 */

import { type DType, elementCount, type Shape } from '@featherwire/tensor';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import type { BitstreamError } from '../errors.js';
import type { Quantizer } from '../stages.js';

export const MAGIC = [0xf5, 0x46, 0x57]; // 0xF5 "FW"
export const VERSION = 1;
/** Most dimensions of a tensor in a frame. */
export const MAX_RANK = 8;
export const CHECKSUM_BYTES = 4;

/** Bounds on what a frame may make its decoder allocate. */
export interface DecodeLimits {
  /** Most elements of a tensor; a decoder allocates at most 16 bytes for each (bitstream.md §11). */
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
/**
 * Codes of the quantizers; the position is the code. An affine quantizer has two forms, the shorter for those
 * whose level 0 is an index.
 */
const QUANTIZER_CODES = ['none', 'constant', 'offset', 'zero-point', 'integer'] as const;
type QuantizerForm = (typeof QUANTIZER_CODES)[number];

const MAX_LEVEL_COUNT = 65_536;
const MAX_OFFSET = 2 ** 126;
/** Span of the levels, with room for the rounding of the step. */
const MAX_SPAN = 1.25 * 2 ** 127;
const MIN_STEP = 2 ** -117;

/** True if tensors of this type can be quantized; others travel as they are. */
export function isQuantizable(dtype: DType): boolean {
  return DTYPE_CODES.indexOf(dtype) < QUANTIZABLE_DTYPE_COUNT;
}

/** Range of the integers of a type, or null if it holds other numbers. */
export function integerRange(dtype: DType): { readonly low: number; readonly high: number } | null {
  if (dtype === 'int8') return { low: -128, high: 127 };
  if (dtype === 'uint8') return { low: 0, high: 255 };
  return null;
}

/** Writes everything before the coded indices. @throws {RangeError} if the rank is over 8 */
export function writeHeader(writer: ByteWriter, header: FrameHeader): void {
  const { dtype, shape, quantizer } = header;
  if (shape.length > MAX_RANK)
    throw new RangeError(`shape expected at most ${MAX_RANK} dimensions, got ${shape.length}`);
  for (const byte of [...MAGIC, VERSION]) writer.writeUint8(byte);
  writer.writeUint8(DTYPE_CODES.indexOf(dtype));
  writer.writeUint8(shape.length | (QUANTIZER_CODES.indexOf(formOf(quantizer)) << 4));
  for (const dimension of shape) writer.writeVarint(dimension);
  switch (quantizer.kind) {
    case 'none':
      return;
    case 'constant':
      writer.writeFloat32(quantizer.value);
      return;
    case 'affine': {
      const { levelCount, offset, step, zeroPoint } = quantizer.affine;
      writer.writeVarint(levelCount);
      if (offset === 0) writer.writeVarint(zeroPoint);
      else writer.writeFloat32(offset);
      writer.writeFloat32(step);
      return;
    }
    case 'integer':
      writer.writeUint8(quantizer.lowest & 0xff);
      writer.writeVarint(quantizer.levelCount);
      return;
    default:
      quantizer satisfies never;
  }
}

function formOf(quantizer: Quantizer): QuantizerForm {
  if (quantizer.kind !== 'affine') return quantizer.kind;
  return quantizer.affine.offset === 0 ? 'zero-point' : 'offset';
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
  if (form !== 'none' && !isQuantizable(dtype)) {
    throw reader.error('invalid-field', `${dtype} elements cannot be quantized`);
  }
  return { dtype, shape, quantizer: readQuantizer(reader, dtype, form) };
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
  const form = QUANTIZER_CODES[byte >>> 4];
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

function readQuantizer(reader: ByteReader, dtype: DType, form: QuantizerForm): Quantizer {
  switch (form) {
    case 'none':
      return { kind: 'none' };
    case 'constant':
      return readConstant(reader, dtype);
    case 'offset':
    case 'zero-point':
      return readAffine(reader, form);
    case 'integer':
      return readInteger(reader, dtype);
    default:
      return form satisfies never;
  }
}

function readConstant(reader: ByteReader, dtype: DType): Quantizer {
  const start = reader.offset;
  const value = reader.readFloat32();
  const range = integerRange(dtype);
  const fits = range
    ? Number.isInteger(value) && value >= range.low && value <= range.high
    : Number.isFinite(value);
  if (!fits) throw reader.error('invalid-field', `${value} is no ${dtype} constant`, start);
  reader.note('value of all elements', value);
  return { kind: 'constant', value };
}

function readAffine(reader: ByteReader, form: 'offset' | 'zero-point'): Quantizer {
  const start = reader.offset;
  const levelCount = reader.readVarint();
  if (levelCount < 2 || levelCount > MAX_LEVEL_COUNT) {
    throw reader.error('invalid-field', `level count ${levelCount} is not in 2 … ${MAX_LEVEL_COUNT}`, start);
  }
  reader.note('level count', levelCount);
  let offset = 0;
  let zeroPoint = 0;
  if (form === 'offset') {
    offset = reader.readFloat32();
    reader.note('offset, the lowest level', offset);
  } else {
    zeroPoint = reader.readVarint();
    reader.note('zero point', zeroPoint);
  }
  const step = reader.readFloat32();
  reader.note('step', step);
  if (
    zeroPoint >= levelCount ||
    !(Math.abs(offset) <= MAX_OFFSET) ||
    !(step >= MIN_STEP && step * (levelCount - 1) <= MAX_SPAN)
  ) {
    const fields = `offset ${offset}, zero point ${zeroPoint}, step ${step}`;
    throw reader.error('invalid-field', `${fields}: out of range`, start);
  }
  return { kind: 'affine', affine: { levelCount, offset, step, zeroPoint } };
}

function readInteger(reader: ByteReader, dtype: DType): Quantizer {
  const start = reader.offset;
  const range = integerRange(dtype);
  if (!range) throw reader.error('invalid-field', `${dtype} elements are no integers of 8 bits`, start);
  const byte = reader.readUint8();
  const lowest = dtype === 'int8' ? (byte << 24) >> 24 : byte;
  reader.note('lowest integer', lowest);
  const levelCount = reader.readVarint();
  if (levelCount < 2 || lowest + levelCount - 1 > range.high) {
    throw reader.error('invalid-field', `${levelCount} integers from ${lowest} do not fit ${dtype}`, start);
  }
  reader.note('integer count', levelCount);
  return { kind: 'integer', lowest, levelCount };
}

/** Elements of a header's shape. */
export function headerElementCount(header: FrameHeader): number {
  return elementCount(header.shape);
}
