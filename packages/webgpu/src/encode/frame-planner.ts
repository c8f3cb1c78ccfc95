/** Plans of frames from settings, after what a GPU cannot do is refused. */

import {
  createStatistics,
  type IndexAlphabet,
  type StaticCoder,
  type TableDescription,
} from '@featherwire/codec';
import {
  checkCoding,
  checkContextModel,
  checkPackedAlphabet,
  elementsOf,
  type FixedQuantizer,
  type FrameOutline,
  outlineBundledFrame,
  outlineFrame,
  outlineSection,
  quantizerOfChoice,
  type SectionHead,
} from '@featherwire/codec/parts';
import type { Shape } from '@featherwire/tensor';
import { contextSteps, type ModelMemory, planesOfChunk, rememberedWords } from '../coding/context-words.js';
import { checkQuantizer, groupGeometry, rowLengthOf, thresholdRows } from '../coding/quantizer-rows.js';
import { indicesOfSymbol, type SymbolTables, symbolTables } from '../coding/symbol-tables.js';
import { chooseContextDivision, chooseDivision, type GpuDivision } from '../division.js';
import { UnsupportedError } from '../errors.js';
import { checkChunks, checkSteps } from '../gpu-feature.js';
import { TILE_SYMBOLS } from '../shaders/records.js';
import type {
  ContextPlan,
  FramePlan,
  GpuBundledOptions,
  GpuEncodeOptions,
  GpuQuantizerChoice,
  SizeMemory,
  TablePlan,
} from './frame-plan.js';

/** What does not change from one feature to the next. */
interface Prepared {
  readonly fixed: FixedQuantizer;
  readonly alphabet: IndexAlphabet;
  readonly thresholds: Uint32Array<ArrayBuffer>;
  readonly tables: WeakMap<TableDescription, SymbolTables>;
  /** Those that were checked for the alphabet. */
  readonly models: ModelMemory;
  readonly sizes: SizeMemory;
}

/** Who codes: under a table or a model, or under tables that are designed for each chunk. */
type Coder = StaticCoder | { readonly kind: 'rans-packed'; readonly table: null };

/** Plans of frames; what these have in common is kept for choices of quantizers and for profiles, as long as these are. */
export class FramePlanner {
  readonly #prepared = new WeakMap<object, Map<string, Prepared>>();

  /**
   * @throws {UnsupportedError} if the settings are not for a GPU
   * @throws {RangeError} if they are out of range
   */
  planFrame(shape: Shape, options: GpuEncodeOptions): FramePlan {
    const { quantizer: choice } = options;
    const coder = coderOf(options);
    // Groups depend on the shape, all else on the choice alone.
    const key = choice.kind === 'grouped' ? `${coder.kind} ${shape}` : coder.kind;
    const prepared = this.#prepare(choice, key, () => prepare(quantizerOfFixedChoice(choice, shape), shape));
    const division = divisionOf(coder, prepared.alphabet, shape, options);
    const outline = outlineFrame(shape, prepared.fixed.quantizer, division);
    return planOf(prepared, shape, { ...division, outline, coder, headOf: (own) => own });
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
    if (!coder) throw new UnsupportedError('profile', 'a static coder', 'none');
    const division = divisionOf(coder, checkQuantizer(tensor.quantizer), shape, options);
    const outline = outlineBundledFrame(shape, { ...options, ...division });
    const { channels } = groupGeometry(tensor.quantizer, shape);
    const prepared = this.#prepare(tensor, `${channels}`, () => prepare(tensor, shape));
    return planOf(prepared, shape, { ...division, outline, coder, headOf: () => ({ kind: 'static' }) });
  }

  #prepare(owner: object, key: string, make: () => Prepared): Prepared {
    const known = this.#prepared.get(owner) ?? new Map<string, Prepared>();
    const prepared = known.get(key) ?? make();
    known.set(key, prepared);
    this.#prepared.set(owner, known);
    return prepared;
  }
}

/** @throws {UnsupportedError} if the coder lacks what a GPU does not design */
function coderOf({ coder: kind, table, contextModel: model }: GpuEncodeOptions): Coder {
  if (kind === 'rans-contexts') {
    if (!model) throw new UnsupportedError('contextModel', 'one for rans-contexts', 'none');
    return { kind, model };
  }
  if (table) return { kind, table };
  if (kind === 'rans') throw new UnsupportedError('table', 'one for rans', 'none');
  return { kind, table: null };
}

function quantizerOfFixedChoice(choice: GpuQuantizerChoice, shape: Shape): FixedQuantizer {
  const isFixed = choice.kind === 'levels' || ('range' in choice && choice.range.kind === 'fixed');
  if (!isFixed) throw new UnsupportedError('quantizer', 'listed levels or fixed limits', choice.kind);
  return quantizerOfChoice(choice, shape, createStatistics());
}

function prepare(fixed: FixedQuantizer, shape: Shape): Prepared {
  const alphabet = checkQuantizer(fixed.quantizer);
  const thresholds = thresholdRows(fixed, shape);
  const sizes = { bytesPerSymbol: null };
  return { fixed, alphabet, thresholds, tables: new WeakMap(), models: new WeakMap(), sizes };
}

/** @throws {RangeError} if the settings are out of range @throws {UnsupportedError} for a fine model */
function divisionOf(
  coder: Coder,
  alphabet: IndexAlphabet,
  shape: Shape,
  given: GpuDivision & Pick<GpuEncodeOptions, 'table' | 'contextModel'>,
): Required<GpuDivision> {
  if (coder.kind === 'rans-contexts' && coder.model.slotBits !== 8)
    throw new UnsupportedError('contextModel', 'one of 256 slots', 'a fine one');
  const { table, contextModel } = given;
  const division =
    coder.kind === 'rans-contexts'
      ? chooseContextDivision(shape, coder.model, given)
      : chooseDivision(shape, indicesOfSymbol(coder.kind, alphabet), given);
  const settings = { coder: coder.kind, laneCount: division.laneCount };
  checkCoding({ ...settings, ...(table && { table }), ...(contextModel && { contextModel }) });
  if (coder.kind === 'rans-packed') checkPackedAlphabet(alphabet);
  return division;
}

/** A frame whose coder is known. */
interface FrameParts {
  readonly outline: FrameOutline;
  readonly laneCount: number;
  readonly coder: Coder;
  /** What stands before the code of sections, by the table or model that codes. */
  readonly headOf: (own: StaticCoder) => SectionHead;
}

function planOf(prepared: Prepared, shape: Shape, parts: FrameParts): FramePlan {
  const { fixed, alphabet, thresholds, sizes } = prepared;
  const { outline, laneCount, coder } = parts;
  const { chunks } = outline;
  const { levelCount, background } = alphabet;
  checkChunks(chunks.length);
  const isOfContexts = coder.kind === 'rans-contexts';
  const perSymbol = isOfContexts ? 1 : indicesOfSymbol(coder.kind, alphabet);
  // The last chunk is one of the largest.
  const mostSymbols = Math.ceil(elementsOf(chunks.at(-1)!) / perSymbol);
  if (!isOfContexts) checkSteps(Math.ceil(mostSymbols / laneCount));
  const coding = {
    chunkCount: chunks.length,
    laneCount,
    levelCount,
    background,
    perSymbol,
    rowLength: rowLengthOf(levelCount),
    ...groupGeometry(fixed.quantizer, shape),
    stateCount: isOfContexts ? Math.min(laneCount, coder.model.classOfChannel.length) : laneCount,
    tilesPerChunk: Math.ceil(mostSymbols / TILE_SYMBOLS),
  };
  const lanes = isOfContexts ? planContexts(prepared, coder, parts) : planTables(prepared, coder, parts);
  return { outline, alphabet, coding, thresholds, coder: lanes, sizes };
}

function planTables(
  { alphabet, tables }: Prepared,
  coder: Exclude<Coder, { readonly kind: 'rans-contexts' }>,
  { laneCount, headOf }: FrameParts,
): TablePlan {
  const { kind } = coder;
  if (!coder.table) return { kind, shared: null };
  const known = tables.get(coder.table) ?? symbolTables([coder], alphabet);
  tables.set(coder.table, known);
  return { kind, shared: { tables: known, sectionHead: outlineSection(headOf(coder), laneCount) } };
}

/** @throws {RangeError} if the model does not fit a chunk */
function planContexts(
  { alphabet, models }: Prepared,
  coder: Extract<Coder, { readonly kind: 'rans-contexts' }>,
  { outline: { chunks }, laneCount, headOf }: FrameParts,
): ContextPlan {
  const { kind, model } = coder;
  if (!models.has(model)) checkContextModel(model, alphabet, chunks[0]);
  const planes = chunks.map((chunk) => planesOfChunk(chunk, model));
  checkSteps(Math.max(...planes.map((chunk) => contextSteps(chunk, laneCount))));
  return {
    kind,
    model: rememberedWords(model, models),
    planes,
    sectionHead: outlineSection(headOf(coder), laneCount),
  };
}
