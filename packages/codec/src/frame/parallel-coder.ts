/** Frames of one tensor coded and decoded on several threads: the bytes and elements of one thread, sooner. */

import { allocateData, elementCount, type Tensor, type TensorData } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { ByteWriter } from '../bitstream/byte-writer.js';
import type { FrameHeader } from '../container/header.js';
import { dataOfIndices } from '../feature/reconstruct.js';
import { encodeIndexSection } from '../indices/layout-choice.js';
import type { IndexingQuantizer } from '../quantizer/alphabet.js';
import type { Indices } from '../stages.js';
import {
  bytesOfSection,
  type ChunkPool,
  type ChunkTask,
  type DecodeChunkJob,
  elementsOfChunks,
  indicesOfChunks,
  joinIndices,
  shareTasks,
} from './chunk-jobs.js';
import { sectionOfValues } from './encode-values.js';
import {
  checkDigest,
  type DecodeOptions,
  decodeElements,
  decodeFrame,
  decodeFrameInto,
  isElementwise,
  parseAccepted,
  parseFrameInto,
} from './frame-decoder.js';
import {
  type BundledOptions,
  type EncodeOptions,
  type FrameEnd,
  finishFrame,
  type SectionWriters,
  writeBundledTensors,
  writeTensors,
} from './frame-encoder.js';
import type { CodedChunk, ParsedFrame } from './frame-parser.js';

/**
 * Codes a tensor as a self-contained frame: its range is found and it is quantized here, its chunks are coded by the pool.
 * @param options - `chunkCount` is one more than the pool has workers, if it is not given
 * @returns what `encodeFrame` returns for that many chunks
 * @throws {RangeError} @throws {TypeError} as `encodeFrame` does
 */
export function encodeFrameInParallel(
  feature: Tensor,
  options: EncodeOptions,
  pool: ChunkPool,
): Promise<Uint8Array> {
  const chunked = { ...options, chunkCount: options.chunkCount ?? pool.workerCount + 1 };
  return encodeChunks(chunked, pool, (writer, { ofIndices }) =>
    writeTensors(writer, [{ ...options, feature }], chunked, ofIndices),
  );
}

/**
 * Codes tensors as a bundled frame: quantized here, their chunks coded by the pool. Chunks of features in shared memory (a
 * `SharedArrayBuffer`) are quantized by the pool as well, where the profile's levels are at equal distance and its table is static.
 * @param features - not to be changed before the promise is settled
 * @param options - `chunkCount` is one more than the pool has workers, if it is not given
 * @returns what `encodeBundledFrame` returns for that many chunks
 * @throws {RangeError} as `encodeBundledFrame` does
 */
export function encodeBundledFrameInParallel(
  features: readonly Tensor[],
  options: BundledOptions,
  pool: ChunkPool,
): Promise<Uint8Array> {
  const chunked = { ...options, chunkCount: options.chunkCount ?? pool.workerCount + 1 };
  const areShared = features.every(({ data }) => isShared(data));
  return encodeChunks(chunked, pool, (writer, writers) =>
    writeBundledTensors(writer, features, chunked, areShared ? writers : { ...writers, ofValues: null }),
  );
}

function isShared({ buffer }: TensorData): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
}

/** Writes a frame without its sections, has those made meanwhile, and puts them in. */
async function encodeChunks(
  { backend, maxMs }: EncodeOptions | BundledOptions,
  pool: ChunkPool,
  write: (writer: ByteWriter, writers: SectionWriters) => FrameEnd,
): Promise<Uint8Array> {
  const tasks: ChunkTask[] = [];
  const offsets: number[] = [];
  const headers = new ByteWriter();
  const add = (task: ChunkTask): void => {
    offsets.push(headers.length);
    tasks.push(task);
  };
  const end = write(headers, {
    ofIndices: (indices, geometry, alphabet, coding) => {
      const { coder, contextModel, table, staticCoder, laneCount, layout } = coding;
      const plain = { coder, contextModel, table, staticCoder, laneCount, layout };
      add({
        job: () => ({ kind: 'encode', indices: indices.slice(), geometry, alphabet, coding: plain, maxMs }),
        here: () => bytesOfSection(encodeIndexSection(indices, geometry, alphabet, backend, coding)),
      });
    },
    ofValues: (values, coding, all) =>
      add({
        job: () => ({ kind: 'encode-values', values, coding }),
        here: () => bytesOfSection(sectionOfValues(values, coding, all, backend)),
      }),
  });
  const sections = await shareTasks(tasks, pool);
  const writer = new ByteWriter();
  const written = headers.finish();
  sections.forEach((section, i) => {
    writer.writeBytes(written.subarray(offsets[i - 1] ?? 0, offsets[i]));
    writer.writeBytes(section as Uint8Array);
  });
  writer.writeBytes(written.subarray(offsets.at(-1) ?? 0));
  return finishFrame(writer, end, backend);
}

/**
 * Decodes a frame of one tensor, its chunks by the pool.
 * @param frame - one whole frame; must not change before the promise is settled
 * @param target - if given, as `decodeFrameInto` takes it; memory that is shared (a `SharedArrayBuffer`) is written by the threads
 *   themselves, where elements are otherwise sent and copied
 * @returns what `decodeFrame` or `decodeFrameInto` returns
 * @throws {BitstreamError} as `decodeFrame` or `decodeFrameInto` does
 */
export async function decodeFrameInParallel(
  frame: Uint8Array,
  options: DecodeOptions,
  pool: ChunkPool,
  target?: Float32Array,
): Promise<Tensor> {
  const parsed: ParsedFrame & { readonly data?: Float32Array } = target
    ? parseFrameInto(frame, target, options)
    : parseAccepted(frame, options, 1);
  const { header, body } = parsed.parts[0];
  if (body.kind !== 'indices' || body.chunks.length === 1) {
    const { accept: _, ...others } = options; // it has been asked
    return target ? decodeFrameInto(frame, target, others) : decodeFrame(frame, others);
  }
  const { limits, profiles, backend } = options;
  const profile = parsed.bundled && profiles?.get(parsed.bundled.point);
  const sent = {
    frame: frame.slice(), // of a view all of its buffer would travel
    ...(limits && { limits }),
    ...(profile && { profiles: new Map([[parsed.bundled.point, profile]]) }),
  };
  const shared: SharedDecoding = { sent, quantizer: body.quantizer, backend, pool };
  const shares = sharesOf(body.chunks, pool.workerCount + 1);
  const count = elementCount(header.shape);
  const given = parsed.data ?? (header.dtype === 'float32' ? options.allocate?.(count) : undefined);
  const whole: TensorData = given ?? allocateData(header.dtype, count);
  if (isElementwise(body.quantizer)) {
    await decodeElementsInParallel(header, shares, whole, shared);
  } else {
    const indices = await decodeIndicesInParallel(shares, shared);
    const decoded = dataOfIndices(header, body.quantizer, indices, backend);
    (whole as Float32Array).set(decoded as Float32Array); // of one type, whichever
  }
  const tensor = { dtype: header.dtype, shape: header.shape, data: whole } as Tensor;
  checkDigest(frame, parsed.digest, [tensor]);
  return tensor;
}

/** What all shares of a frame are decoded with. */
interface SharedDecoding {
  /** What a thread is sent of it. */
  readonly sent: Pick<DecodeChunkJob, 'frame' | 'limits' | 'profiles'>;
  readonly quantizer: IndexingQuantizer;
  readonly backend: Backend;
  readonly pool: ChunkPool;
}

/** Chunks that one thread decodes. */
interface Share extends Pick<DecodeChunkJob, 'from' | 'to'> {
  readonly chunks: readonly CodedChunk[];
}

/** A share for each thread: with each the whole frame travels, and a small frame may hold many chunks. */
function sharesOf(chunks: readonly CodedChunk[], threadCount: number): Share[] {
  const count = Math.min(chunks.length, threadCount);
  return Array.from({ length: count }, (_, share) => {
    const from = Math.floor((share * chunks.length) / count);
    const to = Math.floor(((share + 1) * chunks.length) / count);
    return { from, to, chunks: chunks.slice(from, to) };
  });
}

/** @param target - of the tensor's type and length @throws {BitstreamError} if a payload does not decode */
async function decodeElementsInParallel(
  header: FrameHeader,
  shares: readonly Share[],
  target: TensorData,
  { sent, quantizer, backend, pool }: SharedDecoding,
): Promise<void> {
  const isInPlace = isShared(target);
  let offset = 0;
  const parts = shares.map(({ chunks }) => {
    const start = offset;
    offset += elementsOfChunks(chunks);
    return target.subarray(start, offset);
  });
  const tasks = shares.map(
    ({ from, to, chunks }, i): ChunkTask => ({
      job: () => ({ kind: 'decode', ...sent, from, to, ...(isInPlace && { target: parts[i] }) }),
      here: () => {
        decodeElements(header, chunks, quantizer, parts[i], backend);
        return parts[i];
      },
    }),
  );
  const results = await shareTasks(tasks, pool);
  if (isInPlace) return;
  for (const [i, result] of results.entries())
    if (result !== parts[i]) (parts[i] as Float32Array).set(result as Float32Array); // of one type, whichever
}

/** @throws {BitstreamError} if a payload does not decode */
async function decodeIndicesInParallel(
  shares: readonly Share[],
  { sent, quantizer, backend, pool }: SharedDecoding,
): Promise<Indices> {
  const tasks = shares.map(
    ({ from, to, chunks }): ChunkTask => ({
      job: () => ({ kind: 'decode', ...sent, from, to }),
      here: () => indicesOfChunks(chunks, quantizer, backend),
    }),
  );
  return joinIndices((await shareTasks(tasks, pool)) as Indices[]);
}
