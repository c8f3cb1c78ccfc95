/** What is common to the lanes of all coders: what they are given, what they leave, and how chunks are described to them. */

import { elementsOf } from '@featherwire/codec/parts';
import type { GpuCall } from '../device/gpu-call.js';
import type { GpuFeature } from '../gpu-feature.js';
import { CHUNK_WORDS } from '../shaders/records.js';
import type { PayloadForm } from '../shaders/section-shaders.js';
import { type FramePlan, symbolCounts } from './frame-plan.js';

/** Kernels that leave a word or none for each symbol, ready to be added to a call. */
export interface CodedLanes {
  readonly form: PayloadForm;
  /** Records of the chunks. */
  readonly chunks: Uint32Array<ArrayBuffer>;
  /** What stands before the length of sections' code, one after the other; records say which is whose. */
  readonly heads: readonly Uint8Array[];
  add(call: GpuCall, feature: GpuFeature, buffers: LaneBuffers): void;
}

/** Buffers of a call that lanes read and fill. */
export interface LaneBuffers {
  readonly coding: GPUBuffer;
  readonly chunks: GPUBuffer;
  readonly thresholds: GPUBuffer;
  /** A word of 32 bits for each symbol. */
  readonly emitted: GPUBuffer;
  /** One for each lane of each chunk. */
  readonly states: GPUBuffer;
  /** Words of each tile of each chunk; zeros at first. */
  readonly tileWords: GPUBuffer;
  readonly report: GPUBuffer;
}

/** What of a chunk's record depends on the coder. */
export interface ChunkCoding {
  /** Where the front of its section begins among all. */
  readonly head: number;
  readonly headLength: number;
  /** Table and precision, or rows and columns. */
  readonly own: readonly [number, number];
}

/** Records of the chunks. */
export function chunkRecords(
  plan: FramePlan,
  codingOf: (chunk: number) => ChunkCoding,
): Uint32Array<ArrayBuffer> {
  const { chunks } = plan.outline;
  const counts = symbolCounts(plan);
  const records = new Uint32Array(chunks.length * CHUNK_WORDS);
  let firstElement = 0;
  let firstSymbol = 0;
  for (const [i, chunk] of chunks.entries()) {
    const elementCount = elementsOf(chunk);
    const { head, headLength, own } = codingOf(i);
    const record = [firstElement, elementCount, firstSymbol, counts[i], head, headLength, ...own];
    records.set(record, i * CHUNK_WORDS);
    firstElement += elementCount;
    firstSymbol += counts[i];
  }
  return records;
}
