/** Profiles from samples: one quantizer and one static table for all. Encoding only. */

import type { Shape, Tensor } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import {
  type ContextPreference,
  designContextModel,
  type IndexedFeature,
} from '../entropy/contexts/design-context-model.js';
import { checkPackedAlphabet, designPackedTable } from '../entropy/encode-packed.js';
import { MAX_ALPHABET_SIZE } from '../entropy/frequency-table.js';
import { packedAlphabet, packSymbols } from '../entropy/packed-symbols.js';
import { designTable } from '../entropy/table-design.js';
import { geometryOfIndices, valuesOfTensor } from '../feature/feature-values.js';
import { type FixedChoice, quantizeByProfile, quantizerOfChoice } from '../feature/fixed-quantizer.js';
import { optimizeIndices } from '../feature/rate-distortion.js';
import { alphabetOfQuantizer } from '../quantizer/alphabet.js';
import { addValues, createStatistics } from '../quantizer/statistics.js';
import type { IndexAlphabet, StaticCoder } from '../stages.js';
import { type CodingProfile, misfitOfTensor, type TensorProfile } from './coding-profile.js';

/** What a tensor's profile is made from. */
export interface TensorProfileOptions {
  /**
   * Limits that are measured are taken from all samples together; groups of channels need fixed limits. `none`,
   * `integer` and `lossless` are no quantizers of profiles; `spectral` is one of profiles only.
   */
  readonly quantizer: FixedChoice;
  /** Dimensions that frames state, as positions in the shape; none by default. */
  readonly varyingAxes?: readonly number[];
  /**
   * The static coder: `rans`, one table, by default; `rans-contexts`, tables by neighborhood, for up to 16 levels, which
   * takes a fifth to a third fewer bits and some hundred bytes of profile; `rans-packed`, one table for symbols of several
   * indices, for up to 16 levels, which is fastest; `none`, which is the default for blocks: their frames are of the binary
   * coder, which learns by itself.
   */
  readonly coder?: StaticCoder['kind'] | 'none';
  /** What a context model is made for, `speed` by default; see `ContextPreference`. */
  readonly contextPreference?: ContextPreference;
  /** That of the frames to come, as in `TensorCodingOptions`; the coder is made for the indices that it leaves. */
  readonly lambda?: number;
  readonly backend: Backend;
}

/**
 * Designs the coding of one tensor from samples of it. The table has a frequency for every index, also for those that
 * no sample has. If there are more than 256 levels, the profile has no coder.
 * @param samples - of one element type and shape but for the varying dimensions, at least one; not modified
 * @throws {RangeError} if there is no sample or one does not fit the first, holds NaN, or a setting is out of range
 * @throws {TypeError} if the element type cannot be quantized
 */
export function designTensorProfile(
  samples: readonly Tensor[],
  options: TensorProfileOptions,
): TensorProfile {
  const { quantizer: choice, varyingAxes = [], lambda = 0, backend } = options;
  const kind = options.coder ?? (choice.kind === 'blocks' ? 'none' : 'rans');
  const preference = options.contextPreference ?? 'speed';
  if (samples.length === 0) throw new RangeError('samples expected at least one, got none');
  const [{ dtype, shape: first }] = samples;
  checkVaryingAxes(varyingAxes, first, choice);
  const statistics = createStatistics();
  for (const sample of samples) addValues(statistics, valuesOfTensor(sample));
  const { quantizer, thresholds } = quantizerOfChoice(choice, first, statistics);
  const shape = first.map((dimension, axis) => (varyingAxes.includes(axis) ? null : dimension));
  const profile = { dtype, shape, quantizer, thresholds, coder: null };
  const alphabet = alphabetOfQuantizer(quantizer);
  if (kind === 'none' || alphabet.levelCount > MAX_ALPHABET_SIZE) return profile;
  const indexed = indexSamples(samples, profile, lambda, backend);
  switch (kind) {
    case 'rans-contexts':
      return { ...profile, coder: { kind, model: designContextModel(indexed, alphabet, { preference }) } };
    case 'rans-packed':
      return { ...profile, coder: designPackedCoder(indexed, alphabet, backend) };
    case 'rans':
      return { ...profile, coder: designTableCoder(indexed, alphabet, backend) };
    default:
      return kind satisfies never;
  }
}

/**
 * The same profile with the context model of the fewest bits for the same indices, as `contextPreference: 'least'` designs
 * it; to be called for a profile that is chosen, since a search would take long.
 * @param samples - as those of the design
 * @throws {RangeError} if a sample does not fit, or there are too many levels for contexts
 */
export function withFineContexts(
  profile: TensorProfile,
  samples: readonly Tensor[],
  { lambda = 0, backend }: Pick<TensorProfileOptions, 'lambda' | 'backend'>,
): TensorProfile {
  const alphabet = alphabetOfQuantizer(profile.quantizer);
  const indexed = indexSamples(samples, profile, lambda, backend);
  const model = designContextModel(indexed, alphabet, { preference: 'least' });
  return { ...profile, coder: { kind: 'rans-contexts', model } };
}

/** Indices of the samples, as frames of the profile hold them. */
function indexSamples(
  samples: readonly Tensor[],
  profile: TensorProfile,
  lambda: number,
  backend: Backend,
): IndexedFeature[] {
  return samples.map((sample) => {
    const misfit = misfitOfTensor(profile, sample.dtype, sample.shape);
    if (misfit) throw new RangeError(misfit);
    const nearest = quantizeByProfile(sample, profile, backend);
    const { indices } = optimizeIndices(sample, nearest, lambda, null, backend);
    return { indices: indices as Uint8Array, geometry: geometryOfIndices(sample.shape, profile.quantizer) };
  });
}

/** The profile of a new operating point, small frames of which are short ones. @param tensors - 1 to 256, in order */
export function createCodingProfile(tensors: readonly TensorProfile[]): CodingProfile {
  return { tensors, shortFrames: true };
}

function checkVaryingAxes(axes: readonly number[], shape: Shape, choice: FixedChoice): void {
  const wrong = axes.find((axis) => !Number.isInteger(axis) || axis < 0 || axis >= shape.length);
  if (wrong !== undefined)
    throw new RangeError(`varyingAxes expected dimensions of [${shape.join(', ')}], got ${wrong}`);
  const channelAxis = choice.kind === 'grouped' ? choice.axis : hasChannels(choice) ? shape.length - 3 : null;
  if (channelAxis !== null && axes.includes(channelAxis))
    throw new RangeError(`varyingAxes expected others than the channels, got ${channelAxis}`);
}

/** Whether the quantizer tells the channels of maps apart. */
function hasChannels(choice: TensorProfileOptions['quantizer']): boolean {
  return choice.kind === 'spectral' || (choice.kind === 'blocks' && choice.basis !== undefined);
}

function designTableCoder(
  features: readonly IndexedFeature[],
  { levelCount, background }: IndexAlphabet,
  backend: Backend,
): StaticCoder {
  const counts = countAll(
    features.map(({ indices }) => indices),
    levelCount,
    backend,
  );
  return { kind: 'rans', table: designTable(counts, background, { coverAll: true }).description };
}

function designPackedCoder(
  features: readonly IndexedFeature[],
  alphabet: IndexAlphabet,
  backend: Backend,
): StaticCoder {
  checkPackedAlphabet(alphabet);
  const packed = packedAlphabet(alphabet);
  const symbols = features.map(({ indices }) => packSymbols(indices, alphabet));
  const table = designPackedTable(countAll(symbols, packed.size, backend), packed, { coverAll: true });
  return { kind: 'rans-packed', table };
}

function countAll(arrays: readonly Uint8Array[], alphabetSize: number, backend: Backend): Float64Array {
  const counts = new Float64Array(alphabetSize);
  for (const symbols of arrays) {
    backend.countSymbols(symbols, alphabetSize).forEach((count, symbol) => {
      counts[symbol] += count;
    });
  }
  return counts;
}
