/** Frames of one tensor coded and decoded on several threads: the bytes and elements of one thread, sooner. */

import type { Tensor, TensorData } from '@featherwire/tensor';
import { ByteWriter } from '../bitstream/byte-writer.js';
import { dataOfIndices } from '../feature/reconstruct.js';
import { writeIndexSection } from '../indices/index-section.js';
import { encodeIndexSection } from '../indices/layout-choice.js';
import type { Indices } from '../stages.js';
import { type ChunkPool, type ChunkTask, resultOfChunk, shareTasks } from './chunk-jobs.js';
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
  const { parts, digest } = parseFrame(frame, options, 1);
  const [{ header, body }] = parts;
  if (body.kind !== 'indices' || body.chunks.length === 1) return decodeFrame(frame, options);
  const { quantizer, chunks } = body;
  const { limits, profiles, backend } = options;
  const sent = frame.slice(); // of a view all of its buffer would travel
  const tasks = chunks.map(
    (coded, chunk): ChunkTask => ({
      job: () => ({
        kind: 'decode',
        frame: sent,
        chunk,
        ...(limits && { limits }),
        ...(profiles && { profiles }),
      }),
      here: () => resultOfChunk(header, coded, quantizer, backend),
    }),
  );
  const joined = join(await shareTasks(tasks, pool));
  const data = isElementwise(quantizer)
    ? joined
    : dataOfIndices(header, quantizer, joined as Indices, backend);
  const tensor = { dtype: header.dtype, shape: header.shape, data } as Tensor;
  checkDigest(frame, digest, [tensor]);
  return tensor;
}

/** Parts of one type, one after the other. */
function join(parts: readonly TensorData[]): TensorData {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const Storage = parts[0].constructor as new (length: number) => Float32Array; // or whatever the parts are
  const joined = new Storage(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part as Float32Array, offset);
    offset += part.length;
  }
  return joined;
}
