/**
 * Frame to tensors: knows the order of the stages on the way in (bitstream.md §1). Lengths and limits are
 * checked before anything is allocated, the checksum before anything is decoded.
 */

import { bytesPerElement, type DType, dataFromBytes, elementCount, type Tensor } from '@featherwire/tensor';
import type { Backend } from './backend/backend.js';
import { ByteReader, type FrameField } from './bitstream/byte-reader.js';
import { crc32 } from './bitstream/crc32.js';
import { type CodingProfile, MAX_TENSOR_COUNT, type TensorProfile } from './coding-profile.js';
import {
  DEFAULT_DECODE_LIMITS,
  type DecodeLimits,
  type FrameHeader,
  readDimensions,
  readTensorHeader,
} from './container/header.js';
import { type FrameForm, readDType, readPreamble } from './container/preamble.js';
import { valueDecodingOf } from './decode-values.js';
import { BitstreamError } from './errors.js';
import { geometryOfShape } from './feature.js';
import { decodeIndexSection, type IndexSection, readIndexSection } from './index-section.js';
import { decodePlanes } from './planes-decoder.js';
import { type PlanesSection, readPlanes } from './planes-section.js';
import { alphabetOfQuantizer, type IndexingQuantizer } from './quantizer/alphabet.js';
import { dataOfConstant, dataOfIndices, digestOfData } from './reconstruct.js';
import {
  type CodedIndices,
  chunksOfGeometry,
  elementsOf,
  type FeatureGeometry,
  type Indices,
  type Layout,
  maxChunkCount,
  type StaticCoder,
} from './stages.js';

/** How a frame is decoded. Nothing of the coding itself: a frame describes itself, or names a profile. */
export interface DecodeOptions {
  /** Runs the hot stages; the result does not depend on it. */
  readonly backend: Backend;
  readonly limits?: Partial<DecodeLimits>;
  /** Profiles of bundled frames, by the number of their operating point. */
  readonly profiles?: ReadonlyMap<number, CodingProfile>;
}

/** What stands in a frame, found without decoding its payload. */
export interface FrameDescription extends TensorDescription {
  readonly byteLength: number;
  /** Operating point and place in the stream of a bundled frame, null for a self-contained one. */
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
}

/** Indices of one chunk of a tensor. */
export interface ChunkIndices {
  /** Elements of the tensor before the chunk. */
  readonly elementOffset: number;
  readonly indices: Indices;
}

/**
 * Decodes a frame of one tensor.
 * @param frame - one whole frame; not kept
 * @returns a tensor that owns its data
 * @throws {BitstreamError} on anything else than such a frame within the limits, and nothing but that
 */
export function decodeFrame(frame: Uint8Array, options: DecodeOptions): Tensor {
  const tensors = decodeTensors(frame, options, 1);
  return tensors[0];
}

/**
 * Decodes all tensors of a frame.
 * @param frame - one whole frame; not kept
 * @param maxTensors - a frame of more tensors is refused
 * @returns tensors that own their data
 * @throws {BitstreamError} on anything else than a frame within the limits, and nothing but that
 */
export function decodeTensors(
  frame: Uint8Array,
  options: DecodeOptions,
  maxTensors: number = MAX_TENSOR_COUNT,
): Tensor[] {
  const { parts, digest } = parseFrame(frame, options, maxTensors);
  const tensors = parts.map((part) => decodePart(part, options.backend));
  checkDigest(frame, digest, tensors);
  return tensors;
}

/**
 * Decodes a frame of one float32 tensor into memory of the caller: new memory takes longer to get than most frames to
 * decode.
 * @param frame - one whole frame; not kept
 * @param target - bounds the elements of the tensor; of no meaning after an error
 * @returns a tensor whose data is the front of `target`
 * @throws {BitstreamError} on anything else than such a frame within the limits, and nothing but that
 */
export function decodeFrameInto(frame: Uint8Array, target: Float32Array, options: DecodeOptions): Tensor {
  const allowed = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
  const limits = { maxElements: Math.min(allowed.maxElements, target.length) };
  const { parts, digest } = parseFrame(frame, { ...options, limits }, 1);
  const [{ header }] = parts;
  if (header.dtype !== 'float32')
    throw new BitstreamError('invalid-field', 'preamble', 0, `float32 expected, got ${header.dtype}`);
  const data = target.subarray(0, elementCount(header.shape));
  const decoded = decodePart(parts[0], options.backend, data);
  if (decoded.data !== data) data.set(decoded.data as Float32Array);
  const tensor: Tensor = { dtype: 'float32', shape: header.shape, data };
  checkDigest(frame, digest, [tensor]);
  return tensor;
}

function checkDigest(frame: Uint8Array, digest: number | null, tensors: readonly Tensor[]): void {
  if (digest === null) return;
  const computed = tensors.reduce((crc, { data }) => digestOfData(data, crc), 0);
  if (computed === digest) return;
  const detail = `the decoded elements have ${hex(computed)}, the frame says ${hex(digest)}`;
  throw new BitstreamError('digest-mismatch', 'checksum', frame.length - 8, detail);
}

/**
 * Decodes one chunk of a frame of one tensor, so that chunks can be decoded by several threads.
 * @param chunk - below the tensor's chunk count
 * @throws {BitstreamError} as `decodeFrame` does, but for defects in other chunks
 * @throws {RangeError} if there is no such chunk
 */
export function decodeChunk(frame: Uint8Array, chunk: number, options: DecodeOptions): ChunkIndices {
  const { parts } = parseFrame(frame, options, 1);
  const { body } = parts[0];
  const chunks = body.kind === 'indices' ? body.chunks : [];
  if (!chunks[chunk]) throw new RangeError(`chunk expected less than ${chunks.length}, got ${chunk}`);
  const { quantizer } = body as Extract<TensorBody, { kind: 'indices' }>;
  const elementOffset = chunks.slice(0, chunk).reduce((sum, { geometry }) => sum + elementsOf(geometry), 0);
  return { elementOffset, indices: decodeChunkIndices(chunks[chunk], quantizer, options.backend) };
}

/**
 * The tensor that the indices of all its chunks stand for.
 * @param chunks - of `decodeChunk` for every chunk, in any order
 * @throws {RangeError} if they are not the frame's chunks
 */
export function joinChunks(
  frame: Uint8Array,
  chunks: readonly ChunkIndices[],
  options: DecodeOptions,
): Tensor {
  const { header, body } = parseFrame(frame, options, 1).parts[0];
  const total = chunks.reduce((sum, { indices }) => sum + indices.length, 0);
  const count = elementCount(header.shape);
  if (body.kind !== 'indices' || total !== count)
    throw new RangeError(`chunks expected ${count} indices, got ${total}`);
  const indices = allocateLike(chunks[0].indices, count);
  for (const chunk of chunks) indices.set(chunk.indices, chunk.elementOffset);
  const data = dataOfIndices(header, body.quantizer, indices, options.backend);
  return { dtype: header.dtype, shape: header.shape, data } as Tensor;
}

/**
 * Describes a frame after checking its structure and checksum.
 * @param options - limits, and for bundled frames profiles
 * @throws {BitstreamError} as `decodeTensors` does, but for defects inside the payload
 */
export function inspectFrame(
  frame: Uint8Array,
  options: Omit<DecodeOptions, 'backend'> = {},
): FrameDescription {
  const fields: FrameField[] = [];
  const { parts, bundled, digest } = parseFrame(frame, options, MAX_TENSOR_COUNT, fields);
  const tensors = parts.map(describePart);
  return { ...tensors[0], byteLength: frame.length, bundled, digest, tensors, fields };
}

/** A tensor of a frame before it is decoded. */
interface TensorPart {
  readonly header: FrameHeader;
  readonly body: TensorBody;
}

type TensorBody =
  | { readonly kind: 'none'; readonly value: number }
  | { readonly kind: 'stored'; readonly bytes: Uint8Array }
  | { readonly kind: 'planes'; readonly section: PlanesSection; readonly byteOffset: number }
  | {
      readonly kind: 'indices';
      readonly quantizer: IndexingQuantizer;
      readonly chunks: readonly CodedChunk[];
    };

interface CodedChunk {
  readonly geometry: FeatureGeometry;
  readonly section: IndexSection;
  readonly byteOffset: number;
}

interface ParsedFrame {
  readonly parts: readonly TensorPart[];
  readonly bundled: FrameDescription['bundled'];
  readonly digest: number | null;
}

function describePart({ header, body }: TensorPart): TensorDescription {
  const common = { ...header, elementCount: elementCount(header.shape) };
  if (body.kind !== 'indices') return { ...common, coder: body.kind, layout: 'dense', chunkCount: 1 };
  const [{ section }] = body.chunks;
  const coding =
    section.kind === 'sparse'
      ? ({ coder: 'rans', layout: section.layout } as const)
      : ({ coder: section.kind, layout: 'dense' } as const);
  return { ...common, ...coding, chunkCount: body.chunks.length };
}

function parseFrame(
  frame: Uint8Array,
  { limits, profiles, backend }: Partial<DecodeOptions>,
  maxTensors: number,
  fields?: FrameField[],
): ParsedFrame {
  const reader = new ByteReader(frame, fields);
  const { dtype, form } = readPreamble(reader);
  const allowed = { ...DEFAULT_DECODE_LIMITS, ...limits };
  const { bundled, tensors } = form.bundled
    ? readPoint(reader, dtype, profiles)
    : { bundled: null, tensors: new Array<null>(form.several ? readTensorCount(reader) : 1).fill(null) };
  if (tensors.length > maxTensors)
    throw reader.error('invalid-field', `${tensors.length} tensors are more than ${maxTensors}`);
  const parts: TensorPart[] = [];
  let left = allowed.maxElements;
  for (const [i, profile] of tensors.entries()) {
    const remaining = { maxElements: left };
    const header = profile
      ? { ...profile, shape: readDimensions(reader, profile.shape, remaining) }
      : readTensorHeader(reader, i === 0 ? dtype : readDType(reader), remaining);
    left -= elementCount(header.shape);
    parts.push({ header, body: readBody(reader, header, form, profile?.coder ?? null) });
  }
  return { parts, bundled, digest: readEnd(reader, form, backend?.crc32 ?? crc32) };
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
  dtype: DType,
  profiles: ReadonlyMap<number, CodingProfile> | undefined,
): { bundled: NonNullable<FrameDescription['bundled']>; tensors: readonly TensorProfile[] } {
  const start = reader.offset;
  const point = reader.readVarint();
  reader.note('operating point', point);
  const profile = profiles?.get(point);
  if (!profile)
    throw reader.error('unknown-point', `no profile is known for operating point ${point}`, start);
  if (profile.tensors[0].dtype !== dtype) {
    const detail = `operating point ${point} is of ${profile.tensors[0].dtype}, the frame of ${dtype}`;
    throw reader.error('invalid-field', detail, start);
  }
  const sequenceNumber = reader.readVarint();
  reader.note('sequence number', sequenceNumber);
  return { bundled: { point, sequenceNumber }, tensors: profile.tensors };
}

function readBody(
  reader: ByteReader,
  { dtype, shape, quantizer }: FrameHeader,
  form: FrameForm,
  staticCoder: StaticCoder | null,
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
  const geometry = geometryOfShape(shape);
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

/** Reads what follows the tensors. @returns the checksum of the decoded elements, null if the frame has none */
function readEnd(reader: ByteReader, form: FrameForm, checksum: Backend['crc32']): number | null {
  reader.section = 'checksum';
  const digest = form.digest ? reader.readUint32() : null;
  if (digest !== null) reader.note('CRC-32 of the decoded elements', hex(digest));
  const computed = checksum(reader.bytesSince(0));
  const stored = reader.readUint32();
  if (stored !== computed) {
    const detail = `${hex(computed)} expected, got ${hex(stored)}`;
    throw reader.error('checksum-mismatch', detail, reader.offset - 4);
  }
  reader.note('CRC-32', hex(stored));
  if (reader.remaining > 0) throw reader.error('trailing-bytes', `${reader.remaining} bytes after the frame`);
  return digest;
}

/** @param target - may be taken for float32 data: as long as the tensor */
function decodePart({ header, body }: TensorPart, backend: Backend, target?: Float32Array): Tensor {
  const { dtype, shape } = header;
  const dataOf = (): Tensor['data'] => {
    switch (body.kind) {
      case 'stored':
        return dataFromBytes(dtype, body.bytes);
      case 'none':
        return dataOfConstant(header, body.value);
      case 'planes': {
        const data = decodePlanes(body.section, dtype, shape, backend);
        if (typeof data === 'string')
          throw new BitstreamError('payload-mismatch', 'payload', body.byteOffset, data);
        return data;
      }
      case 'indices':
        return (
          valuesOfIndices(header, body, backend, target) ??
          dataOfIndices(header, body.quantizer, decodeAllIndices(header, body, backend), backend)
        );
      default:
        return body satisfies never;
    }
  };
  return { dtype, shape, data: dataOf() } as Tensor;
}

/** Values by the short way, if there is one. */
function valuesOfIndices(
  { dtype, shape }: FrameHeader,
  { quantizer, chunks }: Extract<TensorBody, { kind: 'indices' }>,
  backend: Backend,
  target: Float32Array = new Float32Array(0),
): Float32Array | undefined {
  const [{ section, byteOffset }] = chunks;
  const short = dtype === 'float32' && chunks.length === 1 ? valueDecodingOf(section, quantizer) : undefined;
  if (!short) return undefined;
  const count = elementCount(shape);
  const values = target.length === count ? target : new Float32Array(count);
  const reason = backend.decodeValues(short.payload, short.decoding, values);
  if (reason !== null) throw new BitstreamError('payload-mismatch', 'payload', byteOffset, reason);
  return values;
}

function decodeAllIndices(
  { shape }: FrameHeader,
  { quantizer, chunks }: Extract<TensorBody, { kind: 'indices' }>,
  backend: Backend,
): Indices {
  const first = decodeChunkIndices(chunks[0], quantizer, backend);
  if (chunks.length === 1) return first;
  const indices = allocateLike(first, elementCount(shape));
  indices.set(first);
  let offset = first.length;
  for (const chunk of chunks.slice(1)) {
    const part = decodeChunkIndices(chunk, quantizer, backend);
    indices.set(part, offset);
    offset += part.length;
  }
  return indices;
}

function decodeChunkIndices(chunk: CodedChunk, quantizer: IndexingQuantizer, backend: Backend): Indices {
  const indices = decodeIndexSection(chunk.section, chunk.geometry, alphabetOfQuantizer(quantizer), backend);
  if (typeof indices === 'string') {
    throw new BitstreamError('payload-mismatch', 'payload', chunk.byteOffset, indices);
  }
  return indices;
}

function allocateLike(indices: Indices, length: number): Indices {
  return indices instanceof Uint8Array ? new Uint8Array(length) : new Uint16Array(length);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
