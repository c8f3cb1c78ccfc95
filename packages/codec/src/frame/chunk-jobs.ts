/**
 * Chunks of frames on several threads (bitstream.md §16), whatever runs them: what is to be done with a chunk as a plain
 * record that a thread can be sent, and a tensor's chunks shared between other threads and the calling one.
 */

import type { TensorData } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { ByteWriter } from '../bitstream/byte-writer.js';
import type { FrameHeader } from '../container/header.js';
import { startTimeBudget } from '../entropy/time-budget.js';
import { writeIndexSection } from '../indices/index-section.js';
import { encodeIndexSection, type SectionCoding } from '../indices/layout-choice.js';
import type { IndexingQuantizer } from '../quantizer/alphabet.js';
import type { FeatureGeometry, IndexAlphabet, Indices } from '../stages.js';
import { decodeChunkData, decodeChunkIndices, isElementwise } from './frame-decoder.js';
import { type CodedChunk, type ParseOptions, parseFrame } from './frame-parser.js';

/** Work on a chunk; structured cloning keeps it. */
export type ChunkJob = EncodeChunkJob | DecodeChunkJob;

/** Indices to a coder section. */
export interface EncodeChunkJob {
  readonly kind: 'encode';
  /** Owns its buffer, which may be given away with the job. */
  readonly indices: Indices;
  readonly geometry: FeatureGeometry;
  readonly alphabet: IndexAlphabet;
  readonly coding: Omit<SectionCoding, 'time'>;
  /** As in `FrameExtras`, from the start of the job on. */
  readonly maxMs?: number | undefined;
}

/** A chunk of a frame of one tensor to its elements, or to its indices where elements need those of other chunks. */
export interface DecodeChunkJob extends Pick<ParseOptions, 'limits' | 'profiles'> {
  readonly kind: 'decode';
  readonly frame: Uint8Array;
  readonly chunk: number;
}

/** Bytes of a coder section, elements or indices; owns its buffer. */
export type ChunkResult = TensorData;

/** Threads beside the calling one, each with a backend of its own. */
export interface ChunkPool {
  /** How many jobs run at the same time, at least 0. */
  readonly workerCount: number;
  /**
   * Does a job by `runChunkJob`. Buffers that belong to the job alone may be taken.
   * @returns null if it is not done, for whatever reason: the caller does it and learns why
   */
  run(job: ChunkJob): Promise<ChunkResult | null>;
}

/**
 * Does a job.
 * @throws {BitstreamError} if a chunk does not decode @throws {RangeError} if indices cannot be coded as asked
 */
export function runChunkJob(job: ChunkJob, backend: Backend): ChunkResult {
  switch (job.kind) {
    case 'encode': {
      const { indices, geometry, alphabet, coding, maxMs } = job;
      const time = startTimeBudget(maxMs);
      const writer = new ByteWriter();
      writeIndexSection(
        writer,
        encodeIndexSection(indices, geometry, alphabet, backend, { ...coding, time }),
      );
      return writer.finish();
    }
    case 'decode':
      return decodeJob(job, backend);
    default:
      return job satisfies never;
  }
}

function decodeJob({ frame, chunk, limits, profiles }: DecodeChunkJob, backend: Backend): ChunkResult {
  const known = { ...(limits && { limits }), ...(profiles && { profiles }) };
  const { header, body } = parseFrame(frame, { ...known, backend }, 1).parts[0];
  const coded = body.kind === 'indices' ? body.chunks[chunk] : undefined;
  if (body.kind !== 'indices' || !coded)
    throw new RangeError(`chunk expected one of the frame, got ${chunk}`);
  return resultOfChunk(header, coded, body.quantizer, backend);
}

/** What becomes of a chunk on the thread that decodes it. @throws {BitstreamError} if its payload does not decode */
export function resultOfChunk(
  header: FrameHeader,
  coded: CodedChunk,
  quantizer: IndexingQuantizer,
  backend: Backend,
): ChunkResult {
  return isElementwise(quantizer)
    ? decodeChunkData(header, coded, quantizer, backend)
    : decodeChunkIndices(coded, quantizer, backend);
}

/** A chunk that another thread may do. */
export interface ChunkTask {
  /** What to send there. */
  job(): ChunkJob;
  /** The same on this thread. */
  here(): ChunkResult;
}

/**
 * Shares tasks between a pool and this thread, which does one in `workerCount + 1` of them while the pool does the rest.
 * @returns a result for each, in order
 * @throws what a task throws on this thread
 */
export async function shareTasks(tasks: readonly ChunkTask[], pool: ChunkPool): Promise<ChunkResult[]> {
  const shares = pool.workerCount + 1;
  const sent = tasks.map((task, i) => (i % shares > 0 ? pool.run(task.job()) : null));
  // This thread works while the others do.
  const own = tasks.map((task, i) => (sent[i] ? null : task.here()));
  const received = await Promise.all(sent);
  return tasks.map((task, i) => own[i] ?? received[i] ?? task.here());
}
