/**
 * Chunks of frames on several threads (bitstream.md §16), whatever runs them: what is to be done with a chunk as a plain
 * record that a thread can be sent, and a tensor's chunks shared between other threads and the calling one.
 */

import { allocateData, type TensorData } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { ByteWriter } from '../bitstream/byte-writer.js';
import { startTimeBudget } from '../entropy/time-budget.js';
import { type IndexSection, writeIndexSection } from '../indices/index-section.js';
import { encodeIndexSection, type SectionCoding } from '../indices/layout-choice.js';
import type { IndexingQuantizer } from '../quantizer/alphabet.js';
import { elementsOf, type FeatureGeometry, type IndexAlphabet, type Indices } from '../stages.js';
import { type StaticValueCoding, sectionOfValues } from './encode-values.js';
import { decodeChunkIndices, decodeElements, isElementwise } from './frame-decoder.js';
import { type CodedChunk, type ParseOptions, parseFrame } from './frame-parser.js';

/** Work on a chunk; structured cloning keeps it. */
export type ChunkJob = EncodeChunkJob | EncodeValuesJob | DecodeChunkJob;

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

/** Values to a coder section. */
export interface EncodeValuesJob {
  readonly kind: 'encode-values';
  /** In memory that the caller shares (a `SharedArrayBuffer`); not changed. */
  readonly values: Float32Array;
  readonly coding: StaticValueCoding;
}

/** Chunks of a frame of one tensor to its elements, or to its indices where elements need those of other chunks. */
export interface DecodeChunkJob extends Pick<ParseOptions, 'limits' | 'profiles'> {
  readonly kind: 'decode';
  readonly frame: Uint8Array;
  /** The first chunk, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** Memory that the caller shares (a `SharedArrayBuffer`), for the elements of just these chunks. */
  readonly target?: TensorData;
}

/** Bytes of a coder section, or elements or indices, which own their buffer if the job has no target. */
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
 * @throws {BitstreamError} if a chunk does not decode @throws {RangeError} if indices or values cannot be coded as asked
 */
export function runChunkJob(job: ChunkJob, backend: Backend): ChunkResult {
  switch (job.kind) {
    case 'encode': {
      const { indices, geometry, alphabet, coding, maxMs } = job;
      const time = startTimeBudget(maxMs);
      return bytesOfSection(encodeIndexSection(indices, geometry, alphabet, backend, { ...coding, time }));
    }
    case 'encode-values': {
      const { values, coding } = job;
      return bytesOfSection(sectionOfValues(values, coding, values, backend));
    }
    case 'decode':
      return decodeJob(job, backend);
    default:
      return job satisfies never;
  }
}

/** A section as it stands in a frame. */
export function bytesOfSection(section: IndexSection): Uint8Array {
  const writer = new ByteWriter();
  writeIndexSection(writer, section);
  return writer.finish();
}

function decodeJob(job: DecodeChunkJob, backend: Backend): ChunkResult {
  const { frame, from, to, target, limits, profiles } = job;
  const known = { ...(limits && { limits }), ...(profiles && { profiles }) };
  const { header, body } = parseFrame(frame, { ...known, backend }, 1).parts[0];
  if (body.kind !== 'indices' || !(from >= 0 && from < to && to <= body.chunks.length))
    throw new RangeError(`chunks expected of the frame, got ${from} to ${to}`);
  const { quantizer } = body;
  const chunks = body.chunks.slice(from, to);
  if (!isElementwise(quantizer)) return indicesOfChunks(chunks, quantizer, backend);
  const count = elementsOfChunks(chunks);
  const data = target ?? allocateData(header.dtype, count);
  if (data.length !== count) throw new RangeError(`target expected ${count} elements, got ${data.length}`);
  decodeElements(header, chunks, quantizer, data, backend);
  return data;
}

/** Elements that chunks hold together. */
export function elementsOfChunks(chunks: readonly CodedChunk[]): number {
  return chunks.reduce((sum, { geometry }) => sum + elementsOf(geometry), 0);
}

/** Indices of chunks, one after the other. @param chunks - one at least @throws {BitstreamError} if a payload does not decode */
export function indicesOfChunks(
  chunks: readonly CodedChunk[],
  quantizer: IndexingQuantizer,
  backend: Backend,
): Indices {
  return joinIndices(chunks.map((chunk) => decodeChunkIndices(chunk, quantizer, backend)));
}

/** Indices of one type, one after the other. @param parts - one at least; a single one is returned as it is */
export function joinIndices(parts: readonly Indices[]): Indices {
  if (parts.length === 1) return parts[0];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = parts[0] instanceof Uint8Array ? new Uint8Array(length) : new Uint16Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
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
 * @throws what a task throws on this thread, after the pool is done
 */
export async function shareTasks(tasks: readonly ChunkTask[], pool: ChunkPool): Promise<ChunkResult[]> {
  const shares = pool.workerCount + 1;
  const sent = tasks.map((task, i) => (i % shares > 0 ? pool.run(task.job()) : null));
  const received = Promise.all(sent);
  let own: (ChunkResult | null)[];
  try {
    // This thread works while the others do.
    own = tasks.map((task, i) => (sent[i] ? null : task.here()));
  } catch (error) {
    await received; // memory that is shared is the caller's again once the caller is told
    throw error;
  }
  const others = await received;
  return tasks.map((task, i) => own[i] ?? others[i] ?? task.here());
}
