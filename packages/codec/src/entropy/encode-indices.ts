/**
 * Choice of the coder section for given indices by estimated bytes: rANS of the indices or of tokens, with the
 * cheapest table, packed bits, or bins under adaptive contexts. Encoding only.
 */

import { BitWriter } from '../bitstream/bits.js';
import type {
  CodedIndices,
  ContextModel,
  EntropyKernels,
  FeatureGeometry,
  FrequencyTable,
  IndexAlphabet,
  Indices,
  StaticCoder,
  SymbolAlphabet,
  TableDescription,
} from '../stages.js';
import { symbolAlphabet } from './coded-indices.js';
import { maxLanesOf } from './coder-byte.js';
import { encodeByContexts } from './encode-by-contexts.js';
import { encodeByTrees } from './encode-by-trees.js';
import { encodePacked } from './encode-packed.js';
import { MAX_PRECISION_BITS, MIN_PRECISION_BITS, tableOfDescription } from './frequency-table.js';
import { encodeByBins, smallerByNeighbors } from './neighbor-choice.js';
import { packedBits, packIndices } from './packed-indices.js';
import { chooseLaneCount, STATE_BYTES } from './rans.js';
import { type DesignedTable, designTable, estimateSymbolBits } from './table-design.js';
import { startTimeBudget, type TimeBudget } from './time-budget.js';
import { countTokens, MAX_DIRECT_ALPHABET, splitIndices, TOKEN_PEAK } from './wide-alphabet.js';

const LANE_COUNTS = [1, 2, 4, 8, 16, 32, 64];
/** Tokens of 8-bit indices are taken only if they save this share: raw bits are slow. */
const TOKEN_GAIN = 0.002;

/**
 * Entropy coders: rANS is fast and knows frequencies alone; rANS with contexts is as fast and has tables for every
 * neighborhood, which a model fixes beforehand; packed rANS codes several indices as one symbol, up to 16 levels, which is
 * fastest and knows something of neighbors, but takes milliseconds to design a table for; the binary coder predicts every index from its neighbors and learns as
 * it goes; the fast binary coder does so with fewer contexts, for up to 256 levels, at ten times the speed. `auto` takes the
 * smallest that is worth its time: of rANS and the fast binary coder for tensors up to 4,194,304 elements and 256 levels, of
 * the binary coder too for up to 131,072 elements and 64 levels, of rANS with contexts for more, up to 1,048,576 elements and
 * 16 levels.
 */
export type CoderChoice = 'auto' | 'rans' | 'binary' | 'binary-fast' | 'rans-contexts' | 'rans-packed';

/** Settings that fix what the encoder otherwise chooses. */
export interface IndexCoding {
  /** `auto` by default; with a table or a lane count, rANS; with a context model, rANS with contexts. */
  readonly coder?: CoderChoice;
  /** Model of the contexts; without one, rANS with contexts designs it on the tensor itself. Up to 16 levels. */
  readonly contextModel?: ContextModel;
  /**
   * A static table: of the indices for up to 256 levels, of the tokens above, of packed symbols for their coder. Without it one is designed for
   * the tensor.
   */
  readonly table?: TableDescription;
  /** A coder that both ends hold; frames name it only. */
  readonly staticCoder?: StaticCoder | null;
  /** Coders at once, a power of two from 1 to 32, to 64 with contexts, to 16 with fine ones, to 4 in trees; by default chosen by the size of the payload. */
  readonly laneCount?: number;
  /** Time for what `auto` may leave out; no limit by default. */
  readonly time?: TimeBudget;
}

/**
 * Codes indices.
 * @param indices - at least one, as many as `geometry` says, each below `levelCount`
 * @throws {RangeError} if a static table lacks a symbol that occurs, or a setting is out of range
 */
export function encodeIndices(
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coding: IndexCoding = {},
): CodedIndices {
  const coder = chosenCoder(coding);
  checkCoding(coding);
  if (coding.staticCoder) {
    return encodeByStaticCoder(indices, geometry, alphabet, kernels, coding.staticCoder, coding.laneCount);
  }
  if (coder === 'rans-contexts') {
    return encodeByContexts(indices, geometry, alphabet, kernels, coding.contextModel, coding.laneCount);
  }
  if (coder === 'rans-packed') {
    return { kind: coder, ...encodePacked(indices, alphabet, kernels, coding.table, coding.laneCount) };
  }
  if (coder === 'binary-fast') return encodeByTrees(indices, geometry, alphabet, kernels, coding.laneCount);
  if (coder === 'binary') return encodeByBins(indices, geometry, alphabet, kernels);
  const byTable = encodeByTable(indices, alphabet, kernels, coding);
  if (coder === 'rans') return byTable.encode();
  const { time = startTimeBudget() } = coding;
  return (
    smallerByNeighbors(indices, geometry, alphabet, kernels, byTable.estimatedBytes, time) ?? byTable.encode()
  );
}

function encodeByStaticCoder(
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coder: StaticCoder,
  laneCount?: number,
): CodedIndices {
  if (!(indices instanceof Uint8Array))
    throw new RangeError(`staticCoder expected none for ${alphabet.levelCount} levels, got one`);
  if (coder.kind === 'rans-contexts') {
    const { payload } = encodeByContexts(indices, geometry, alphabet, kernels, coder.model, laneCount);
    return { kind: 'static', coder, payload };
  }
  if (coder.kind === 'rans-packed') {
    return {
      kind: 'static',
      coder,
      payload: encodePacked(indices, alphabet, kernels, coder.table, laneCount).payload,
    };
  }
  const table = tableOfDescription(symbolAlphabet('rans', alphabet), coder.table);
  const lanes = laneCount ?? chooseLaneCount(estimatedBytes(indices, alphabet, kernels, table));
  return { kind: 'static', coder, payload: kernels.encodeRans(indices, table, lanes) };
}

function estimatedBytes(
  indices: Uint8Array,
  { levelCount }: IndexAlphabet,
  kernels: EntropyKernels,
  table: FrequencyTable,
): number {
  return estimateSymbolBits(kernels.countSymbols(indices, levelCount), table) / 8;
}

/** The coder that settings ask for. */
function chosenCoder({ coder, staticCoder, contextModel, table, laneCount }: IndexCoding): CoderChoice {
  if (coder) return coder;
  if (staticCoder) return staticCoder.kind;
  if (contextModel) return 'rans-contexts';
  return table || laneCount ? 'rans' : 'auto';
}

/** The best of packed fields and rANS, priced before it is done. */
function encodeByTable(
  indices: Indices,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coding: IndexCoding,
): { readonly estimatedBytes: number; readonly encode: () => CodedIndices } {
  const { levelCount } = alphabet;
  const candidates =
    indices instanceof Uint8Array
      ? narrowCandidates(indices, alphabet, kernels, coding)
      : [wideCandidate(indices, alphabet, kernels, coding)];
  const best = candidates.reduce((a, b) => (b.estimatedBytes < a.estimatedBytes * (1 - TOKEN_GAIN) ? b : a));
  const laneCount = coding.laneCount ?? chooseLaneCount(best.estimatedBytes);
  const packedBytes = Math.ceil((indices.length * packedBits(levelCount)) / 8);
  const estimatedBytes = best.estimatedBytes + laneCount * STATE_BYTES;
  if (!coding.table && estimatedBytes >= packedBytes) {
    return {
      estimatedBytes: packedBytes,
      encode: () => ({ kind: 'packed', bytes: packIndices(indices, levelCount) }),
    };
  }
  return { estimatedBytes, encode: () => best.encode(laneCount) };
}

/** One way of coding, with its cost known before it is done. */
interface Candidate {
  /** Table, symbols and raw bits; states excluded. */
  readonly estimatedBytes: number;
  encode(laneCount: number): CodedIndices;
}

/** Checks that settings go together, which encoding does first. @throws {RangeError} if one is out of range */
export function checkCoding(coding: IndexCoding): void {
  const { laneCount, table, contextModel } = coding;
  const coder = chosenCoder(coding);
  const maxLanes = maxLanesOf(coder);
  if (laneCount !== undefined && (!LANE_COUNTS.includes(laneCount) || laneCount > maxLanes)) {
    throw new RangeError(`laneCount expected a power of two from 1 to ${maxLanes}, got ${laneCount}`);
  }
  if (contextModel && coder !== 'rans-contexts') {
    throw new RangeError(`coder expected rans-contexts for a context model, got ${coder}`);
  }
  if (table && coder === 'rans-contexts') throw new RangeError('table expected none for contexts, got one');
  if (table && (table.precisionBits < MIN_PRECISION_BITS || table.precisionBits > MAX_PRECISION_BITS)) {
    throw new RangeError(`table expected 12 to 15 bits of precision, got ${table.precisionBits}`);
  }
}

/** Indices of 8 bits: the symbols directly, or tokens, whose counts follow from those of the indices. */
function narrowCandidates(
  indices: Uint8Array,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coding: IndexCoding,
): Candidate[] {
  const { levelCount } = alphabet;
  if (coding.table) return [directCandidate(indices, alphabet, kernels, coding.table)];
  const counts = kernels.countSymbols(indices, levelCount);
  const direct = directCandidate(indices, alphabet, kernels, designTable(counts, alphabet.background));
  if (levelCount <= MAX_DIRECT_ALPHABET) return [direct];
  const { tokenCounts, rawBitCount } = countTokens(counts, alphabet);
  return [
    direct,
    tokenCandidate(indices, alphabet, kernels, designTable(tokenCounts, TOKEN_PEAK), rawBitCount),
  ];
}

/** Indices of 16 bits: tokens, counted as they are made. */
function wideCandidate(
  indices: Uint16Array,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coding: IndexCoding,
): Candidate {
  if (coding.table) return tokenCandidate(indices, alphabet, kernels, coding.table, 0);
  const counts = new Uint32Array(alphabet.levelCount);
  for (let i = 0; i < indices.length; i++) counts[indices[i]]++;
  const { tokenCounts, rawBitCount } = countTokens(counts, alphabet);
  return tokenCandidate(indices, alphabet, kernels, designTable(tokenCounts, TOKEN_PEAK), rawBitCount);
}

function directCandidate(
  indices: Uint8Array,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  source: DesignedTable | TableDescription,
): Candidate {
  const { description, table, bits } = resolveTable(source, symbolAlphabet('rans', alphabet));
  return {
    estimatedBytes: bits / 8,
    encode: (laneCount) => ({
      kind: 'rans',
      table: description,
      payload: kernels.encodeRans(indices, table, laneCount),
    }),
  };
}

function tokenCandidate(
  indices: Indices,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  source: DesignedTable | TableDescription,
  rawBitCount: number,
): Candidate {
  const { description, table, bits } = resolveTable(source, symbolAlphabet('rans-tokens', alphabet));
  return {
    estimatedBytes: (bits + rawBitCount) / 8,
    encode: (laneCount) => {
      const raw = new BitWriter();
      const symbols = splitIndices(indices, alphabet.background, alphabet.levelCount, raw);
      const payload = kernels.encodeRans(symbols, table, laneCount);
      return { kind: 'rans-tokens', table: description, payload, rawBits: raw.finish() };
    },
  };
}

/** The table to code with; the cost of a given one is not known and does not matter, since it is not chosen. */
function resolveTable(
  source: DesignedTable | TableDescription,
  alphabet: SymbolAlphabet,
): { description: TableDescription; table: FrequencyTable; bits: number } {
  if (!('kind' in source)) return { ...source, bits: source.tableBits + source.estimatedSymbolBits };
  return { description: source, table: tableOfDescription(alphabet, source), bits: 0 };
}
