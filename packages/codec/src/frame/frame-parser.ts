/**
 * Frame to its parts, nothing decoded yet (bitstream.md §3, §5, §16): lengths and limits are checked before anything is
 * allocated, the checksum at the end.
 */

import { bytesPerElement, elementCount } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { ByteReader, type FrameField } from '../bitstream/byte-reader.js';
import { crc16 } from '../bitstream/crc16.js';
import { crc32 } from '../bitstream/crc32.js';
import {
  CHECKSUM_BYTES,
  DEFAULT_DECODE_LIMITS,
  type DecodeLimits,
  type FrameHeader,
  readDimensions,
  readTensorHeader,
} from '../container/header.js';
import { type FrameForm, type Preamble, readDType, readPreamble } from '../container/preamble.js';
import { geometryOfIndices, workingCount } from '../feature/feature-values.js';
import { type IndexSection, readIndexSection } from '../indices/index-section.js';
import { type PlanesSection, readPlanes } from '../planes/planes-section.js';
import { type CodingProfile, MAX_TENSOR_COUNT, type TensorProfile } from '../profile/coding-profile.js';
import { alphabetOfQuantizer, type IndexingQuantizer } from '../quantizer/alphabet.js';
import {
  type CodedIndices,
  chunksOfGeometry,
  type FeatureGeometry,
  type Layout,
  maxChunkCount,
  type StaticCoder,
} from '../stages.js';

/** Blocks reach beyond planes by less than a block; those of encoders have half a block's rows and columns at least. */
const MAX_COEFFICIENTS_PER_ELEMENT = 4;

/** What a decoder must know beside the frame. */
export interface ParseOptions {
  readonly limits?: Partial<DecodeLimits>;
  /** Profiles of bundled frames, by the number of their operating point. */
  readonly profiles?: ReadonlyMap<number, CodingProfile>;
  /** Computes the checksum; the reference by default. */
  readonly backend?: Backend;
  /**
   * `checked` by default; `unchecked` leaves the checksum of a frame that ends with it to the caller, who must not believe
   * anything before.
   */
  readonly checksum?: 'checked' | 'unchecked';
}

/** What stands in a frame, found without decoding its payload. */
export interface FrameDescription extends TensorDescription {
  readonly byteLength: number;
  /** Operating point and place in the stream of a bundled frame (modulo 256 if it is short), null for a self-contained one. */
  readonly bundled: { readonly point: number; readonly sequenceNumber: number } | null;
  /** Checksum of the decoded elements, null if the frame has none. */
  readonly digest: number | null;
  /** All tensors in order; the first is also described by the fields of the frame itself. */
  readonly tensors: readonly TensorDescription[];
  /** Every field in order; they cover all bytes. */
  readonly fields: readonly FrameField[];
}

/** A tensor of a frame. */
export interface TensorDescription extends FrameHeader {
  readonly elementCount: number;
  /** Of the first chunk; `none` where nothing follows the quantizer; `planes` have a coder each, as the fields say. */
  readonly coder: 'none' | 'stored' | 'planes' | CodedIndices['kind'];
  readonly layout: Layout;
  /** Sections that decode independently; 1 if the tensor has no indices. */
  readonly chunkCount: number;
  /** Bytes of the frame that are the tensor's own: all but preamble, point, counts and checksums. */
  readonly ownBytes: number;
}

/**
 * True if a frame is bundled; nothing after its form is looked at.
 * @throws {BitstreamError} if it does not begin as a frame does
 */
export function isBundledFrame(frame: Uint8Array): boolean {
  return readPreamble(new ByteReader(frame)).form.bundled;
}

/**
 * Describes a frame after checking its structure and checksum.
 * @param options - limits, and for bundled frames profiles
 * @throws {BitstreamError} as `decodeTensors` does, but for defects inside the payload
 */
export function inspectFrame(frame: Uint8Array, options: ParseOptions = {}): FrameDescription {
  const fields: FrameField[] = [];
  const { parts, bundled, digest } = parseFrame(frame, options, MAX_TENSOR_COUNT, fields);
  const tensors = parts.map(describePart);
  return { ...tensors[0], byteLength: frame.length, bundled, digest, tensors, fields };
}

/**
 * Bytes of each tensor of a frame, as `TensorDescription.ownBytes`, for who needs no more of the description.
 * @throws {BitstreamError} as `inspectFrame` does
 */
export function measureTensors(frame: Uint8Array, options: ParseOptions = {}): number[] {
  return parseFrame(frame, options, MAX_TENSOR_COUNT).parts.map(({ ownBytes }) => ownBytes);
}

/** A tensor of a frame before it is decoded. */
export interface TensorPart {
  readonly header: FrameHeader;
  readonly body: TensorBody;
  /** As in `TensorDescription`. */
  readonly ownBytes: number;
}

/** What follows the header of a tensor. */
export type TensorBody =
  | { readonly kind: 'none'; readonly value: number }
  | { readonly kind: 'stored'; readonly bytes: Uint8Array }
  | { readonly kind: 'planes'; readonly section: PlanesSection; readonly byteOffset: number }
  | {
      readonly kind: 'indices';
      readonly quantizer: IndexingQuantizer;
      readonly chunks: readonly CodedChunk[];
    };

/** A coder section with the part of the tensor that it holds. */
export interface CodedChunk {
  readonly geometry: FeatureGeometry;
  readonly section: IndexSection;
  readonly byteOffset: number;
}

/** A frame without what describes it. */
export interface ParsedFrame {
  readonly parts: readonly TensorPart[];
  readonly bundled: FrameDescription['bundled'];
  readonly digest: number | null;
  /** CRC-32 of all bytes before it, as the frame says, where it is left to the caller. */
  readonly uncheckedSum: number | null;
}

function describePart({ header, body, ownBytes }: TensorPart): TensorDescription {
  const common = { ...header, elementCount: elementCount(header.shape), ownBytes };
  if (body.kind !== 'indices') return { ...common, coder: body.kind, layout: 'dense', chunkCount: 1 };
  const [{ section }] = body.chunks;
  const coding =
    section.kind === 'sparse'
      ? ({ coder: 'rans', layout: section.layout } as const)
      : ({ coder: section.kind, layout: 'dense' } as const);
  return { ...common, ...coding, chunkCount: body.chunks.length };
}

/**
 * Reads a frame without decoding it.
 * @param maxTensors - a frame of more tensors is refused
 * @param fields - receives what was read, field by field
 * @throws {BitstreamError} if it is not one, or over the limits
 */
export function parseFrame(
  frame: Uint8Array,
  { limits, profiles, backend, checksum = 'checked' }: ParseOptions,
  maxTensors: number,
  fields?: FrameField[],
): ParsedFrame {
  const reader = new ByteReader(frame, fields);
  const preamble = readPreamble(reader);
  const { form } = preamble;
  const allowed = { ...DEFAULT_DECODE_LIMITS, ...limits };
  const { bundled, tensors } = form.bundled
    ? readPoint(reader, preamble, profiles)
    : { bundled: null, tensors: new Array<null>(form.several ? readTensorCount(reader) : 1).fill(null) };
  if (tensors.length > maxTensors)
    throw reader.error('invalid-field', `${tensors.length} tensors are more than ${maxTensors}`);
  const parts: TensorPart[] = [];
  let left = allowed.maxElements;
  for (const [i, profile] of tensors.entries()) {
    const remaining = { maxElements: left };
    const start = reader.offset;
    const header = profile
      ? { ...profile, shape: readDimensions(reader, profile.shape, remaining) }
      : readTensorHeader(reader, (i === 0 && preamble.dtype) || readDType(reader), remaining);
    left -= elementCount(header.shape);
    const body = readBody(reader, header, form, profile?.coder ?? null, remaining);
    parts.push({ header, body, ownBytes: reader.offset - start });
  }
  return { parts, bundled, ...readEnd(reader, form, backend?.crc32 ?? crc32, checksum) };
}

function readTensorCount(reader: ByteReader): number {
  const count = reader.readVarint();
  if (count < 2 || count > MAX_TENSOR_COUNT)
    throw reader.error('invalid-field', `${count} tensors are not 2 to ${MAX_TENSOR_COUNT}`);
  reader.note('tensors', count);
  return count;
}

function readPoint(
  reader: ByteReader,
  { dtype, form }: Preamble,
  profiles: ReadonlyMap<number, CodingProfile> | undefined,
): { bundled: NonNullable<FrameDescription['bundled']>; tensors: readonly TensorProfile[] } {
  const start = reader.offset;
  const point = reader.readVarint();
  reader.note('operating point', point);
  const profile = profiles?.get(point);
  if (!profile)
    throw reader.error('unknown-point', `no profile is known for operating point ${point}`, start);
  if (form.short && !profile.shortFrames)
    throw reader.error('invalid-field', `operating point ${point} has no short frames`, start);
  if (dtype && profile.tensors[0].dtype !== dtype) {
    const detail = `operating point ${point} is of ${profile.tensors[0].dtype}, the frame of ${dtype}`;
    throw reader.error('invalid-field', detail, start);
  }
  const sequenceNumber = form.short ? reader.readUint8() : reader.readVarint();
  reader.note('sequence number', sequenceNumber);
  return { bundled: { point, sequenceNumber }, tensors: profile.tensors };
}

function readBody(
  reader: ByteReader,
  { dtype, shape, quantizer }: FrameHeader,
  form: FrameForm,
  staticCoder: StaticCoder | null,
  limits: DecodeLimits,
): TensorBody {
  const count = elementCount(shape);
  if (quantizer.kind === 'constant') return { kind: 'none', value: quantizer.value };
  reader.section = 'payload';
  if (quantizer.kind === 'none') {
    const bytes = reader.readBytes(count * bytesPerElement(dtype));
    if (count > 0) reader.note('elements', `${count} of ${dtype}`);
    return { kind: 'stored', bytes };
  }
  if (count === 0) throw reader.error('invalid-field', 'a tensor without elements has no quantizer');
  if (quantizer.kind === 'planes') {
    const byteOffset = reader.offset;
    return { kind: 'planes', section: readPlanes(reader, dtype, shape), byteOffset };
  }
  const alphabet = alphabetOfQuantizer(quantizer);
  const geometry = geometryOfIndices(shape, quantizer);
  const working = workingCount(shape, quantizer);
  const most = limits.maxElements * (quantizer.kind === 'blocks' ? MAX_COEFFICIENTS_PER_ELEMENT : 1);
  if (working > most) throw reader.error('limit-exceeded', `${working} coefficients are over ${most}`);
  const chunkCount = form.chunked ? readChunkCount(reader, geometry) : 1;
  const chunks = chunksOfGeometry(geometry, chunkCount).map((chunk) => ({
    geometry: chunk,
    byteOffset: reader.offset,
    section: readIndexSection(reader, chunk, alphabet, staticCoder),
  }));
  return { kind: 'indices', quantizer, chunks };
}

function readChunkCount(reader: ByteReader, geometry: FeatureGeometry): number {
  const start = reader.offset;
  const count = reader.readVarint();
  const most = Math.min(maxChunkCount(geometry), Math.max(1, reader.remaining));
  if (count < 1 || count > most) {
    throw reader.error('invalid-field', `${count} chunks are not in 1 … ${most}`, start);
  }
  reader.note('chunks', count);
  return count;
}

/** Reads what follows the tensors. */
function readEnd(
  reader: ByteReader,
  form: FrameForm,
  compute: Backend['crc32'],
  checking: NonNullable<ParseOptions['checksum']>,
): Pick<ParsedFrame, 'digest' | 'uncheckedSum'> {
  reader.section = 'checksum';
  const digest = form.digest ? reader.readUint32() : null;
  if (digest !== null) reader.note('CRC-32 of the decoded elements', hex(digest));
  const start = reader.offset;
  const [name, sumOf] = form.short ? (['CRC-16', crc16] as const) : (['CRC-32', compute] as const);
  // Before bytes that follow the frame are found, the checksum must be right; that of a short frame takes no time.
  const isLate = checking === 'unchecked' && !form.short && reader.remaining === CHECKSUM_BYTES;
  const computed = isLate ? null : sumOf(reader.bytesSince(0));
  const stored = form.short ? reader.readUint16() : reader.readUint32();
  if (computed !== null && stored !== computed) {
    const detail = `${hex(computed)} expected, got ${hex(stored)}`;
    throw reader.error('checksum-mismatch', detail, start);
  }
  reader.note(name, hex(stored));
  if (reader.remaining > 0) throw reader.error('trailing-bytes', `${reader.remaining} bytes after the frame`);
  return { digest, uncheckedSum: isLate ? stored : null };
}

/** A checksum for people. */
export function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
