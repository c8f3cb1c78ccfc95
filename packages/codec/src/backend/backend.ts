/**
 * The interface behind which the hot stages run. `reference.ts` is the specification; every other backend
 * must give the same indices, counts and bytes (`test/backend-conformance.test.ts` holds them to it).
 */

import type {
  AffineQuantizer,
  EntropyKernels,
  FrequencyTable,
  Indices,
  RansPayload,
  TableDescription,
  ValueRange,
} from '../stages.js';

/** How values become one payload. */
export interface ValueCoding {
  /** What a symbol is: an index, or several packed ones. */
  readonly kind: 'rans' | 'rans-packed';
  /** Of at most 256 levels, 16 for packed symbols. */
  readonly quantizer: AffineQuantizer;
  /** Index of the value 0. */
  readonly background: number;
  /** Table of the symbols. */
  readonly table: TableDescription;
}

/** How a payload becomes values. */
export interface ValueDecoding extends Pick<ValueCoding, 'kind' | 'background' | 'table'> {
  /** Level of each index: 2 to 256, 16 for packed symbols. */
  readonly levels: Float32Array;
}

/** A lane count, or what chooses it by the counts of the symbols and their table. */
export type LaneChoice = number | ((counts: Uint32Array, table: FrequencyTable) => number);

/** The hot stages of the codec. Calls are synchronous and keep nothing of their arguments. */
export interface Backend extends EntropyKernels {
  readonly name: 'reference' | 'javascript' | 'wasm';

  /** Smallest and largest number of `values`, infinities included, and the count of NaNs. */
  measureRange(values: Float32Array): ValueRange;

  /** Index of each value; NaN gives an index without meaning. */
  quantize(values: Float32Array, quantizer: AffineQuantizer): Indices;

  /**
   * Level of each index.
   * @param indices - each below `levelCount`
   * @param target - receives them and is returned, as long as `indices`; a new array by default
   */
  dequantize(indices: Indices, quantizer: AffineQuantizer, target?: Float32Array): Float32Array;

  /**
   * Quantization and rANS in one call.
   * @param values - at least one
   * @returns the payload; null if a value is NaN
   * @throws {RangeError} if a symbol has no frequency in the table
   */
  encodeValues(values: Float32Array, coding: ValueCoding, lanes: LaneChoice): RansPayload | null;

  /**
   * rANS and levels in one call.
   * @param target - receives as many values as it holds, at least one; of no meaning if there is a reason
   * @returns null, or the reason for which the payload is not one
   */
  decodeValues(payload: RansPayload, decoding: ValueDecoding, target: Float32Array): string | null;

  /** CRC-32 (bitstream.md §3.4), in [0, 2^32). @param previous - CRC-32 of the bytes before them, 0 by default */
  crc32(bytes: Uint8Array, previous?: number): number;

  /**
   * Number of thresholds at or below each value; that of NaN has no meaning.
   * @param thresholds - 1 to 255, ascending
   */
  quantizeByThresholds(values: Float32Array, thresholds: Float32Array): Uint8Array;

  /**
   * `levels[index]` for each index.
   * @param indices - each below the length of `levels`, which is at most 256
   * @param target - as of `dequantize`
   */
  lookUpLevels(indices: Uint8Array, levels: Float32Array, target?: Float32Array): Float32Array;
}
