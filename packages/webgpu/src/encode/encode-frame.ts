/** A feature on the GPU to the bytes of its frame: nothing but these and a few words of a report come back. */

import { designPackedTable, elementsOf, outlineSection, symbolAlphabet } from '@featherwire/codec';
import { elementCount } from '@featherwire/tensor';
import { type SymbolTables, symbolTables } from '../coding/symbol-tables.js';
import { GpuCall } from '../device/gpu-call.js';
import type { GpuContext } from '../device/gpu-context.js';
import { GpuError } from '../errors.js';
import type { GpuFeature } from '../gpu-feature.js';
import { CHECKSUM_GROUP_BYTES, checksumShader } from '../shaders/checksum-shader.js';
import {
  COUNT_SYMBOLS,
  ENCODE_LANES,
  GATHER_SECTIONS,
  LANE_GROUP,
  PLACE_SECTIONS,
} from '../shaders/encode-shaders.js';
import { CHUNK_WORDS, TABLE_ENTRIES, writeCoding } from '../shaders/records.js';
import { REPORT, REPORT_WORDS } from '../shaders/report.js';
import { type FramePlan, symbolCounts } from './frame-plan.js';

const CHECKSUM_BYTES = 4;
const WORD_BYTES = 4;
const REPORT_BYTES = REPORT_WORDS * WORD_BYTES;
/** Bytes of a length up to 2^26 words. */
const MAX_VARINT_BYTES = 4;
/** What a frame may be larger than the one before, by its symbols, without being read back in two parts. */
const SIZE_MARGIN = 1.25;
const MIN_READBACK_BYTES = 4096;

/** The tables of a frame's chunks, and what stands at the front of their sections. */
interface SectionTables {
  readonly tables: SymbolTables;
  /** Table of each chunk. */
  readonly rowOfChunk: (chunk: number) => number;
  /** Front of each table's sections. */
  readonly heads: readonly Uint8Array[];
}

/**
 * Encodes a feature.
 * @param feature - checked to hold what the plan says; not modified
 * @returns the frame's bytes, owned by the caller
 * @throws {RangeError} if the feature holds NaN or a symbol that the table lacks @throws {GpuError}
 */
export async function encodePlanned(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
): Promise<Uint8Array> {
  if (!plan.shared) return encodeSections(context, feature, plan, await designTables(context, feature, plan));
  const { tables, sectionHead } = plan.shared;
  return encodeSections(context, feature, plan, { tables, rowOfChunk: () => 0, heads: [sectionHead] });
}

/** Counts the symbols of each chunk on the GPU and designs tables for them on the host. */
async function designTables(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
): Promise<SectionTables> {
  const { alphabet, coding, kind } = plan;
  const countSymbols = await context.pipeline('count symbols', COUNT_SYMBOLS);
  const call = new GpuCall(context, 'count');
  const common = call.uniform('coding', writeCoding({ ...coding, headLength: 0 }));
  const chunks = call.upload('chunks', chunkRecords(plan, null));
  const thresholds = call.upload('thresholds', plan.thresholds);
  const countBytes = coding.chunkCount * TABLE_ENTRIES * WORD_BYTES;
  const counts = call.scratch('counts', countBytes);
  const report = call.zeros('report', REPORT_BYTES);
  const bindings = [common, chunks, feature.buffer, thresholds, counts, report];
  call.dispatch(countSymbols, bindings, coding.chunkCount);
  const [reported, counted] = await call.finish([
    { buffer: report, size: REPORT_BYTES },
    { buffer: counts, size: countBytes },
  ]);
  call.release();
  refuseNaN(wordsOf(reported), elementCount(feature.shape));
  const symbols = symbolAlphabet(kind, alphabet);
  const words = wordsOf(counted);
  const described = Array.from({ length: coding.chunkCount }, (_, chunk) => {
    const first = chunk * TABLE_ENTRIES;
    const table = designPackedTable(words.slice(first, first + symbols.size), symbols);
    return { kind, table };
  });
  return {
    tables: symbolTables(described, alphabet),
    rowOfChunk: (chunk) => chunk,
    heads: described.map((coder) => outlineSection(coder, coding.laneCount)),
  };
}

async function encodeSections(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
  sections: SectionTables,
): Promise<Uint8Array> {
  const { coding, outline, sizes } = plan;
  const { chunkCount, laneCount } = coding;
  const [encodeLanes, placeSections, gatherSections, addChecksum] = await Promise.all([
    context.pipeline('encode lanes', ENCODE_LANES),
    context.pipeline('place sections', PLACE_SECTIONS),
    context.pipeline('gather sections', GATHER_SECTIONS),
    context.pipeline('checksum', checksumShader()),
  ]);
  const symbolCount = symbolCounts(plan).reduce((a, b) => a + b, 0);
  const literals = join([outline.head, ...sections.heads]);
  const capacity = wholeWords(capacityOf(plan, sections, symbolCount));
  const call = new GpuCall(context, 'encode');
  const common = call.uniform('coding', writeCoding({ ...coding, headLength: outline.head.length }));
  const chunks = call.upload('chunks', chunkRecords(plan, sections));
  const thresholds = call.upload('thresholds', plan.thresholds);
  const tables = call.upload('tables', sections.tables.words);
  const emitted = call.scratch('emitted words', symbolCount * WORD_BYTES);
  const states = call.scratch('states', chunkCount * laneCount * WORD_BYTES);
  const report = call.zeros('report', REPORT_BYTES + chunkCount * WORD_BYTES);
  const starts = call.scratch('section starts', chunkCount * WORD_BYTES);
  const heads = call.upload('literals', literals);
  const frame = call.zeros('frame', capacity);
  call.dispatch(
    encodeLanes,
    [common, chunks, feature.buffer, thresholds, tables, emitted, states, report],
    Math.ceil((chunkCount * laneCount) / LANE_GROUP),
  );
  call.dispatch(placeSections, [common, chunks, report, starts], 1);
  call.dispatch(gatherSections, [common, chunks, report, starts, emitted, states, heads, frame], chunkCount);
  call.dispatch(addChecksum, [frame, report], Math.ceil(capacity / CHECKSUM_GROUP_BYTES));
  const expected =
    sizes.bytesPerSymbol === null
      ? capacity
      : MIN_READBACK_BYTES + sizes.bytesPerSymbol * symbolCount * SIZE_MARGIN;
  const firstSize = Math.min(capacity, wholeWords(expected));
  const [reported, front] = await call.finish([
    { buffer: report, size: REPORT_BYTES },
    { buffer: frame, size: firstSize },
  ]);
  const words = wordsOf(reported);
  refuseNaN(words, elementCount(feature.shape));
  refuseMissingSymbol(words);
  const byteCount = words[REPORT.byteCount];
  if (byteCount > capacity) throw new GpuError('internal', `a frame of ${byteCount} bytes in ${capacity}`);
  const bytes = new Uint8Array(byteCount + CHECKSUM_BYTES);
  bytes.set(front.subarray(0, Math.min(byteCount, firstSize)));
  if (byteCount > firstSize) {
    const size = wholeWords(byteCount) - firstSize;
    const rest = await call.readMore({ buffer: frame, offset: firstSize, size });
    bytes.set(rest.subarray(0, byteCount - firstSize), firstSize);
  }
  call.release();
  new DataView(bytes.buffer).setUint32(byteCount, ~words[REPORT.checksum], true);
  sizes.bytesPerSymbol = byteCount / symbolCount;
  return bytes;
}

/** Records of the chunks. @param sections - null before there are tables */
function chunkRecords(plan: FramePlan, sections: SectionTables | null): Uint32Array<ArrayBuffer> {
  const { chunks } = plan.outline;
  const records = new Uint32Array(chunks.length * CHUNK_WORDS);
  const counts = symbolCounts(plan);
  const headOffsets = sections ? offsetsOf(sections.heads.map((head) => head.length)) : [];
  let firstElement = 0;
  let firstSymbol = 0;
  for (const [i, chunk] of chunks.entries()) {
    const row = sections?.rowOfChunk(i) ?? 0;
    const precisionBits = sections?.tables.precisionBits[row] ?? 0;
    const head = sections ? [headOffsets[row], sections.heads[row].length] : [0, 0];
    const count = elementsOf(chunk);
    records.set([firstElement, count, firstSymbol, counts[i], row, precisionBits, ...head], i * CHUNK_WORDS);
    firstElement += count;
    firstSymbol += counts[i];
  }
  return records;
}

/** Most bytes that a frame can take: a word for every symbol. */
function capacityOf({ outline, coding }: FramePlan, sections: SectionTables, symbolCount: number): number {
  const headBytes = Math.max(...sections.heads.map((head) => head.length));
  const chunkBytes = headBytes + MAX_VARINT_BYTES + coding.laneCount * WORD_BYTES;
  return outline.head.length + coding.chunkCount * chunkBytes + symbolCount * 2;
}

/** @throws {RangeError} if the kernels found NaN */
function refuseNaN(report: Uint32Array, count: number): void {
  const nanCount = report[REPORT.nanCount];
  if (nanCount === 0) return;
  const first = ~report[REPORT.nanPosition] >>> 0;
  throw new RangeError(
    `feature expected numbers, got NaN in ${nanCount} of ${count} elements, the first at ${first}`,
  );
}

/** @throws {RangeError} if the kernels found a symbol without a frequency */
function refuseMissingSymbol(report: Uint32Array): void {
  const missing = report[REPORT.missingSymbol];
  if (missing > 0) throw new RangeError(`table expected a frequency for symbol ${missing - 1}, got none`);
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / WORD_BYTES);
}

function wholeWords(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;
}

function offsetsOf(lengths: readonly number[]): number[] {
  let sum = 0;
  return lengths.map((length) => {
    sum += length;
    return sum - length;
  });
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const offsets = offsetsOf(parts.map((part) => part.length));
  const joined = new Uint8Array(offsets.at(-1)! + parts.at(-1)!.length);
  for (const [i, part] of parts.entries()) joined.set(part, offsets[i]);
  return joined;
}
