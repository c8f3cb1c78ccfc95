/**
 * What a tensor looks like to the quantizer of its profile: from such summaries, far from calibration, drift is told.
 * Encoding only.
 */

import type { Tensor } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { valuesOfTensor } from '../feature/feature-values.js';
import { quantizeByProfile } from '../feature/fixed-quantizer.js';
import { levelOfIndex } from '../quantizer/affine.js';
import { alphabetOfQuantizer, type IndexingQuantizer } from '../quantizer/alphabet.js';
import { affineOfGroup, forEachGroupChunk, groupLayout } from '../quantizer/channel-groups.js';
import type { AffineQuantizer, Indices } from '../stages.js';
import { misfitOfTensor, type TensorProfile } from './coding-profile.js';

/** Shares of a tensor's elements, or of its coefficients where the quantizer takes those, and its extreme elements. */
export interface FeatureSummary {
  /**
   * In [0, 1]: elements more than half a step beyond the outermost levels, which clipping changes by more than
   * quantization changes any other; of coefficients, those that have an outermost level.
   */
  readonly saturatedShare: number;
  /** In [0, 1]: those whose index is the background. */
  readonly backgroundShare: number;
  /** Smallest element. */
  readonly low: number;
  /** Largest element. */
  readonly high: number;
}

/**
 * Summarizes a tensor.
 * @param feature - of the profile's type and fixed dimensions, with at least one element; not modified
 * @throws {RangeError} if it does not fit the profile or holds NaN
 */
export function summarizeFeature(feature: Tensor, profile: TensorProfile, backend: Backend): FeatureSummary {
  const misfit = misfitOfTensor(profile, feature.dtype, feature.shape);
  if (misfit) throw new RangeError(misfit);
  const { quantizer } = profile;
  const { indices } = quantizeByProfile(feature, profile, backend);
  const { levelCount, background } = alphabetOfQuantizer(quantizer);
  const values = valuesOfTensor(feature);
  const { low, high } = backend.measureRange(values);
  const saturated =
    quantizer.kind === 'blocks' || quantizer.kind === 'spectral'
      ? countIndices(indices, 0) + countIndices(indices, levelCount - 1)
      : countSaturated(values, feature.shape, quantizer);
  return {
    saturatedShare: saturated / indices.length,
    backgroundShare: countIndices(indices, background) / indices.length,
    low,
    high,
  };
}

function countIndices(indices: Indices, wanted: number): number {
  let count = 0;
  for (let i = 0; i < indices.length; i++) if (indices[i] === wanted) count++;
  return count;
}

function countSaturated(
  values: Float32Array,
  shape: readonly number[],
  quantizer: Exclude<IndexingQuantizer, { kind: 'blocks' | 'spectral' }>,
): number {
  switch (quantizer.kind) {
    case 'affine':
      return countOutside(values, limitsOfAffine(quantizer.affine));
    case 'integer': {
      const { lowest, levelCount } = quantizer;
      return countOutside(values, [lowest - 0.5, lowest + levelCount - 0.5]);
    }
    case 'levels': {
      const { levels } = quantizer;
      const last = levels.length - 1;
      const low = levels[0] - (levels[1] - levels[0]) / 2;
      return countOutside(values, [low, levels[last] + (levels[last] - levels[last - 1]) / 2]);
    }
    case 'grouped': {
      const { grouped } = quantizer;
      let count = 0;
      const { axis, groupOfChannel, steps } = grouped;
      forEachGroupChunk(values, groupLayout(shape, axis, steps.length, groupOfChannel), (group, chunk) => {
        count += countOutside(chunk, limitsOfAffine(affineOfGroup(grouped, group)));
      });
      return count;
    }
    default:
      return quantizer satisfies never;
  }
}

function limitsOfAffine(affine: AffineQuantizer): [low: number, high: number] {
  const half = affine.step / 2;
  return [levelOfIndex(0, affine) - half, levelOfIndex(affine.levelCount - 1, affine) + half];
}

function countOutside(values: Float32Array, [low, high]: readonly [number, number]): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] < low || values[i] > high) count++;
  return count;
}
