/** Frame to tensors: decodes what `frame-parser.ts` has read and checked (bitstream.md §1). */

import { allocateData, dataFromBytes, elementCount, type Tensor, type TensorData } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { DEFAULT_DECODE_LIMITS, type FrameHeader } from '../container/header.js';
import { BitstreamError } from '../errors.js';
import { geometryOfIndices } from '../feature/feature-values.js';
import { dataOfConstant, dataOfIndices, digestOfData } from '../feature/reconstruct.js';
import { decodeIndexSection } from '../indices/index-section.js';
import { decodePlanes } from '../planes/planes-decoder.js';
import { MAX_TENSOR_COUNT } from '../profile/coding-profile.js';
import { alphabetOfQuantizer, type IndexingQuantizer } from '../quantizer/alphabet.js';
import { elementsOf, type Indices } from '../stages.js';
import { valueDecodingOf } from './decode-values.js';
import {
  type CodedChunk,
  type FrameDescription,
  hex,
  type ParsedFrame,
  type ParseOptions,
  parseFrame,
  type TensorBody,
  type TensorPart,
} from './frame-parser.js';

/** How a frame is decoded. Nothing of the coding itself: a frame describes itself, or names a profile. */
export interface DecodeOptions extends ParseOptions {
  /** Runs the hot stages; the result does not depend on it. */
  readonly backend: Backend;
  /**
   * Memory for the elements of a float32 tensor, of any content; new by default. Not every way of decoding asks for it. What a
   * frame that is refused was given is of no meaning.
   */
  readonly allocate?: (elementCount: number) => Float32Array;
  /**
   * Told of the tensors once structure and checksum of the frame are right, before anything is decoded or allocated for them;
   * what it throws reaches the caller.
   */
  readonly accept?: (tensors: readonly FrameHeader[], bundled: FrameDescription['bundled']) => void;
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
 * @returns a tensor that owns its data, but for what `allocate` gave
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
 * @returns tensors that own their data, but for what `allocate` gave
 * @throws {BitstreamError} on anything else than a frame within the limits, and nothing but that
 */
export function decodeTensors(
  frame: Uint8Array,
  options: DecodeOptions,
  maxTensors: number = MAX_TENSOR_COUNT,
): Tensor[] {
  const { parts, digest } = parseAccepted(frame, options, maxTensors);
  const tensors = parts.map((part) => decodePart(part, options));
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
  const { parts, data, digest } = parseFrameInto(frame, target, options);
  const [{ header }] = parts;
  const decoded = decodePart(parts[0], { ...options, allocate: () => data });
  if (decoded.data !== data) data.set(decoded.data as Float32Array);
  const tensor: Tensor = { dtype: 'float32', shape: header.shape, data };
  checkDigest(frame, digest, [tensor]);
  return tensor;
}

/**
 * Parses a frame that is decoded into memory of the caller.
 * @returns the frame with the front of the target, as long as its tensor
 * @throws {BitstreamError} as `decodeFrameInto` does, but for payloads
 */
export function parseFrameInto(
  frame: Uint8Array,
  target: Float32Array,
  options: DecodeOptions,
): ParsedFrame & { readonly data: Float32Array } {
  const allowed = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
  const limits = { maxElements: Math.min(allowed.maxElements, target.length) };
  const parsed = parseAccepted(frame, { ...options, limits }, 1);
  const { dtype, shape } = parsed.parts[0].header;
  if (dtype !== 'float32')
    throw new BitstreamError('invalid-field', 'preamble', 0, `float32 expected, got ${dtype}`);
  return { ...parsed, data: target.subarray(0, elementCount(shape)) };
}

/** Parses a frame and asks whether it is accepted. @throws {BitstreamError} as `parseFrame` does; what `accept` throws */
export function parseAccepted(frame: Uint8Array, options: DecodeOptions, maxTensors: number): ParsedFrame {
  const parsed = parseFrame(frame, options, maxTensors);
  options.accept?.(
    parsed.parts.map(({ header }) => header),
    parsed.bundled,
  );
  return parsed;
}

/** @throws {BitstreamError} if the frame has a checksum of its elements and theirs is another */
export function checkDigest(frame: Uint8Array, digest: number | null, tensors: readonly Tensor[]): void {
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
  const { parts } = parseAccepted(frame, options, 1);
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
  const { header, body } = parseAccepted(frame, options, 1).parts[0];
  const total = chunks.reduce((sum, { indices }) => sum + indices.length, 0);
  const count = body.kind === 'indices' ? elementsOf(geometryOfIndices(header.shape, body.quantizer)) : 0;
  if (body.kind !== 'indices' || total !== count)
    throw new RangeError(`chunks expected ${count} indices, got ${total}`);
  const indices = allocateLike(chunks[0].indices, count);
  for (const chunk of chunks) indices.set(chunk.indices, chunk.elementOffset);
  const data = dataOfIndices(header, body.quantizer, indices, options.backend);
  return { dtype: header.dtype, shape: header.shape, data } as Tensor;
}

function decodePart({ header, body }: TensorPart, { backend, allocate }: DecodeOptions): Tensor {
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
      case 'indices': {
        const { quantizer, chunks } = body;
        if (!isElementwise(quantizer))
          return dataOfIndices(header, quantizer, decodeAllIndices(header, body, backend), backend);
        const count = elementCount(shape);
        const data = (dtype === 'float32' && allocate?.(count)) || allocateData(dtype, count);
        decodeElements(header, chunks, quantizer, data, backend);
        return data;
      }
      default:
        return body satisfies never;
    }
  };
  return { dtype, shape, data: dataOf() } as Tensor;
}

/**
 * Decodes chunks of an elementwise quantizer to elements.
 * @param target - of the tensor's type, as long as the chunks are; of no meaning after an error
 * @throws {BitstreamError} if a payload does not decode
 */
export function decodeElements(
  { dtype }: FrameHeader,
  chunks: readonly CodedChunk[],
  quantizer: IndexingQuantizer,
  target: TensorData,
  backend: Backend,
): void {
  let offset = 0;
  for (const chunk of chunks) {
    const count = elementsOf(chunk.geometry);
    const part = target.subarray(offset, offset + count) as Float32Array; // or of another type, whichever it is
    offset += count;
    const values = dtype === 'float32' ? part : undefined;
    const short = values && valueDecodingOf(chunk.section, quantizer);
    if (!short) {
      const indices = decodeChunkIndices(chunk, quantizer, backend);
      const data = dataOfIndices({ dtype, shape: [count] }, quantizer, indices, backend, values);
      if (data !== part) part.set(data as Float32Array);
      continue;
    }
    const reason = backend.decodeValues(short.payload, short.decoding, values);
    if (reason !== null) throw new BitstreamError('payload-mismatch', 'payload', chunk.byteOffset, reason);
  }
}

function decodeAllIndices(
  { shape }: FrameHeader,
  { quantizer, chunks }: Extract<TensorBody, { kind: 'indices' }>,
  backend: Backend,
): Indices {
  const first = decodeChunkIndices(chunks[0], quantizer, backend);
  if (chunks.length === 1) return first;
  const indices = allocateLike(first, elementsOf(geometryOfIndices(shape, quantizer)));
  indices.set(first);
  let offset = first.length;
  for (const chunk of chunks.slice(1)) {
    const part = decodeChunkIndices(chunk, quantizer, backend);
    indices.set(part, offset);
    offset += part.length;
  }
  return indices;
}

/** Whether elements follow from their own indices alone, so that those of a chunk can be found by themselves. */
export function isElementwise(quantizer: IndexingQuantizer): boolean {
  return quantizer.kind === 'affine' || quantizer.kind === 'levels' || quantizer.kind === 'integer';
}

/** Decodes a chunk to its indices. @throws {BitstreamError} if its payload does not decode */
export function decodeChunkIndices(
  chunk: CodedChunk,
  quantizer: IndexingQuantizer,
  backend: Backend,
): Indices {
  const indices = decodeIndexSection(chunk.section, chunk.geometry, alphabetOfQuantizer(quantizer), backend);
  if (typeof indices === 'string') {
    throw new BitstreamError('payload-mismatch', 'payload', chunk.byteOffset, indices);
  }
  return indices;
}

function allocateLike(indices: Indices, length: number): Indices {
  return indices instanceof Uint8Array ? new Uint8Array(length) : new Uint16Array(length);
}
