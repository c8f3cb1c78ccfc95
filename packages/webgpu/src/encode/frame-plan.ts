/** What is known of a frame before the GPU begins: its head, its chunks, the quantizer and the tables. */

import {
  type CodingProfile,
  createStatistics,
  type FixedChoice,
  type IndexAlphabet,
  type TableDescription,
} from '@featherwire/codec';
import {
  type BundledPlace,
  checkCoding,
  checkPackedAlphabet,
  elementsOf,
  type FixedQuantizer,
  type FrameOutline,
  outlineBundledFrame,
  outlineFrame,
  outlineSection,
  quantizerOfChoice,
} from '@featherwire/codec/parts';
import type { Shape } from '@featherwire/tensor';
import { checkQuantizer, groupGeometry, rowLengthOf, thresholdRows } from '../coding/quantizer-rows.js';
import {
  indicesOfSymbol,
  type SymbolKind,
  type SymbolTables,
  symbolTables,
} from '../coding/symbol-tables.js';
import { chooseDivision, type GpuDivision } from '../division.js';
import { UnsupportedError } from '../errors.js';
import { checkChunks, checkSteps } from '../gpu-feature.js';
import type { CodingRecord } from '../shaders/records.js';

/** Quantizers of self-contained frames. */
export type GpuQuantizerChoice = Extract<
  FixedChoice,
  { readonly kind: 'uniform' | 'asymmetric' | 'levels' | 'grouped' }
>;

/** Where a frame goes. */
export interface FrameTarget {
  /**
   * Receives the frame at its front, by default new memory; that of a large frame takes longer to get than to fill.
   */
  readonly target?: Uint8Array;
}

/** How a self-contained frame is made. */
export interface GpuEncodeOptions extends GpuDivision, FrameTarget {
  /** With fixed limits or listed levels, up to 256 of them. What is made from it is kept as long as this object. */
  readonly quantizer: GpuQuantizerChoice;
  /** `rans`, with a table, or `rans-packed`, whose chunks have tables of their own if there is none; up to 16 levels. */
  readonly coder: SymbolKind;
  readonly table?: TableDescription;
}

/** How a bundled frame is made. */
export interface GpuBundledOptions extends GpuDivision, FrameTarget, BundledPlace {
  /** Of one float32 tensor and a static table. What is made from it is kept as long as this object. */
  readonly profile: CodingProfile;
}

/** A frame before it is coded. */
export interface FramePlan {
  readonly outline: FrameOutline;
  readonly kind: SymbolKind;
  readonly alphabet: IndexAlphabet;
  readonly coding: Omit<CodingRecord, 'headLength'>;
  readonly thresholds: Uint32Array<ArrayBuffer>;
  /** The table of all chunks with the front of their sections; null if each chunk has its own. */
  readonly shared: { readonly tables: SymbolTables; readonly sectionHead: Uint8Array } | null;
  readonly sizes: SizeMemory;
}

/** Bytes of the last frame for each symbol, by which the next one is read back; null before the first. */
export interface SizeMemory {
  bytesPerSymbol: number | null;
}

/** What does not change from one feature to the next. */
interface Prepared {
  readonly fixed: FixedQuantizer;
  readonly kind: SymbolKind;
  readonly alphabet: IndexAlphabet;
  readonly thresholds: Uint32Array<ArrayBuffer>;
  readonly tables: WeakMap<TableDescription, SymbolTables>;
  readonly sizes: SizeMemory;
}

/** Plans of frames; what these have in common is kept for choices of quantizers and for profiles, as long as these are. */
export class FramePlanner {
  readonly #prepared = new WeakMap<object, Map<string, Prepared>>();

  /**
   * @throws {UnsupportedError} if the settings are not for a GPU
   * @throws {RangeError} if they are out of range
   */
  planFrame(shape: Shape, options: GpuEncodeOptions): FramePlan {
    const { quantizer: choice, coder: kind, table } = options;
    if (kind === 'rans' && !table) throw new UnsupportedError('table', 'one for rans', 'none');
    // Groups depend on the shape, all else on the choice alone.
    const key = choice.kind === 'grouped' ? `${kind} ${shape}` : kind;
    const prepared = this.#prepare(choice, key, () =>
      prepare(quantizerOfFixedChoice(choice, shape), kind, shape),
    );
    const division = divisionOf(kind, prepared.alphabet, shape, options);
    const outline = outlineFrame(shape, prepared.fixed.quantizer, division);
    const front = table && { table, sectionHead: outlineSection({ kind, table }, division.laneCount) };
    return planOf(prepared, shape, outline, division.laneCount, front);
  }

  /**
   * @throws {UnsupportedError} if the profile is not for a GPU
   * @throws {RangeError} if the shape does not fit the profile, or a setting is out of range
   */
  planBundledFrame(shape: Shape, options: GpuBundledOptions): FramePlan {
    const { tensors } = options.profile;
    const [tensor] = tensors;
    if (tensors.length !== 1) throw new UnsupportedError('profile', 'one tensor', `${tensors.length}`);
    const { dtype, coder } = tensor;
    if (dtype !== 'float32') throw new UnsupportedError('profile', 'float32', dtype);
    if (!coder || coder.kind === 'rans-contexts')
      throw new UnsupportedError('profile', 'a static table', coder?.kind ?? 'no coder');
    const division = divisionOf(coder.kind, checkQuantizer(tensor.quantizer), shape, options);
    const outline = outlineBundledFrame(shape, { ...options, ...division });
    const { channels } = groupGeometry(tensor.quantizer, shape);
    const prepared = this.#prepare(tensor, `${channels}`, () => prepare(tensor, coder.kind, shape));
    const sectionHead = outlineSection({ kind: 'static' }, division.laneCount);
    return planOf(prepared, shape, outline, division.laneCount, { table: coder.table, sectionHead });
  }

  #prepare(owner: object, key: string, make: () => Prepared): Prepared {
    const known = this.#prepared.get(owner) ?? new Map<string, Prepared>();
    const prepared = known.get(key) ?? make();
    known.set(key, prepared);
    this.#prepared.set(owner, known);
    return prepared;
  }
}

function quantizerOfFixedChoice(choice: GpuQuantizerChoice, shape: Shape): FixedQuantizer {
  const isFixed = choice.kind === 'levels' || ('range' in choice && choice.range.kind === 'fixed');
  if (!isFixed) throw new UnsupportedError('quantizer', 'listed levels or fixed limits', choice.kind);
  return quantizerOfChoice(choice, shape, createStatistics());
}

function prepare(fixed: FixedQuantizer, kind: SymbolKind, shape: Shape): Prepared {
  const alphabet = checkQuantizer(fixed.quantizer);
  const thresholds = thresholdRows(fixed, shape);
  return { fixed, kind, alphabet, thresholds, tables: new WeakMap(), sizes: { bytesPerSymbol: null } };
}

/** @throws {RangeError} if the settings are out of range */
function divisionOf(
  kind: SymbolKind,
  alphabet: IndexAlphabet,
  shape: Shape,
  { table, ...given }: GpuDivision & Pick<GpuEncodeOptions, 'table'>,
): Required<GpuDivision> {
  const division = chooseDivision(shape, indicesOfSymbol(kind, alphabet), given);
  checkCoding({ coder: kind, laneCount: division.laneCount, ...(table && { table }) });
  if (kind === 'rans-packed') checkPackedAlphabet(alphabet);
  return division;
}

function planOf(
  prepared: Prepared,
  shape: Shape,
  outline: FrameOutline,
  laneCount: number,
  front: { readonly table: TableDescription; readonly sectionHead: Uint8Array } | undefined,
): FramePlan {
  const { fixed, kind, alphabet, thresholds, sizes } = prepared;
  const { levelCount, background } = alphabet;
  const perSymbol = indicesOfSymbol(kind, alphabet);
  checkChunks(outline.chunks.length);
  // The last chunk is one of the largest.
  checkSteps(elementsOf(outline.chunks.at(-1)!) / perSymbol, laneCount);
  const coding = {
    chunkCount: outline.chunks.length,
    laneCount,
    levelCount,
    background,
    perSymbol,
    rowLength: rowLengthOf(levelCount),
    ...groupGeometry(fixed.quantizer, shape),
  };
  const shared = front && { tables: tablesOf(prepared, front.table), sectionHead: front.sectionHead };
  return { outline, kind, alphabet, coding, thresholds, shared: shared ?? null, sizes };
}

function tablesOf({ kind, alphabet, tables }: Prepared, table: TableDescription): SymbolTables {
  const known = tables.get(table) ?? symbolTables([{ kind, table }], alphabet);
  tables.set(table, known);
  return known;
}

/** Symbols of each chunk. */
export function symbolCounts({ outline, coding }: FramePlan): number[] {
  return outline.chunks.map((chunk) => Math.ceil(elementsOf(chunk) / coding.perSymbol));
}
