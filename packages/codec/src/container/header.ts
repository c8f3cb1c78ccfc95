/**
 * What describes a tensor in a self-contained frame: its shape (bitstream.md §3), and the quantizer, which
 * `quantizer-section.ts` reads and writes. Knows nothing of the coded indices after them.
 */

import type { DType, Shape } from '@featherwire/tensor';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import type { BitstreamError } from '../errors.js';
import type { Quantizer } from '../stages.js';
import { isQuantizable } from './preamble.js';
import {
  type DescribedQuantizer,
  formOfQuantizer,
  QUANTIZER_FORMS,
  type QuantizerForm,
  readQuantizer,
  writeQuantizer,
} from './quantizer-section.js';

/** Most dimensions of a tensor in a frame. */
export const MAX_RANK = 8;
export const CHECKSUM_BYTES = 4;

/** Bounds on what a frame may make its decoder allocate. */
export interface DecodeLimits {
  /** Most elements of a tensor; a decoder allocates at most 16 bytes for each (bitstream.md §13). */
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

/** Writes shape and quantizer. @throws {RangeError} if the rank is over 8 */
export function writeTensorHeader(
  writer: ByteWriter,
  { shape, quantizer }: { readonly shape: Shape; readonly quantizer: DescribedQuantizer },
): void {
  if (shape.length > MAX_RANK)
    throw new RangeError(`shape expected at most ${MAX_RANK} dimensions, got ${shape.length}`);
  writer.writeUint8(shape.length | (QUANTIZER_FORMS.indexOf(formOfQuantizer(quantizer)) << 4));
  for (const dimension of shape) writer.writeVarint(dimension);
  writeQuantizer(writer, quantizer);
}

/** Reads shape and quantizer. @throws {BitstreamError} on any defect */
export function readTensorHeader(reader: ByteReader, dtype: DType, limits: DecodeLimits): FrameHeader {
  const start = reader.offset;
  const { rank, form } = readRankAndForm(reader);
  const shape = readDimensions(reader, new Array<null>(rank).fill(null), limits, start);
  reader.section = 'quantizer';
  if (form !== 'none' && form !== 'planes' && !isQuantizable(dtype)) {
    throw reader.error('invalid-field', `${dtype} elements cannot be quantized`);
  }
  if (form !== 'none' && shape.includes(0)) {
    throw reader.error('invalid-field', 'a tensor without elements has no quantizer');
  }
  return { dtype, shape, quantizer: readQuantizer(reader, dtype, shape, form) };
}

/** Reads the byte of rank and quantizer. @throws {BitstreamError} if either is unknown */
export function readRankAndForm(reader: ByteReader): { rank: number; form: QuantizerForm } {
  reader.section = 'shape';
  const start = reader.offset;
  const byte = reader.readUint8();
  const rank = byte & 0x0f;
  if (rank > MAX_RANK) throw reader.error('invalid-field', `rank ${rank} is over ${MAX_RANK}`, start);
  const form = QUANTIZER_FORMS[byte >>> 4];
  if (form === undefined) throw reader.error('invalid-field', `quantizer ${byte >>> 4} is unknown`, start);
  reader.note('rank and quantizer', `${rank}, ${form}`);
  return { rank, form };
}

/**
 * Reads the dimensions that are not known.
 * @param known - all dimensions, null for those to be read
 * @param start - offset that errors report
 * @throws {BitstreamError} if the tensor, or one of its dimensions, is over the limit
 */
export function readDimensions(
  reader: ByteReader,
  known: readonly (number | null)[],
  limits: DecodeLimits,
  start: number = reader.offset,
): Shape {
  reader.section = 'shape';
  const shape: number[] = [];
  let elements = 1;
  for (const dimension of known) {
    const size = dimension ?? reader.readVarint();
    if (size > limits.maxElements) throw limitError(reader, start, `dimension ${size}`, limits);
    shape.push(size);
    elements *= Math.max(1, size);
    // The product of the other dimensions is bounded too, so that no shape overflows beside a zero.
    if (elements > limits.maxElements) throw limitError(reader, start, `shape [${shape.join(', ')}]`, limits);
  }
  const count = shape.includes(0) ? 0 : elements;
  if (known.includes(null) || known.length === 0)
    reader.note('dimensions', `[${shape.join(', ')}], ${count} elements`);
  return shape;
}

function limitError(reader: ByteReader, start: number, what: string, limits: DecodeLimits): BitstreamError {
  return reader.error('limit-exceeded', `${what} is over ${limits.maxElements} elements`, start);
}
