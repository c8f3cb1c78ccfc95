/** Frame to tensors: decodes what `frame-parser.ts` has read and checked (bitstream.md §1). */

import { dataFromBytes, elementCount, type Tensor } from '@featherwire/tensor';
import type { Backend } from './backend/backend.js';
import { MAX_TENSOR_COUNT } from './coding-profile.js';
import type { FrameHeader } from './container/header.js';
import { BitstreamError } from './errors.js';
import {
  type CodedChunk,
  hex,
  type ParseOptions,
  parseFrame,
  type TensorBody,
  type TensorPart,
} from './frame-parser.js';
import { decodeIndexSection } from './index-section.js';
import { decodePlanes } from './planes-decoder.js';
import { alphabetOfQuantizer, type IndexingQuantizer } from './quantizer/alphabet.js';
import { dataOfConstant, dataOfIndices, digestOfData } from './reconstruct.js';
import { elementsOf, type Indices } from './stages.js';

/** How a frame is decoded. Nothing of the coding itself: a frame describes itself, or names a profile. */
export interface DecodeOptions extends ParseOptions {
  /** Runs the hot stages; the result does not depend on it. */
  readonly backend: Backend;
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
  const computed = digest === null ? null : tensors.reduce((crc, { data }) => digestOfData(data, crc), 0);
  if (computed !== digest) {
    const detail = `the decoded elements have ${hex(computed!)}, the frame says ${hex(digest!)}`;
    throw new BitstreamError('digest-mismatch', 'checksum', frame.length - 8, detail);
  }
  return tensors;
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

function decodePart({ header, body }: TensorPart, backend: Backend): Tensor {
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
        return dataOfIndices(header, body.quantizer, decodeAllIndices(header, body, backend), backend);
      default:
        return body satisfies never;
    }
  };
  return { dtype, shape, data: dataOf() } as Tensor;
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
