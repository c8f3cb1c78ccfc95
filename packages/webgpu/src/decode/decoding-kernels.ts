/** The kernels that decode the chunks of a frame: one for those under tables, two for each number of lanes under contexts. */

import { elementCount } from '@featherwire/tensor';
import type { GpuCall } from '../device/gpu-call.js';
import type { GpuContext } from '../device/gpu-context.js';
import { ballotKind } from '../shaders/ballots.js';
import { checksumShader } from '../shaders/checksum-shader.js';
import {
  decodeContextShader,
  divideLanes,
  PLACE_ELEMENTS,
  PLACE_GROUP,
} from '../shaders/decode-context-shaders.js';
import { decodeTableShader } from '../shaders/decode-table-shader.js';
import type { ContextChunks } from './context-chunks.js';
import type { DecodePlan } from './decode-plan.js';
import type { TableChunks } from './table-chunks.js';

const WORD_BYTES = 4;

/** What is known before the call. */
export interface DecodingKernels {
  readonly addChecksum: GPUComputePipeline;
  readonly addChunks: AddChunks;
}

/** Adds kernels to a call. */
type AddChunks = (call: GpuCall, buffers: ChunkBuffers) => void;

/** Buffers that the kernels read and fill. */
export interface ChunkBuffers {
  readonly coding: GPUBuffer;
  readonly levels: GPUBuffer;
  /** The frame. */
  readonly bytes: GPUBuffer;
  readonly feature: GPUBuffer;
  readonly report: GPUBuffer;
}

/** @throws {GpuError} if a kernel cannot be made */
export async function decodingKernels(
  context: GpuContext,
  { header, tables, contexts }: DecodePlan,
): Promise<DecodingKernels> {
  const [addChecksum, ...chunks] = await Promise.all([
    context.pipeline('checksum', checksumShader()),
    ...(tables ? [tableKernel(context, tables)] : []),
    ...(contexts ? [contextKernels(context, contexts, elementCount(header.shape))] : []),
  ]);
  return {
    addChecksum,
    addChunks: (call, buffers) => {
      for (const add of chunks) add(call, buffers);
    },
  };
}

async function tableKernel(
  context: GpuContext,
  { count, records, tables, laneCount }: TableChunks,
): Promise<AddChunks> {
  const kind = ballotKind(laneCount, context.subgroupSize);
  const decodeChunks = await context.pipeline(`decode by ${kind}`, decodeTableShader(kind, laneCount));
  return (call, { coding, levels, bytes, feature, report }) => {
    const chunks = call.upload('chunks', records);
    const rows = call.upload('tables', tables);
    call.dispatch(decodeChunks, [coding, chunks, rows, levels, bytes, feature, report], count);
  };
}

async function contextKernels(
  context: GpuContext,
  { models, groups }: ContextChunks,
  elements: number,
): Promise<AddChunks> {
  const placeElements = await context.pipeline('place elements', PLACE_ELEMENTS);
  const decoders = await Promise.all(
    groups.map(({ laneCount }) => {
      const division = divideLanes(laneCount, context.subgroupSize);
      return context.pipeline(`decode contexts by ${division.ballots}`, decodeContextShader(division));
    }),
  );
  return (call, { coding, levels, bytes, feature, report }) => {
    const words = call.upload('models', models);
    const indices = call.scratch('indices', elements * WORD_BYTES);
    for (const [i, { count, records, mostElements }] of groups.entries()) {
      const chunks = call.upload('chunks', records);
      call.dispatch(decoders[i], [coding, chunks, words, indices, bytes, report], count);
      const placed = [coding, chunks, words, levels, indices, feature];
      call.dispatch(placeElements, placed, Math.ceil(mostElements / PLACE_GROUP), count);
    }
  };
}
