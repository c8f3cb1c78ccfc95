/** Indices as packed symbols under a table, given or designed for them. Encoding only. */

import type {
  EntropyKernels,
  IndexAlphabet,
  Indices,
  RansPayload,
  SymbolAlphabet,
  TableDescription,
} from '../stages.js';
import { MIN_PRECISION_BITS, tableOfDescription } from './frequency-table.js';
import { MAX_PACKED_LEVELS, packedAlphabet, packSymbols } from './packed-symbols.js';
import { chooseLaneCount, MAX_LANE_COUNT } from './rans.js';
import { designTable } from './table-design.js';

/** Lanes are worth this much more than to one symbol an index: they are few symbols, and are chosen for speed. */
const LANE_WEIGHT = 4;

/** Lanes for a payload, found by coding it with the most lanes. */
export function choosePackedLanes(payloadBytes: number): number {
  return chooseLaneCount(payloadBytes * LANE_WEIGHT);
}

/** Checks that indices can be packed. @throws {RangeError} for more than 16 levels */
export function checkPackedAlphabet({ levelCount }: IndexAlphabet): void {
  if (levelCount > MAX_PACKED_LEVELS)
    throw new RangeError(
      `levelCount expected 2 to ${MAX_PACKED_LEVELS} for packed symbols, got ${levelCount}`,
    );
}

/**
 * A table of packed symbols. Its total is the smallest, for which decoding is fastest.
 * @param counts - one for each symbol, at least one positive
 * @param options.coverAll - as `designTable` takes it
 */
export function designPackedTable(
  counts: Uint32Array | Float64Array,
  { peak }: SymbolAlphabet,
  options: { readonly coverAll?: boolean } = {},
): TableDescription {
  return designTable(counts, peak, { ...options, maxPrecisionBits: MIN_PRECISION_BITS }).description;
}

/**
 * Codes indices.
 * @param table - of the packed symbols; by default one designed for these indices alone
 * @param laneCount - by default chosen by the size of the payload
 * @throws {RangeError} for more than 16 levels, or if the table lacks a symbol that occurs
 */
export function encodePacked(
  indices: Indices,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  table?: TableDescription,
  laneCount?: number,
): { readonly table: TableDescription; readonly payload: RansPayload } {
  checkPackedAlphabet(alphabet);
  const packed = packedAlphabet(alphabet);
  const symbols = packSymbols(indices as Uint8Array, alphabet);
  const taken = table ?? designPackedTable(kernels.countSymbols(symbols, packed.size), packed);
  const frequencies = tableOfDescription(packed, taken);
  const encode = (lanes: number): RansPayload => kernels.encodeRans(symbols, frequencies, lanes);
  return { table: taken, payload: laneCount ? encode(laneCount) : encodeInFewLanes(encode) };
}

/** Codes with the most lanes, and again if the payload turns out small: coding a small one twice is cheap. */
export function encodeInFewLanes(encode: (laneCount: number) => RansPayload): RansPayload {
  const wide = encode(MAX_LANE_COUNT);
  const lanes = choosePackedLanes(wide.bytes.length);
  return lanes === MAX_LANE_COUNT ? wide : encode(lanes);
}
