/**
 * Choice of the layout for given indices: dense, or a sparse one where that takes fewer bytes. Estimates by entropies
 * first (`layout/reshape.ts`), then codes the best candidate and compares real bytes. Encoding only.
 */

import { ByteWriter } from '../bitstream/byte-writer.js';
import { checkCoding, encodeIndices, type IndexCoding } from '../entropy/encode-indices.js';
import { chooseLaneCount } from '../entropy/rans.js';
import { designTable } from '../entropy/table-design.js';
import { runTimed } from '../entropy/time-budget.js';
import { arraysOfLayout, isImplied, type SymbolArray, splitIntoArrays } from '../layout/layout-arrays.js';
import { bestReshape, entropyBits, findKeptEntries, reshapeBits } from '../layout/reshape.js';
import type {
  CodedSymbols,
  EntropyKernels,
  FeatureGeometry,
  IndexAlphabet,
  Indices,
  Layout,
  SparseIndices,
  SparseLayout,
} from '../stages.js';
import { type IndexSection, writeIndexSection } from './index-section.js';

/** `auto` takes a sparse layout where it is smaller than the dense one. */
export type LayoutChoice = 'auto' | Layout;

/** Settings of the coder section. */
export interface SectionCoding extends IndexCoding {
  /**
   * `auto` by default; with a table, a lane count or contexts, dense. Sparse layouts are for up to 256 levels and rANS; their
   * tables are designed for the tensor.
   */
  readonly layout?: LayoutChoice;
}

/** A sparse layout is taken only if it saves this share. */
const SPARSE_GAIN = 0.002;
/** Share of kept entries beyond which `auto` does not look at sparse layouts. */
const MAX_KEPT_SHARE = 0.5;
/** Table, length field and states of one array, for estimates. */
const ARRAY_OVERHEAD_BYTES = 7;
/** Kept entries beyond which one table cannot be worth what its mixed statistics cost. */
const MAX_JOINT_KEPT = 1_024;
/**
 * The row length of a tensor is searched only if blocks of it promise the gain: as many as hold about this many kept
 * entries, unless that is more than half of the tensor.
 */
const SAMPLED_KEPT = 1_024;
const SAMPLE_BLOCK = 512;
const MIN_SAMPLE_BLOCKS = 16;

/**
 * Codes indices as a section.
 * @param indices - at least one, as many as `geometry` says, each below `levelCount`
 * @throws {RangeError} if the settings do not go together, are out of range, or a static table lacks a symbol that
 * occurs
 */
export function encodeIndexSection(
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coding: SectionCoding = {},
): IndexSection {
  const layout = coding.layout ?? 'auto';
  if (layout !== 'auto' && layout !== 'dense') {
    return encodeAsAsked(indices, layout, alphabet, kernels, coding);
  }
  const dense = encodeIndices(indices, geometry, alphabet, kernels, coding);
  const isFixed =
    Boolean(coding.table ?? coding.laneCount ?? coding.staticCoder ?? coding.contextModel) ||
    coding.coder === 'binary-fast' ||
    coding.coder === 'rans-contexts' ||
    coding.coder === 'rans-packed';
  if (layout === 'dense' || isFixed || !(indices instanceof Uint8Array)) return dense;
  if (coding.time && !coding.time.allows('layout', indices.length)) return dense;
  const denseBytes = sectionBytes(dense);
  const best = runTimed('layout', indices.length, () =>
    promisingLayout(indices, alphabet, kernels, denseBytes * (1 - SPARSE_GAIN)),
  );
  if (!best) return dense;
  const sparse = encodeSparse(indices, best.layout, best.columnCount, alphabet, kernels);
  const sparseBytes = sectionBytes(sparse);
  return sparseBytes < denseBytes * (1 - SPARSE_GAIN) ? sparse : dense;
}

/** Bytes that a section takes in a frame. */
function sectionBytes(section: IndexSection): number {
  const writer = new ByteWriter();
  writeIndexSection(writer, section);
  return writer.length;
}

function encodeAsAsked(
  indices: Indices,
  layout: SparseLayout,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coding: SectionCoding,
): SparseIndices {
  checkCoding(coding);
  if (!(indices instanceof Uint8Array))
    throw new RangeError(`layout expected dense for ${alphabet.levelCount} levels, got ${layout}`);
  const coder = coding.contextModel ? 'rans-contexts' : coding.coder;
  if (coder !== undefined && coder !== 'auto' && coder !== 'rans') {
    throw new RangeError(`coder expected rans for layout ${layout}, got ${coder}`);
  }
  if (coding.table) throw new RangeError(`table expected none for layout ${layout}, got one`);
  const columnCount =
    layout === 'significance'
      ? 1
      : bestReshape(findKeptEntries(indices, alphabet), layout === 'csr' ? 'joint' : 'separate').columnCount;
  return encodeSparse(indices, layout, columnCount, alphabet, kernels, coding.laneCount);
}

/** A layout with its row length and what it is estimated to take. */
interface Estimate {
  readonly layout: SparseLayout;
  readonly columnCount: number;
  readonly bytes: number;
}

/** The sparse layout of the fewest estimated bytes, if they are under `maxBytes`. */
function promisingLayout(
  indices: Uint8Array,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  maxBytes: number,
): Estimate | undefined {
  const counts = kernels.countSymbols(indices, alphabet.levelCount);
  const keptCount = indices.length - counts[alphabet.background];
  counts[alphabet.background] = 0;
  const valueBits = entropyBits(counts);
  if (keptCount > MAX_KEPT_SHARE * indices.length || valueBits / 8 >= maxBytes) return undefined;
  const significanceBits = valueBits + entropyBits([keptCount, indices.length - keptCount]);
  const estimates = [estimate('significance', 1, significanceBits, 2)];
  if (sampleGains(indices, keptCount, alphabet)) {
    const kept = findKeptEntries(indices, alphabet);
    const separate = bestReshape(kept, 'separate');
    estimates.push(estimate('csr-separate', separate.columnCount, separate.bits, 3));
    if (keptCount <= MAX_JOINT_KEPT) {
      const joint = bestReshape(kept, 'joint');
      estimates.push(estimate('csr', joint.columnCount, joint.bits, 1));
    }
  }
  const best = estimates.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  return best.bytes < maxBytes ? best : undefined;
}

function estimate(layout: SparseLayout, columnCount: number, bits: number, arrayCount: number): Estimate {
  return { layout, columnCount, bytes: bits / 8 + arrayCount * ARRAY_OVERHEAD_BYTES };
}

/** Whether rows gain over single elements in blocks taken at equal distances; true if the tensor is small. */
function sampleGains(indices: Uint8Array, keptCount: number, alphabet: IndexAlphabet): boolean {
  const blocksNeeded = Math.ceil((SAMPLED_KEPT * indices.length) / (SAMPLE_BLOCK * Math.max(1, keptCount)));
  const blockCount = Math.max(MIN_SAMPLE_BLOCKS, blocksNeeded);
  if (2 * blockCount * SAMPLE_BLOCK > indices.length) return true;
  const sample = new Uint8Array(blockCount * SAMPLE_BLOCK);
  const distance = Math.floor(indices.length / blockCount); // at least two blocks, so that none overlap
  for (let block = 0; block < blockCount; block++) {
    const start = block * distance;
    sample.set(indices.subarray(start, start + SAMPLE_BLOCK), block * SAMPLE_BLOCK);
  }
  const kept = findKeptEntries(sample, alphabet);
  // Rows of one element cost what the dense layout does.
  return bestReshape(kept, 'separate').bits < reshapeBits(kept, 1, 'separate') * (1 - SPARSE_GAIN);
}

function encodeSparse(
  indices: Uint8Array,
  layout: SparseLayout,
  columnCount: number,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  laneCount?: number,
): SparseIndices {
  const { size, arrays } = splitIntoArrays(indices, layout, columnCount, alphabet.background);
  const coded = arraysOfLayout(layout, size, alphabet).map((array, i) =>
    isImplied(array) ? null : encodeSymbols(arrays[i], array, kernels, laneCount),
  );
  return { kind: 'sparse', layout, rowCount: size.rowCount, keptCount: size.keptCount, arrays: coded };
}

/** Codes an array of symbols with a table designed for it. @param allKnots - as `designTable` takes it */
export function encodeSymbols(
  symbols: Uint8Array,
  { alphabetSize, peak }: SymbolArray,
  kernels: EntropyKernels,
  laneCount?: number,
  allKnots = false,
): CodedSymbols {
  const designed = designTable(kernels.countSymbols(symbols, alphabetSize), peak, { allKnots });
  const lanes = laneCount ?? chooseLaneCount(designed.estimatedSymbolBits / 8);
  return { table: designed.description, payload: kernels.encodeRans(symbols, designed.table, lanes) };
}
