/**
 * What both ends of a link know of the tensors that cross it, so that bundled frames need not say it (bitstream.md
 * §16): element types, dimensions, quantizers, static tables. Profiles and their bytes; `design-profile.ts` makes them.
 */

import type { DType, Shape } from '@featherwire/tensor';
import { ByteReader } from '../bitstream/byte-reader.js';
import { ByteWriter } from '../bitstream/byte-writer.js';
import { crc32 } from '../bitstream/crc32.js';
import { MAX_RANK, readRankAndForm } from '../container/header.js';
import { isQuantizable, readDType, writeDType } from '../container/preamble.js';
import {
  formOfQuantizer,
  QUANTIZER_FORMS,
  readQuantizer,
  writeQuantizer,
} from '../container/quantizer-section.js';
import { writeSpectral } from '../container/spectral-section.js';
import { readTableSection, symbolAlphabet, writeTableSection } from '../entropy/coded-indices.js';
import {
  checkContextAlphabet,
  readContextModel,
  writeContextModel,
} from '../entropy/contexts/context-model.js';
import { MAX_ALPHABET_SIZE, tableOfDescription } from '../entropy/frequency-table.js';
import { MAX_PACKED_LEVELS } from '../entropy/packed-symbols.js';
import { alphabetOfQuantizer, type IndexingQuantizer, isIndexing } from '../quantizer/alphabet.js';
import type { StaticCoder, SymbolAlphabet, TableDescription } from '../stages.js';

/** A coding of one tensor that is fixed but for its elements. */
export interface TensorProfile {
  readonly dtype: DType;
  /** Dimensions; null for those that every frame states. */
  readonly shape: readonly (number | null)[];
  readonly quantizer: IndexingQuantizer;
  /** Decision thresholds of listed levels, ascending, one less than levels; null for other quantizers. */
  readonly thresholds: Float32Array | null;
  /** The coder that frames may use without a table of their own. */
  readonly coder: StaticCoder | null;
}

/** The tensors of a frame, in order. */
export interface CodingProfile {
  readonly tensors: readonly TensorProfile[];
  /**
   * True if small frames without options are short ones (bitstream.md §16.4): at least 6 bytes less, and a
   * checksum of 16 bits instead of 32. A decoder takes short frames under such a profile only.
   */
  readonly shortFrames?: boolean;
}

/** Most tensors of a profile or a frame. */
export const MAX_TENSOR_COUNT = 256;

const PROFILE_MAGIC = [0xf5, 0x46, 0x50]; // 0xF5 "FP"
const PLAIN_VERSION = 1;
/** A byte of options follows. */
const VERSION_WITH_OPTIONS = 2;
const SHORT_FRAMES_OPTION = 1;
/** A dimension that frames state; no quantized tensor has one of 0. */
const VARYING = 0;
const NO_CODER = 0;
const TABLE_CODER = 1;
const CONTEXT_CODER = 2;
const PACKED_CODER = 3;
/** What a channel axis of unknown length is refused by. */
const UNKNOWN_DIMENSION = 0;

/** A profile as bytes (bitstream.md §16.3). @throws {RangeError} if it breaks a rule of `TensorProfile` */
export function writeProfile(profile: CodingProfile): Uint8Array {
  const writer = new ByteWriter();
  const { tensors, shortFrames } = profile;
  const start = shortFrames ? [VERSION_WITH_OPTIONS, SHORT_FRAMES_OPTION] : [PLAIN_VERSION];
  for (const byte of [...PROFILE_MAGIC, ...start]) writer.writeUint8(byte);
  if (tensors.length < 1 || tensors.length > MAX_TENSOR_COUNT)
    throw new RangeError(`tensors expected 1 to ${MAX_TENSOR_COUNT}, got ${tensors.length}`);
  writer.writeVarint(tensors.length);
  for (const tensor of tensors) writeTensor(writer, tensor);
  writer.writeUint32(crc32(writer.peek()));
  return writer.finish();
}

function writeTensor(
  writer: ByteWriter,
  { dtype, shape, quantizer, thresholds, coder }: TensorProfile,
): void {
  if (shape.length > MAX_RANK)
    throw new RangeError(`shape expected at most ${MAX_RANK} dimensions, got ${shape.length}`);
  writeDType(writer, dtype);
  writer.writeUint8(shape.length | (QUANTIZER_FORMS.indexOf(formOfQuantizer(quantizer)) << 4));
  for (const dimension of shape) writer.writeVarint(dimension ?? VARYING);
  if (quantizer.kind === 'spectral') writeSpectral(writer, quantizer.spectral);
  else writeQuantizer(writer, quantizer);
  if (quantizer.kind === 'levels') {
    if (thresholds?.length !== quantizer.levels.length - 1)
      throw new RangeError(
        `thresholds expected ${quantizer.levels.length - 1}, got ${thresholds?.length ?? 'none'}`,
      );
    for (const threshold of thresholds) writer.writeFloat32(threshold);
  }
  writeCoder(writer, coder);
}

function writeCoder(writer: ByteWriter, coder: StaticCoder | null): void {
  if (!coder) {
    writer.writeUint8(NO_CODER);
  } else if (coder.kind !== 'rans-contexts') {
    writer.writeUint8(coder.kind === 'rans' ? TABLE_CODER : PACKED_CODER);
    writeTableSection(writer, coder.table);
  } else {
    writer.writeUint8(CONTEXT_CODER);
    writeContextModel(writer, coder.model);
  }
}

/**
 * Reads a profile.
 * @param bytes - one whole profile; not kept
 * @throws {BitstreamError} on anything else, and nothing but that
 */
export function readProfile(bytes: Uint8Array): CodingProfile {
  const reader = new ByteReader(bytes);
  const options = readStart(reader);
  const count = reader.readVarint();
  if (count < 1 || count > MAX_TENSOR_COUNT)
    throw reader.error('invalid-field', `${count} tensors are not 1 to ${MAX_TENSOR_COUNT}`);
  const tensors: TensorProfile[] = [];
  for (let i = 0; i < count; i++) tensors.push(readTensor(reader));
  reader.section = 'checksum';
  const computed = crc32(reader.bytesSince(0));
  if (reader.readUint32() !== computed)
    throw reader.error('checksum-mismatch', 'the bytes of the profile are damaged', reader.offset - 4);
  if (reader.remaining > 0)
    throw reader.error('trailing-bytes', `${reader.remaining} bytes after the profile`);
  return { ...options, tensors };
}

/** Reads what stands before the tensors. */
function readStart(reader: ByteReader): Pick<CodingProfile, 'shortFrames'> {
  for (const expected of PROFILE_MAGIC) {
    if (reader.readUint8() !== expected)
      throw reader.error('wrong-magic', 'the bytes F5 46 50 expected', reader.offset - 1);
  }
  const version = reader.readUint8();
  if (version === PLAIN_VERSION) return {};
  if (version !== VERSION_WITH_OPTIONS) {
    const detail = `version ${PLAIN_VERSION} or ${VERSION_WITH_OPTIONS} expected, got ${version}`;
    throw reader.error('unsupported-version', detail, reader.offset - 1);
  }
  const options = reader.readUint8();
  if (options !== SHORT_FRAMES_OPTION)
    throw reader.error('reserved-bits', `options ${options} are reserved`, reader.offset - 1);
  return { shortFrames: true };
}

function readTensor(reader: ByteReader): TensorProfile {
  const dtype = readDType(reader);
  const { rank, form } = readRankAndForm(reader);
  const shape: (number | null)[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const dimension = reader.readVarint();
    shape.push(dimension === VARYING ? null : dimension);
  }
  reader.section = 'quantizer';
  const known = shape.map((dimension) => dimension ?? UNKNOWN_DIMENSION);
  const quantizer = readQuantizer(reader, dtype, known, form);
  if (!isQuantizable(dtype) || !isIndexing(quantizer))
    throw reader.error('invalid-field', `a profile of ${dtype} has no quantizer ${quantizer.kind}`);
  const thresholds = quantizer.kind === 'levels' ? readThresholds(reader, quantizer.levels.length - 1) : null;
  return { dtype, shape, quantizer, thresholds, coder: readCoder(reader, quantizer) };
}

function readThresholds(reader: ByteReader, count: number): Float32Array {
  const thresholds = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    thresholds[i] = reader.readFloat32();
    // Written so that NaN is refused too.
    if (!(Number.isFinite(thresholds[i]) && (i === 0 || thresholds[i] > thresholds[i - 1]))) {
      throw reader.error(
        'invalid-field',
        `threshold ${thresholds[i]} at ${i} does not ascend`,
        reader.offset - 4,
      );
    }
  }
  return thresholds;
}

function readCoder(reader: ByteReader, quantizer: IndexingQuantizer): StaticCoder | null {
  reader.section = 'coder';
  const start = reader.offset;
  const kind = reader.readUint8();
  const alphabet = alphabetOfQuantizer(quantizer);
  switch (kind) {
    case NO_CODER:
      return null;
    case TABLE_CODER:
      if (alphabet.levelCount > MAX_ALPHABET_SIZE)
        throw reader.error('invalid-field', `${alphabet.levelCount} levels have no table`, start);
      return { kind: 'rans', table: readStaticTable(reader, symbolAlphabet('rans', alphabet)) };
    case CONTEXT_CODER:
      checkContextAlphabet(reader, alphabet, start);
      return { kind: 'rans-contexts', model: readContextModel(reader, alphabet) };
    case PACKED_CODER:
      if (alphabet.levelCount > MAX_PACKED_LEVELS)
        throw reader.error('invalid-field', `${alphabet.levelCount} levels have no packed symbols`, start);
      return { kind: 'rans-packed', table: readStaticTable(reader, symbolAlphabet('rans-packed', alphabet)) };
    default:
      throw reader.error('invalid-field', `coder ${kind} is unknown`, start);
  }
}

function readStaticTable(reader: ByteReader, alphabet: SymbolAlphabet): TableDescription {
  const start = reader.offset;
  const table = readTableSection(reader, alphabet);
  if (tableOfDescription(alphabet, table).frequencies.includes(0))
    throw reader.error('invalid-table', 'a static table has a frequency for each symbol', start);
  return table;
}

/** Why a tensor does not fit a profile, or nothing. */
export function misfitOfTensor(profile: TensorProfile, dtype: DType, shape: Shape): string | undefined {
  const fits =
    shape.length === profile.shape.length &&
    profile.shape.every((dimension, axis) => dimension === null || dimension === shape[axis]);
  const expected = `${profile.dtype} [${profile.shape.map((dimension) => dimension ?? '*').join(', ')}]`;
  if (fits && dtype === profile.dtype && !shape.includes(0)) return undefined;
  return `feature expected ${expected} with elements, got ${dtype} [${shape.join(', ')}]`;
}
