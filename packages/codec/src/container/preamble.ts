/** What every frame begins with: magic, version, element type and form (bitstream.md §3.1), or the mark of a short frame (§16.4). */

import type { DType } from '@featherwire/tensor';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';

export const MAGIC = [0xf5, 0x46, 0x57]; // 0xF5 "FW"
export const VERSION = 1;

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
const DTYPE_MASK = 0x0f;

/** What a frame holds beside one tensor with all that describes it. */
export interface FrameForm {
  /** Quantizer, table and fixed dimensions are in a profile that both ends hold. */
  readonly bundled: boolean;
  /** The checksum of the decoded elements stands before that of the frame. */
  readonly digest: boolean;
  /** The indices of each tensor are in sections that decode on their own. */
  readonly chunked: boolean;
  /** The count of its tensors follows. */
  readonly several: boolean;
  /** Bundled, with a mark in the place of what every frame says, and a checksum of 16 bits. */
  readonly short: boolean;
}

/** The first byte of a short frame: what a decoder of version 1 refuses at once. */
const SHORT_MARK = 0xf6;
/** Up to this length the checksum finds every change of up to three bits. */
const MAX_SHORT_FRAME_BYTES = 4095;

const BUNDLED_BIT = 0x10;
/** A byte of options follows. */
const EXTENDED_BIT = 0x40;
const RESERVED_FORM_BITS = 0xa0;
/** The options; the position is the bit. */
const OPTIONS = ['digest', 'chunked', 'several'] as const;

/** One tensor, self-contained, nothing else. */
export const PLAIN_FORM: FrameForm = {
  bundled: false,
  digest: false,
  chunked: false,
  several: false,
  short: false,
};

/** True if tensors of this type can be quantized; others travel as they are. */
export function isQuantizable(dtype: DType): boolean {
  return DTYPE_CODES.indexOf(dtype) < QUANTIZABLE_DTYPE_COUNT;
}

/** Writes the preamble. @param dtype - of the tensor, or of the first of several */
export function writePreamble(writer: ByteWriter, dtype: DType, form: FrameForm): void {
  for (const byte of [...MAGIC, VERSION]) writer.writeUint8(byte);
  const options = OPTIONS.reduce((bits, option, bit) => bits | (form[option] ? 1 << bit : 0), 0);
  const formBits = (form.bundled ? BUNDLED_BIT : 0) | (options ? EXTENDED_BIT : 0);
  writer.writeUint8(DTYPE_CODES.indexOf(dtype) | formBits);
  if (options) writer.writeUint8(options);
}

/** Writes the preamble of a short frame. */
export function writeShortPreamble(writer: ByteWriter): void {
  writer.writeUint8(SHORT_MARK);
}

/** What a frame says of itself at its beginning. */
export interface Preamble {
  /** Null if the frame is short and leaves it to the profile. */
  readonly dtype: DType | null;
  readonly form: FrameForm;
}

/** Reads the preamble. @throws {BitstreamError} on any defect */
export function readPreamble(reader: ByteReader): Preamble {
  reader.section = 'preamble';
  const start = reader.offset;
  if (reader.readUint8() === SHORT_MARK) return readShortPreamble(reader);
  reader.rewind(start);
  readMagicAndVersion(reader);
  const byte = reader.readUint8();
  if (byte & RESERVED_FORM_BITS)
    throw reader.error('reserved-bits', 'bits of the form are reserved', reader.offset - 1);
  const dtype = dtypeOfCode(reader, byte & DTYPE_MASK);
  const bundled = (byte & BUNDLED_BIT) !== 0;
  reader.note('form and element type', `${bundled ? 'bundled' : 'self-contained'}, ${dtype}`);
  const options = byte & EXTENDED_BIT ? readOptions(reader) : PLAIN_FORM;
  if (bundled && options.several) {
    throw reader.error('reserved-bits', 'a bundled frame has no count of tensors', reader.offset - 1);
  }
  return { dtype, form: { ...options, bundled } };
}

function readShortPreamble(reader: ByteReader): Preamble {
  reader.note('form', 'bundled, short');
  const byteLength = 1 + reader.remaining;
  if (byteLength > MAX_SHORT_FRAME_BYTES)
    throw reader.error('invalid-field', `${byteLength} bytes are more than a short frame has`, 0);
  return { dtype: null, form: { ...PLAIN_FORM, bundled: true, short: true } };
}

function readMagicAndVersion(reader: ByteReader): void {
  for (const expected of MAGIC) {
    const offset = reader.offset;
    if (reader.readUint8() !== expected)
      throw reader.error('wrong-magic', 'the bytes F5 46 57 expected', offset);
  }
  reader.note('magic', 'F5 46 57');
  const version = reader.readUint8();
  if (version !== VERSION) {
    const detail = `version ${VERSION} expected, got ${version}`;
    throw reader.error('unsupported-version', detail, reader.offset - 1);
  }
  reader.note('version', version);
}

function readOptions(reader: ByteReader): FrameForm {
  const byte = reader.readUint8();
  if (byte === 0 || byte >= 1 << OPTIONS.length)
    throw reader.error('reserved-bits', `options ${byte} are reserved`, reader.offset - 1);
  const [digest, chunked, several] = OPTIONS.map((_, bit) => (byte & (1 << bit)) !== 0);
  const form = { ...PLAIN_FORM, digest, chunked, several };
  reader.note('options', OPTIONS.filter((option) => form[option]).join(', '));
  return form;
}

/** Writes the element type of a tensor after the first. */
export function writeDType(writer: ByteWriter, dtype: DType): void {
  writer.writeUint8(DTYPE_CODES.indexOf(dtype));
}

/** Reads the element type of a tensor after the first. @throws {BitstreamError} if it is none */
export function readDType(reader: ByteReader): DType {
  reader.section = 'shape';
  const dtype = dtypeOfCode(reader, reader.readUint8());
  reader.note('element type', dtype);
  return dtype;
}

function dtypeOfCode(reader: ByteReader, code: number): DType {
  const dtype = DTYPE_CODES[code];
  if (dtype === undefined)
    throw reader.error('invalid-field', `element type ${code} is unknown`, reader.offset - 1);
  return dtype;
}
