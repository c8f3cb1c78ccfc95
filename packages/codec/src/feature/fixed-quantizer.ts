/**
 * Quantizers that stay the same for a stream of tensors, as profiles hold them: made from a choice and statistics, and
 * applied to a tensor. Encoding only.
 */

import type { Tensor } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { asymmetricQuantizer, uniformQuantizer } from '../quantizer/affine.js';
import type { IndexingQuantizer } from '../quantizer/alphabet.js';
import { groupedQuantizer, quantizeGroups } from '../quantizer/channel-groups.js';
import { levelTable } from '../quantizer/level-table.js';
import {
  affineOfSpectral,
  type SpectralSettings,
  spectralCoefficients,
  spectralQuantizer,
} from '../quantizer/spectral.js';
import type { FeatureStatistics } from '../quantizer/statistics.js';
import type { Indices } from '../stages.js';
import { geometryOfShape, valuesOfTensor } from './feature-values.js';
import {
  blocksOfChoice,
  checkGroups,
  limitsOfStatistics,
  type QuantizedFeature,
  type QuantizerChoice,
  quantizeBlocks,
  refuseEmpty,
  refuseInfinite,
  refuseNaN,
} from './quantize-feature.js';

/** What a fixed quantizer may be made from: choices that a tensor alone cannot settle are for profiles only. */
export type FixedChoice =
  | Exclude<QuantizerChoice, { kind: 'none' | 'integer' | 'lossless' }>
  | ({ readonly kind: 'spectral' } & SpectralSettings);

/** A quantizer that is fixed for a stream of tensors, with what encoding by it needs. */
export interface FixedQuantizer {
  readonly quantizer: IndexingQuantizer;
  /** Decision thresholds of listed levels, null for other quantizers. */
  readonly thresholds: Float32Array | null;
}

/**
 * The quantizer that a choice stands for, given what is known of the values.
 * @param shape - of the tensors; decides the groups of channels
 * @param statistics - of values from all of them
 * @throws {RangeError} if a setting is out of range, or groups of channels have no fixed limits
 */
export function quantizerOfChoice(
  choice: FixedChoice,
  shape: readonly number[],
  statistics: FeatureStatistics,
): FixedQuantizer {
  switch (choice.kind) {
    case 'levels': {
      const { levels, thresholds } = levelTable(choice.levels, choice.thresholds);
      return { quantizer: { kind: 'levels', levels }, thresholds };
    }
    case 'grouped': {
      if (choice.range.kind !== 'fixed')
        throw new RangeError(`range expected fixed limits of each group, got ${choice.range.kind}`);
      const { levelCount, axis, groupCount, range } = choice;
      if (range.limits.length !== groupCount)
        throw new RangeError(`limits expected ${groupCount} pairs, got ${range.limits.length}`);
      const grouped = groupedQuantizer(levelCount, axis, checkGroups(shape, choice), range.limits);
      return { quantizer: { kind: 'grouped', grouped }, thresholds: null };
    }
    case 'spectral': {
      const spectral = spectralQuantizer(shape, choice, statistics.low >= 0);
      return { quantizer: { kind: 'spectral', spectral }, thresholds: null };
    }
    case 'blocks': {
      if (choice.levelCount === undefined)
        throw new RangeError('levelCount expected a number for blocks of a profile, got none');
      return { quantizer: { kind: 'blocks', blocks: blocksOfChoice(choice, statistics) }, thresholds: null };
    }
    case 'uniform':
    case 'asymmetric': {
      const levelCount = choice.kind === 'uniform' ? choice.levelCount : 2 ** choice.bits;
      if (choice.range.kind !== 'fixed') refuseEmpty(statistics, statistics.count);
      const { low, high } =
        choice.range.kind === 'fixed'
          ? choice.range
          : limitsOfStatistics(statistics, levelCount, choice.range);
      const affine =
        choice.kind === 'uniform'
          ? uniformQuantizer(levelCount, low, high)
          : asymmetricQuantizer(choice.bits, low, high);
      return { quantizer: { kind: 'affine', affine }, thresholds: null };
    }
    default:
      return choice satisfies never;
  }
}

/**
 * Quantizes a tensor as a profile says.
 * @param feature - of the profile's type and fixed dimensions, with at least one element
 * @throws {RangeError} if the feature holds NaN
 */
export function quantizeByProfile(
  feature: Tensor,
  { quantizer, thresholds }: FixedQuantizer,
  backend: Backend,
): Extract<QuantizedFeature, { kind: 'indexed' }> {
  const values = valuesOfTensor(feature);
  const measured = backend.measureRange(values);
  refuseNaN(values, measured);
  if (quantizer.kind === 'blocks' || quantizer.kind === 'spectral') {
    refuseInfinite(measured);
    if (quantizer.kind === 'blocks')
      return quantizeBlocks(values, feature.shape, quantizer.blocks, false, backend);
    const geometry = geometryOfShape(feature.shape);
    const coefficients = spectralCoefficients(values, geometry, quantizer.spectral);
    const indices = backend.quantize(coefficients, affineOfSpectral(quantizer.spectral));
    return { kind: 'indexed', quantizer, indices, coefficients };
  }
  return {
    kind: 'indexed',
    quantizer,
    indices: indicesOf(values, feature.shape, quantizer, thresholds, backend),
  };
}

function indicesOf(
  values: Float32Array,
  shape: readonly number[],
  quantizer: Exclude<IndexingQuantizer, { kind: 'blocks' | 'spectral' }>,
  thresholds: Float32Array | null,
  backend: Backend,
): Indices {
  switch (quantizer.kind) {
    case 'affine':
      return backend.quantize(values, quantizer.affine);
    case 'levels':
      return backend.quantizeByThresholds(values, thresholds!);
    case 'grouped':
      return quantizeGroups(values, shape, quantizer.grouped, backend);
    case 'integer': {
      const { lowest, levelCount } = quantizer;
      return Uint8Array.from(values, (value) => Math.min(Math.max(value - lowest, 0), levelCount - 1));
    }
    default:
      return quantizer satisfies never;
  }
}
