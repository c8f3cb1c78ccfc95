/** A feature on the GPU to the bytes of its frame: nothing but these and a few words of a report come back. */

import { shortFrame } from '@featherwire/codec/parts';
import { elementCount } from '@featherwire/tensor';
import { GpuCall } from '../device/gpu-call.js';
import type { GpuContext } from '../device/gpu-context.js';
import type { GpuFeature } from '../gpu-feature.js';
import { CHECKSUM_GROUP_BYTES, checksumShader } from '../shaders/checksum-shader.js';
import { writeCoding } from '../shaders/records.js';
import { REPORT, REPORT_WORDS } from '../shaders/report.js';
import { gatherShader, type PayloadForm, placeShader } from '../shaders/section-shaders.js';
import type { CodedLanes } from './coded-lanes.js';
import { contextLanes } from './context-lanes.js';
import { checkReport } from './encode-report.js';
import { type FramePlan, symbolCounts } from './frame-plan.js';
import { tableLanes } from './table-lanes.js';

const CHECKSUM_BYTES = 4;
const WORD_BYTES = 4;
/** Words of a section's place. */
const SECTION_WORDS = 3;
const REPORT_BYTES = REPORT_WORDS * WORD_BYTES;
/** Bytes of a length up to 2^26 words. */
const MAX_VARINT_BYTES = 4;
/** What a frame may be larger than the one before, by its symbols, without being read back in two parts. */
const SIZE_MARGIN = 1.1;
const MIN_READBACK_BYTES = 4096;

/**
 * Encodes a feature.
 * @param feature - checked to hold what the plan says; not modified
 * @param target - receives the frame; new memory if there is none
 * @returns the frame's bytes, in the target or owned by the caller
 * @throws {RangeError} if the feature holds NaN or a symbol that the table lacks, or the target is too small
 * @throws {GpuError}
 */
export async function encodePlanned(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
  target: Uint8Array | undefined,
): Promise<Uint8Array> {
  const { coder } = plan;
  const lanes =
    coder.kind === 'rans-contexts'
      ? await contextLanes(context, plan, coder)
      : await tableLanes(context, feature, plan, coder);
  return encodeSections(context, feature, plan, lanes, target);
}

async function encodeSections(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
  lanes: CodedLanes,
  target: Uint8Array | undefined,
): Promise<Uint8Array> {
  const kernels = await sectionKernels(context, lanes.form);
  const symbolCount = symbolCounts(plan).reduce((a, b) => a + b, 0);
  const capacity = capacityOf(plan, lanes, symbolCount);
  const call = new GpuCall(context, 'encode');
  try {
    const { report, frame } = addKernels(call, kernels, { feature, plan, lanes, symbolCount, capacity });
    const firstSize = Math.min(capacity, expectedSize(plan, symbolCount));
    const readbacks = [
      { buffer: report, size: REPORT_BYTES },
      { buffer: frame, size: firstSize },
    ];
    const { bytes, missing } = await call.finish(readbacks, (reported, front) => {
      checkReport(reported, elementCount(feature.shape), capacity);
      return startFrame(reported, front, target);
    });
    if (missing > 0) {
      const size = wholeWords(missing);
      await call.readMore({ buffer: frame, offset: firstSize, size }, (rest) => {
        bytes.set(rest.subarray(0, missing), firstSize);
      });
    }
    plan.sizes.bytesPerSymbol = bytes.length / symbolCount;
    return shortened(bytes, plan);
  } finally {
    call.release();
  }
}

interface SectionKernels {
  readonly placeSections: GPUComputePipeline;
  readonly gatherSections: GPUComputePipeline;
  readonly addChecksum: GPUComputePipeline;
}

async function sectionKernels(context: GpuContext, form: PayloadForm): Promise<SectionKernels> {
  const [placeSections, gatherSections, addChecksum] = await Promise.all([
    context.pipeline('place sections', placeShader(form)),
    context.pipeline('gather sections', gatherShader(form)),
    context.pipeline('checksum', checksumShader()),
  ]);
  return { placeSections, gatherSections, addChecksum };
}

interface EncodeWork {
  readonly feature: GpuFeature;
  readonly plan: FramePlan;
  readonly lanes: CodedLanes;
  readonly symbolCount: number;
  /** Bytes of the frame's buffer, whole words. */
  readonly capacity: number;
}

/** Adds the kernels in their order. @returns the buffers that they leave results in */
function addKernels(
  call: GpuCall,
  { placeSections, gatherSections, addChecksum }: SectionKernels,
  { feature, plan, lanes, symbolCount, capacity }: EncodeWork,
): { report: GPUBuffer; frame: GPUBuffer } {
  const { chunkCount, laneCount, tilesPerChunk } = plan.coding;
  const { head } = plan.outline;
  const coding = call.uniform('coding', writeCoding({ ...plan.coding, headLength: head.length }));
  const chunks = call.upload('chunks', lanes.chunks);
  const thresholds = call.upload('thresholds', plan.thresholds);
  const literals = call.upload('literals', join([head, ...lanes.heads]));
  const emitted = call.scratch('emitted words', symbolCount * WORD_BYTES);
  const states = call.scratch('states', chunkCount * laneCount * WORD_BYTES);
  const tileWords = call.zeros('words of tiles', chunkCount * tilesPerChunk * WORD_BYTES);
  const sections = call.scratch('sections', chunkCount * SECTION_WORDS * WORD_BYTES);
  const report = call.zeros('report', REPORT_BYTES);
  const frame = call.zeros('frame', capacity);
  lanes.add(call, feature, { coding, chunks, thresholds, emitted, states, tileWords, report });
  call.dispatch(placeSections, [coding, chunks, report, tileWords, sections], 1);
  const gathered = [coding, chunks, tileWords, sections, emitted, states, literals, frame];
  call.dispatch(gatherSections, gathered, tilesPerChunk, chunkCount);
  call.dispatch(addChecksum, [frame, report], Math.ceil(capacity / CHECKSUM_GROUP_BYTES));
  return { report, frame };
}

/** Most bytes that a frame can take: a word for every symbol. */
function capacityOf(
  { outline, coding }: FramePlan,
  { heads, form }: CodedLanes,
  symbolCount: number,
): number {
  const headBytes = heads.reduce((most, head) => Math.max(most, head.length), 0);
  const chunkBytes = headBytes + MAX_VARINT_BYTES + coding.stateCount * form.stateBytes;
  return wholeWords(outline.head.length + coding.chunkCount * chunkBytes + symbolCount * form.wordBytes);
}

/** Bytes to read back at first: most of what a frame could take is not taken. */
function expectedSize({ sizes }: FramePlan, symbolCount: number): number {
  if (sizes.bytesPerSymbol === null) return Number.POSITIVE_INFINITY;
  return wholeWords(MIN_READBACK_BYTES + sizes.bytesPerSymbol * symbolCount * SIZE_MARGIN);
}

/** The frame with what was read of it and its checksum. @returns also how many bytes of it were not read */
function startFrame(
  reported: Uint8Array<ArrayBuffer>,
  front: Uint8Array,
  target: Uint8Array | undefined,
): { bytes: Uint8Array; missing: number } {
  const words = new Uint32Array(reported.slice().buffer);
  const byteCount = words[REPORT.byteCount];
  const length = byteCount + CHECKSUM_BYTES;
  if (target && target.length < length)
    throw new RangeError(`target expected at least ${length} bytes, got ${target.length}`);
  const bytes = target?.subarray(0, length) ?? new Uint8Array(length);
  bytes.set(front.subarray(0, byteCount));
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(byteCount, ~words[REPORT.checksum], true);
  return { bytes, missing: Math.max(0, byteCount - front.length) };
}

/** The frame, or the short one that stands in its place (bitstream.md §16.4). */
function shortened(bytes: Uint8Array, { outline }: FramePlan): Uint8Array {
  const short = outline.start && shortFrame(bytes.subarray(0, -CHECKSUM_BYTES), outline.start);
  if (!short) return bytes;
  bytes.set(short);
  return bytes.subarray(0, short.length);
}

function wholeWords(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
