/** Choice of the coder of one plane of a lossless frame. Encoding only. */

import { ByteWriter } from '../bitstream/byte-writer.js';
import type { CoderChoice } from '../entropy/encode-indices.js';
import { packIndices } from '../entropy/packed-indices.js';
import { encodeIndexSection, encodeSymbols } from '../indices/layout-choice.js';
import { entropyBits } from '../layout/reshape.js';
import { countPairs, MAX_GROUPED_ALPHABET, splitByLeft } from '../lossless/left-groups.js';
import { type EntropyKernels, elementsOf, type FeatureGeometry, type Indices } from '../stages.js';
import {
  arrayOfGroup,
  type CodedPlane,
  type GroupedPlane,
  planeAlphabet,
  writePlane,
} from './coded-plane.js';

/** How planes are coded, with the settings of any coder section. */
export interface PlaneCoding {
  readonly kernels: EntropyKernels;
  readonly coder: CoderChoice;
  readonly laneCount?: number;
}

/** `auto` takes the binary coder's larger effort up to this many elements. */
const MAX_AUTO_BINARY_ELEMENTS = 2 ** 12;
/** The binary coder is taken only if it saves this share of the plane: it is some fifty times slower. */
const BINARY_GAIN = 0.02;
/** Groups are made only if they promise to save this share of the plane. */
const GROUP_GAIN = 0.01;
/** What a group is taken to cost beside its symbols: a table, states and its length. */
const GROUP_OVERHEAD_BITS = 8 * 24;
/** Groups, of which each takes the time of a table. */
const MAX_GROUPS = 12;
/** A plane of low bits is worth the search for its table if that may save this share of it, and these bytes. */
const MIN_LOW_BITS_GAIN = 0.02;
const MIN_LOW_BITS_GAIN_BYTES = 256;

/** Bytes that a plane takes in a frame. */
export function planeBytes(plane: CodedPlane): number {
  const writer = new ByteWriter();
  writePlane(writer, plane);
  return writer.length;
}

/**
 * Codes a plane in which neighbors say something of each other: as indices, or parted by the symbol before each where
 * that is smaller.
 * @param symbols - at least one, as many as `geometry` says, each below `alphabetSize`
 */
export function encodePlane(
  symbols: Indices,
  geometry: FeatureGeometry,
  alphabetSize: number,
  coding: PlaneCoding,
): CodedPlane {
  const { kernels, coder, laneCount } = coding;
  const settings = { layout: 'dense', ...(laneCount !== undefined && { laneCount }) } as const;
  const alphabet = planeAlphabet(alphabetSize);
  const binary = (): CodedPlane =>
    encodeIndexSection(symbols, geometry, alphabet, kernels, { ...settings, coder: 'binary' });
  if (coder === 'binary') return binary();
  const fast =
    groupedPlane(symbols, alphabetSize, coding) ??
    encodeIndexSection(symbols, geometry, alphabet, kernels, { ...settings, coder: 'rans' });
  const triesBinary =
    alphabetSize <= MAX_GROUPED_ALPHABET && elementsOf(geometry) <= MAX_AUTO_BINARY_ELEMENTS;
  if (coder === 'rans' || !triesBinary) return fast;
  const slow = binary();
  return planeBytes(slow) < planeBytes(fast) * (1 - BINARY_GAIN) ? slow : fast;
}

/** The plane parted by the symbols before, if that promises to be smaller. */
function groupedPlane(
  symbols: Indices,
  alphabetSize: number,
  { kernels, laneCount }: PlaneCoding,
): GroupedPlane | undefined {
  if (!(symbols instanceof Uint8Array) || alphabetSize > MAX_GROUPED_ALPHABET) return undefined;
  const rows = rowsOfPairs(symbols, alphabetSize);
  const groups = chooseGroups(rows);
  const plainBits = entropyBits(sumOfRows(rows)) + GROUP_OVERHEAD_BITS;
  if (groups.length < 2 || sumOfBits(groups) > plainBits * (1 - GROUP_GAIN)) return undefined;
  const groupOfSymbol = new Uint8Array(alphabetSize);
  for (const [number, group] of groups.entries()) groupOfSymbol.fill(number, group.first);
  const lengths = groups.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0));
  const arrays = splitByLeft(symbols, groupOfSymbol, lengths).map((array, number) =>
    array.length === 0
      ? null
      : encodeSymbols(array, arrayOfGroup(number, array.length, alphabetSize), kernels, laneCount, true),
  );
  return { kind: 'by-left', groupOfSymbol, lengths, arrays };
}

/** Counts of what follows each symbol. */
function rowsOfPairs(symbols: Uint8Array, alphabetSize: number): Uint32Array[] {
  const pairs = countPairs(symbols, alphabetSize);
  return Array.from({ length: alphabetSize }, (_, before) =>
    pairs.subarray(before * alphabetSize, (before + 1) * alphabetSize),
  );
}

function sumOfRows(rows: readonly Uint32Array[]): Uint32Array {
  const sum = new Uint32Array(rows[0].length);
  for (const row of rows) for (let symbol = 0; symbol < sum.length; symbol++) sum[symbol] += row[symbol];
  return sum;
}

/** Symbols from `first` to the next group's, and the counts of what follows them. */
interface Group {
  readonly first: number;
  readonly counts: Uint32Array;
  /** Entropy of the counts, and the overhead. */
  readonly bits: number;
}

function sumOfBits(groups: readonly Group[]): number {
  return groups.reduce((sum, { bits }) => sum + bits, 0);
}

/** Runs of symbols: neighbors are joined, those first that lose least, while that saves bits or groups are too many. */
function chooseGroups(rows: readonly Uint32Array[]): readonly Group[] {
  const groups = rows.map((counts, first) => groupOf(first, counts));
  const joined = groups.slice(1).map((group, i) => join(groups[i], group));
  while (groups.length > 1) {
    let best = 0;
    let bestLoss = Number.POSITIVE_INFINITY;
    for (let i = 0; i < joined.length; i++) {
      const loss = joined[i].bits - groups[i].bits - groups[i + 1].bits;
      if (loss < bestLoss) {
        best = i;
        bestLoss = loss;
      }
    }
    if (bestLoss >= 0 && groups.length <= MAX_GROUPS) break;
    groups.splice(best, 2, joined[best]);
    joined.splice(best, 1);
    if (best > 0) joined[best - 1] = join(groups[best - 1], groups[best]);
    if (best < joined.length) joined[best] = join(groups[best], groups[best + 1]);
  }
  return groups;
}

function groupOf(first: number, counts: Uint32Array): Group {
  return { first, counts, bits: entropyBits(counts) + GROUP_OVERHEAD_BITS };
}

function join(a: Group, b: Group): Group {
  return groupOf(a.first, sumOfRows([a.counts, b.counts]));
}

/** Codes low bits: nearly as likely one way as the other, so that frequencies are all there is to them. */
export function encodeLowBits(
  symbols: Uint8Array,
  bits: number,
  { kernels, laneCount }: PlaneCoding,
): CodedPlane {
  const levelCount = 1 << bits;
  const packed = bits * symbols.length;
  // The counts of few symbols are uneven by chance; what that feigns, and more, goes into a table.
  const saved = packed - entropyBits(kernels.countSymbols(symbols, levelCount)) - levelCount;
  if (saved < Math.max(MIN_LOW_BITS_GAIN * packed, 8 * MIN_LOW_BITS_GAIN_BYTES))
    return { kind: 'packed', bytes: packIndices(symbols, levelCount) };
  const array = arrayOfGroup(0, symbols.length, levelCount);
  return { kind: 'rans', ...encodeSymbols(symbols, array, kernels, laneCount, true) };
}
