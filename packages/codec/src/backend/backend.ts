/**
 * The interface behind which the hot stages run. `reference.ts` is the specification; every other backend
 * must give the same indices, counts and bytes (`test/backend-conformance.test.ts` holds them to it).
 */

import type { AffineQuantizer, EntropyKernels, Indices, ValueRange } from '../stages.js';

/** The hot stages of the codec. Calls are synchronous and keep nothing of their arguments. */
export interface Backend extends EntropyKernels {
  readonly name: 'reference' | 'wasm';

  /** Smallest and largest number of `values`, infinities included, and the count of NaNs. */
  measureRange(values: Float32Array): ValueRange;

  /** Index of each value; NaN gives an index without meaning. */
  quantize(values: Float32Array, quantizer: AffineQuantizer): Indices;

  /** Level of each index. @param indices - each below `levelCount` */
  dequantize(indices: Indices, quantizer: AffineQuantizer): Float32Array;

  /**
   * Number of thresholds at or below each value; that of NaN has no meaning.
   * @param thresholds - 1 to 255, ascending
   */
  quantizeByThresholds(values: Float32Array, thresholds: Float32Array): Uint8Array;

  /** `levels[index]` for each index. @param indices - each below the length of `levels`, which is at most 256 */
  lookUpLevels(indices: Uint8Array, levels: Float32Array): Float32Array;
}
