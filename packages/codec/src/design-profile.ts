/** Profiles from samples: one quantizer and one static table for all. Encoding only. */

import type { Tensor } from '@featherwire/tensor';
import type { Backend } from './backend/backend.js';
import { misfitOfTensor, type TensorProfile } from './coding-profile.js';
import { MAX_ALPHABET_SIZE } from './entropy/frequency-table.js';
import { designTable } from './entropy/table-design.js';
import { valuesOfTensor } from './feature.js';
import { type QuantizerChoice, quantizeByProfile, quantizerOfChoice } from './quantize-feature.js';
import { alphabetOfQuantizer } from './quantizer/alphabet.js';
import { addValues, createStatistics } from './quantizer/statistics.js';

/** What a tensor's profile is made from. */
export interface TensorProfileOptions {
  /**
   * Limits that are measured are taken from all samples together; groups of channels need fixed limits. `none` and
   * `integer` are no quantizers of profiles.
   */
  readonly quantizer: Exclude<QuantizerChoice, { kind: 'none' | 'integer' }>;
  /** Dimensions that frames state, as positions in the shape; none by default. */
  readonly varyingAxes?: readonly number[];
  readonly backend: Backend;
}

/**
 * Designs the coding of one tensor from samples of it. The table has a frequency for every index, also for those that
 * no sample has.
 * @param samples - of one element type and shape but for the varying dimensions, at least one; not modified
 * @throws {RangeError} if there is no sample or one does not fit the first, holds NaN, or a setting is out of range
 * @throws {TypeError} if the element type cannot be quantized
 */
export function designTensorProfile(
  samples: readonly Tensor[],
  { quantizer: choice, varyingAxes = [], backend }: TensorProfileOptions,
): TensorProfile {
  if (samples.length === 0) throw new RangeError('samples expected at least one, got none');
  const [{ dtype, shape: first }] = samples;
  const statistics = createStatistics();
  for (const sample of samples) addValues(statistics, valuesOfTensor(sample));
  const { quantizer, thresholds } = quantizerOfChoice(choice, first, statistics);
  const shape = first.map((dimension, axis) => (varyingAxes.includes(axis) ? null : dimension));
  const profile = { dtype, shape, quantizer, thresholds, coder: null };
  const alphabet = alphabetOfQuantizer(quantizer);
  if (alphabet.levelCount > MAX_ALPHABET_SIZE) return profile;
  const counts = new Float64Array(alphabet.levelCount);
  for (const sample of samples) {
    const misfit = misfitOfTensor(profile, sample.dtype, sample.shape);
    if (misfit) throw new RangeError(misfit);
    const { indices } = quantizeByProfile(sample, profile, backend);
    backend.countSymbols(indices as Uint8Array, alphabet.levelCount).forEach((count, index) => {
      counts[index] += count;
    });
  }
  const { description } = designTable(counts, alphabet.background, { coverAll: true });
  return { ...profile, coder: { kind: 'rans', table: description } };
}
