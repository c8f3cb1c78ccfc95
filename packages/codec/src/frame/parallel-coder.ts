/** Frames of one tensor coded and decoded on several threads: the bytes and elements of one thread, sooner. */

import type { Tensor } from '@featherwire/tensor';
import { ByteWriter } from '../bitstream/byte-writer.js';
import { dataOfIndices } from '../feature/reconstruct.js';
import { writeIndexSection } from '../indices/index-section.js';
import { encodeIndexSection } from '../indices/layout-choice.js';
import type { Indices } from '../stages.js';
import { type ChunkPool, type ChunkTask, joinParts, resultOfChunks, shareTasks } from './chunk-jobs.js';
import { checkDigest, type DecodeOptions, decodeFrame, isElementwise } from './frame-decoder.js';
import {
  type BundledOptions,
  type EncodeOptions,
  type FrameEnd,
  finishFrame,
  type WriteSection,
  writeBundledTensors,
  writeTensors,
} from './frame-encoder.js';
import { parseFrame } from './frame-parser.js';

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
  return encodeChunks(chunked, pool, (writer, writeSection) =>
    writeTensors(writer, [{ ...options, feature }], chunked, writeSection),
  );
}

/**
 * Codes tensors as a bundled frame: quantized here, their chunks coded by the pool.
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
  return encodeChunks(chunked, pool, (writer, writeSection) =>
    writeBundledTensors(writer, features, chunked, writeSection),
  );
}

/** Writes a frame without its sections, has those made meanwhile, and puts them in. */
async function encodeChunks(
  { backend, maxMs }: EncodeOptions | BundledOptions,
  pool: ChunkPool,
  write: (writer: ByteWriter, writeSection: WriteSection) => FrameEnd,
): Promise<Uint8Array> {
  const tasks: ChunkTask[] = [];
  const offsets: number[] = [];
  const headers = new ByteWriter();
  const end = write(headers, (indices, geometry, alphabet, coding) => {
    const { coder, contextModel, table, staticCoder, laneCount, layout } = coding;
    const plain = { coder, contextModel, table, staticCoder, laneCount, layout };
    offsets.push(headers.length);
    tasks.push({
      job: () => ({ kind: 'encode', indices: indices.slice(), geometry, alphabet, coding: plain, maxMs }),
      here: () => {
        const writer = new ByteWriter();
        writeIndexSection(writer, encodeIndexSection(indices, geometry, alphabet, backend, coding));
        return writer.finish();
      },
    });
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
 * @returns what `decodeFrame` returns
 * @throws {BitstreamError} as `decodeFrame` does
 */
export async function decodeFrameInParallel(
  frame: Uint8Array,
  options: DecodeOptions,
  pool: ChunkPool,
): Promise<Tensor> {
  const { parts, bundled, digest } = parseFrame(frame, options, 1);
  const [{ header, body }] = parts;
  if (body.kind !== 'indices' || body.chunks.length === 1) return decodeFrame(frame, options);
  const { quantizer, chunks } = body;
  const { limits, profiles, backend } = options;
  const sent = frame.slice(); // of a view all of its buffer would travel
  const profile = bundled && profiles?.get(bundled.point);
  const known = {
    ...(limits && { limits }),
    ...(profile && { profiles: new Map([[bundled.point, profile]]) }),
  };
  // A job for each thread: with each the whole frame travels, and a small frame may hold many chunks.
  const count = Math.min(chunks.length, pool.workerCount + 1);
  const tasks = Array.from({ length: count }, (_, share): ChunkTask => {
    const from = Math.floor((share * chunks.length) / count);
    const to = Math.floor(((share + 1) * chunks.length) / count);
    return {
      job: () => ({ kind: 'decode', frame: sent, from, to, ...known }),
      here: () => resultOfChunks(header, chunks.slice(from, to), quantizer, backend),
    };
  });
  const joined = joinParts(await shareTasks(tasks, pool));
  const data = isElementwise(quantizer)
    ? joined
    : dataOfIndices(header, quantizer, joined as Indices, backend);
  const tensor = { dtype: header.dtype, shape: header.shape, data } as Tensor;
  checkDigest(frame, digest, [tensor]);
  return tensor;
}
