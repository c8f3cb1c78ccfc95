/** A feature on the GPU to the bytes of its frame: nothing but these and a few words of a report come back. */

import { shortFrame } from '@featherwire/codec/parts';
import { elementCount } from '@featherwire/tensor';
import { GpuCall } from '../device/gpu-call.js';
import type { GpuContext } from '../device/gpu-context.js';
import { GpuError } from '../errors.js';
import type { GpuFeature } from '../gpu-feature.js';
import { CHECKSUM_GROUP_BYTES, checksumShader } from '../shaders/checksum-shader.js';
import { ENCODE_LANES, GATHER_SECTIONS, LANE_GROUP, PLACE_SECTIONS } from '../shaders/encode-shaders.js';
import { writeCoding } from '../shaders/records.js';
import { REPORT, REPORT_WORDS } from '../shaders/report.js';
import { type FramePlan, symbolCounts } from './frame-plan.js';
import { chunkRecords, designTables, refuseNaN, type SectionTables } from './section-tables.js';

const CHECKSUM_BYTES = 4;
const WORD_BYTES = 4;
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
  const sections = plan.shared
    ? { tables: plan.shared.tables, rowOfChunk: () => 0, heads: [plan.shared.sectionHead] }
    : await designTables(context, feature, plan);
  return encodeSections(context, feature, plan, sections, target);
}

async function encodeSections(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
  sections: SectionTables,
  target: Uint8Array | undefined,
): Promise<Uint8Array> {
  const kernels = await encodingKernels(context);
  const symbolCount = symbolCounts(plan).reduce((a, b) => a + b, 0);
  const capacity = capacityOf(plan, sections, symbolCount);
  const call = new GpuCall(context, 'encode');
  try {
    const { report, frame } = addKernels(call, kernels, { feature, plan, sections, symbolCount, capacity });
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

interface EncodingKernels {
  readonly encodeLanes: GPUComputePipeline;
  readonly placeSections: GPUComputePipeline;
  readonly gatherSections: GPUComputePipeline;
  readonly addChecksum: GPUComputePipeline;
}

async function encodingKernels(context: GpuContext): Promise<EncodingKernels> {
  const [encodeLanes, placeSections, gatherSections, addChecksum] = await Promise.all([
    context.pipeline('encode lanes', ENCODE_LANES),
    context.pipeline('place sections', PLACE_SECTIONS),
    context.pipeline('gather sections', GATHER_SECTIONS),
    context.pipeline('checksum', checksumShader()),
  ]);
  return { encodeLanes, placeSections, gatherSections, addChecksum };
}

interface EncodeWork {
  readonly feature: GpuFeature;
  readonly plan: FramePlan;
  readonly sections: SectionTables;
  readonly symbolCount: number;
  /** Bytes of the frame's buffer, whole words. */
  readonly capacity: number;
}

/** Adds the kernels in their order. @returns the buffers that they leave results in */
function addKernels(
  call: GpuCall,
  { encodeLanes, placeSections, gatherSections, addChecksum }: EncodingKernels,
  { feature, plan, sections, symbolCount, capacity }: EncodeWork,
): { report: GPUBuffer; frame: GPUBuffer } {
  const { chunkCount, laneCount } = plan.coding;
  const { head } = plan.outline;
  const coding = call.uniform('coding', writeCoding({ ...plan.coding, headLength: head.length }));
  const chunks = call.upload('chunks', chunkRecords(plan, sections));
  const thresholds = call.upload('thresholds', plan.thresholds);
  const tables = call.upload('tables', sections.tables.words);
  const literals = call.upload('literals', join([head, ...sections.heads]));
  const emitted = call.scratch('emitted words', symbolCount * WORD_BYTES);
  const states = call.scratch('states', chunkCount * laneCount * WORD_BYTES);
  const starts = call.scratch('section starts', chunkCount * WORD_BYTES);
  const report = call.zeros('report', REPORT_BYTES + chunkCount * WORD_BYTES);
  const frame = call.zeros('frame', capacity);
  call.dispatch(
    encodeLanes,
    [coding, chunks, feature.buffer, thresholds, tables, emitted, states, report],
    Math.ceil((chunkCount * laneCount) / LANE_GROUP),
  );
  call.dispatch(placeSections, [coding, chunks, report, starts], 1);
  const gathered = [coding, chunks, report, starts, emitted, states, literals, frame];
  call.dispatch(gatherSections, gathered, chunkCount);
  call.dispatch(addChecksum, [frame, report], Math.ceil(capacity / CHECKSUM_GROUP_BYTES));
  return { report, frame };
}

/** Most bytes that a frame can take: a word for every symbol. */
function capacityOf({ outline, coding }: FramePlan, { heads }: SectionTables, symbolCount: number): number {
  const headBytes = Math.max(...heads.map((head) => head.length));
  const chunkBytes = headBytes + MAX_VARINT_BYTES + coding.laneCount * WORD_BYTES;
  return wholeWords(outline.head.length + coding.chunkCount * chunkBytes + symbolCount * 2);
}

/** Bytes to read back at first: most of what a frame could take is not taken. */
function expectedSize({ sizes }: FramePlan, symbolCount: number): number {
  if (sizes.bytesPerSymbol === null) return Number.POSITIVE_INFINITY;
  return wholeWords(MIN_READBACK_BYTES + sizes.bytesPerSymbol * symbolCount * SIZE_MARGIN);
}

/** @throws {RangeError} if the feature was not to be coded @throws {GpuError} if the frame cannot be */
function checkReport(reported: Uint8Array<ArrayBuffer>, count: number, capacity: number): void {
  const words = new Uint32Array(reported.slice().buffer);
  refuseNaN(words, count);
  const missing = words[REPORT.missingSymbol];
  if (missing > 0) throw new RangeError(`table expected a frequency for symbol ${missing - 1}, got none`);
  const byteCount = words[REPORT.byteCount];
  if (byteCount > capacity) throw new GpuError('internal', `a frame of ${byteCount} bytes in ${capacity}`);
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
