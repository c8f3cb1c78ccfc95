/**
 * Lanes of symbols under tables, and the tables: given, or designed by the host from what the GPU counts.
 */

import { designPackedTable, outlineSection, symbolAlphabet } from '@featherwire/codec/parts';
import { elementCount } from '@featherwire/tensor';
import { type SymbolTables, symbolTables } from '../coding/symbol-tables.js';
import { GpuCall } from '../device/gpu-call.js';
import type { GpuContext } from '../device/gpu-context.js';
import type { GpuFeature } from '../gpu-feature.js';
import { COUNT_SYMBOLS, ENCODE_LANES, LANE_GROUP } from '../shaders/encode-table-shaders.js';
import { TABLE_ENTRIES, writeCoding } from '../shaders/records.js';
import { REPORT_WORDS } from '../shaders/report.js';
import { TABLE_PAYLOAD } from '../shaders/section-shaders.js';
import { type CodedLanes, chunkRecords } from './coded-lanes.js';
import { refuseNaN } from './encode-report.js';
import type { FramePlan, TablePlan } from './frame-plan.js';

const WORD_BYTES = 4;
const REPORT_BYTES = REPORT_WORDS * WORD_BYTES;
/** Of chunks before they have tables. */
const NOTHING_KNOWN = { head: 0, headLength: 0, own: [0, 0] } as const;

/** The tables of a frame's chunks, and what stands at the front of their sections. */
interface SectionTables {
  readonly tables: SymbolTables;
  /** Table of each chunk. */
  readonly rowOfChunk: (chunk: number) => number;
  /** Front of each table's sections. */
  readonly heads: readonly Uint8Array[];
}

/**
 * @param feature - what tables are designed for, if they are
 * @throws {RangeError} if tables are designed and the feature holds NaN @throws {GpuError}
 */
export async function tableLanes(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
  { kind, shared }: TablePlan,
): Promise<CodedLanes> {
  const encodeLanes = await context.pipeline('encode lanes', ENCODE_LANES);
  const { tables, rowOfChunk, heads } = shared
    ? { tables: shared.tables, rowOfChunk: () => 0, heads: [shared.sectionHead] }
    : await designTables(context, feature, plan, kind);
  const offsets = headOffsets(heads);
  const { chunkCount, laneCount } = plan.coding;
  return {
    form: TABLE_PAYLOAD,
    chunks: chunkRecords(plan, (i) => {
      const row = rowOfChunk(i);
      return { head: offsets[row], headLength: heads[row].length, own: [row, tables.precisionBits[row]] };
    }),
    heads,
    add(call, { buffer }, { coding, chunks, thresholds, emitted, states, tileWords, report }) {
      const rows = call.upload('tables', tables.words);
      const bindings = [coding, chunks, buffer, thresholds, rows, emitted, states, report, tileWords];
      call.dispatch(encodeLanes, bindings, Math.ceil((chunkCount * laneCount) / LANE_GROUP));
    },
  };
}

/**
 * A table of packed symbols for each chunk, as the reference designs it: a round trip to the host, which takes it about a
 * millisecond for each.
 * @throws {RangeError} if the feature holds NaN @throws {GpuError}
 */
async function designTables(
  context: GpuContext,
  feature: GpuFeature,
  plan: FramePlan,
  kind: TablePlan['kind'],
): Promise<SectionTables> {
  const { alphabet, coding } = plan;
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
    const chunks = call.upload(
      'chunks',
      chunkRecords(plan, () => NOTHING_KNOWN),
    );
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

function headOffsets(heads: readonly Uint8Array[]): number[] {
  let sum = 0;
  return heads.map(({ length }) => {
    sum += length;
    return sum - length;
  });
}
