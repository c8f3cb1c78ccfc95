/**
 * The tables of a frame's sections: given, or designed by the host from what the GPU counts; and the records of chunks that
 * refer to them.
 */

import { designPackedTable, elementsOf, outlineSection, symbolAlphabet } from '@featherwire/codec/parts';
import { elementCount } from '@featherwire/tensor';
import { type SymbolTables, symbolTables } from '../coding/symbol-tables.js';
import { GpuCall } from '../device/gpu-call.js';
import type { GpuContext } from '../device/gpu-context.js';
import type { GpuFeature } from '../gpu-feature.js';
import { COUNT_SYMBOLS } from '../shaders/encode-shaders.js';
import { CHUNK_WORDS, TABLE_ENTRIES, writeCoding } from '../shaders/records.js';
import { REPORT, REPORT_WORDS } from '../shaders/report.js';
import { type FramePlan, symbolCounts } from './frame-plan.js';

const WORD_BYTES = 4;
const REPORT_BYTES = REPORT_WORDS * WORD_BYTES;

/** The tables of a frame's chunks, and what stands at the front of their sections. */
export interface SectionTables {
  readonly tables: SymbolTables;
  /** Table of each chunk. */
  readonly rowOfChunk: (chunk: number) => number;
  /** Front of each table's sections. */
  readonly heads: readonly Uint8Array[];
}

/**
 * A table of packed symbols for each chunk, as the reference designs it: a round trip to the host, which takes it about a
 * millisecond for each.
 * @throws {RangeError} if the feature holds NaN @throws {GpuError}
 */
export async function designTables(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
): Promise<SectionTables> {
  const { alphabet, coding, kind } = plan;
  const symbols = symbolAlphabet(kind, alphabet);
  const counts = await countSymbols(context, feature, plan);
  const described = Array.from({ length: coding.chunkCount }, (_, chunk) => {
    const first = chunk * TABLE_ENTRIES;
    return { kind, table: designPackedTable(counts.subarray(first, first + symbols.size), symbols) };
  });
  return {
    tables: symbolTables(described, alphabet),
    rowOfChunk: (chunk) => chunk,
    heads: described.map((coder) => outlineSection(coder, coding.laneCount)),
  };
}

/** Occurrences of the symbols of each chunk, 256 counts for each. */
async function countSymbols(context: GpuContext, feature: GpuFeature, plan: FramePlan): Promise<Uint32Array> {
  const { coding } = plan;
  const pipeline = await context.pipeline('count symbols', COUNT_SYMBOLS);
  const call = new GpuCall(context, 'count');
  try {
    const common = call.uniform('coding', writeCoding({ ...coding, headLength: 0 }));
    const chunks = call.upload('chunks', chunkRecords(plan, null));
    const thresholds = call.upload('thresholds', plan.thresholds);
    const countBytes = coding.chunkCount * TABLE_ENTRIES * WORD_BYTES;
    const counts = call.scratch('counts', countBytes);
    const report = call.zeros('report', REPORT_BYTES);
    const bindings = [common, chunks, feature.buffer, thresholds, counts, report];
    call.dispatch(pipeline, bindings, coding.chunkCount);
    const readbacks = [
      { buffer: report, size: REPORT_BYTES },
      { buffer: counts, size: countBytes },
    ];
    return await call.finish(readbacks, (reported, counted) => {
      refuseNaN(new Uint32Array(reported.slice().buffer), elementCount(feature.shape));
      return new Uint32Array(counted.slice().buffer);
    });
  } finally {
    call.release();
  }
}

/** Records of the chunks. @param sections - null before there are tables */
export function chunkRecords(plan: FramePlan, sections: SectionTables | null): Uint32Array<ArrayBuffer> {
  const { chunks } = plan.outline;
  const records = new Uint32Array(chunks.length * CHUNK_WORDS);
  const counts = symbolCounts(plan);
  const offsets = sections ? headOffsets(sections.heads) : [];
  let firstElement = 0;
  let firstSymbol = 0;
  for (let i = 0; i < chunks.length; i++) {
    const elements = elementsOf(chunks[i]);
    const record = i * CHUNK_WORDS;
    records[record] = firstElement;
    records[record + 1] = elements;
    records[record + 2] = firstSymbol;
    records[record + 3] = counts[i];
    if (sections) {
      const row = sections.rowOfChunk(i);
      records[record + 4] = row;
      records[record + 5] = sections.tables.precisionBits[row];
      records[record + 6] = offsets[row];
      records[record + 7] = sections.heads[row].length;
    }
    firstElement += elements;
    firstSymbol += counts[i];
  }
  return records;
}

function headOffsets(heads: readonly Uint8Array[]): number[] {
  let sum = 0;
  return heads.map(({ length }) => {
    sum += length;
    return sum - length;
  });
}

/** @throws {RangeError} if the kernels found NaN, as the codec says it */
export function refuseNaN(report: Uint32Array, count: number): void {
  const nanCount = report[REPORT.nanCount];
  if (nanCount === 0) return;
  const first = ~report[REPORT.nanPosition] >>> 0;
  throw new RangeError(
    `feature expected numbers, got NaN in ${nanCount} of ${count} elements, the first at ${first}`,
  );
}
