/**
 * A point for values that changed: steps stay, since the damage that an error does is the network's and not the data's;
 * limits, coefficients that are worth coding, means and components of channels and tables follow the new values.
 */

import type { Backend, CodingProfile, FixedChoice, TensorProfile } from '@featherwire/codec';
import { componentProfile, componentsOf } from './component-family.js';
import {
  type Coding,
  channelStatistics,
  designProfile,
  groupedOfSteps,
  levelsOfStep,
  listedLevels,
  MAX_CONTEXT_PLANES,
  type TensorSamples,
} from './families.js';
import { settingsOfSteps, spectralCoefficients } from './spectral-design.js';

/** Levels of the table coder, which is taken where tables by neighborhood would be too many. */
const MAX_LEVELS = 256;

/**
 * The coding for new samples of the cut.
 * @param cut - the samples, tensor by tensor as in the profile
 * @returns null if a tensor's coding is of a kind that calibration does not design, or nothing of it would be coded
 * @throws {RangeError} if a sample does not fit the profile's type or fixed dimensions
 */
export function redesign(
  { profile, lambda }: Coding,
  cut: readonly TensorSamples[],
  backend: Backend,
): Coding | null {
  const tensors: TensorProfile[] = [];
  for (const [i, tensor] of profile.tensors.entries()) {
    const designed = redesignTensor(tensor, cut[i], lambda, backend);
    if (!designed) return null;
    tensors.push(designed);
  }
  return { lambda, profile: { ...profile, tensors } satisfies CodingProfile };
}

function redesignTensor(
  { quantizer, shape }: TensorProfile,
  tensor: TensorSamples,
  lambda: number,
  backend: Backend,
): TensorProfile | null {
  // Dimensions that were open stay so, whatever the new samples have in common.
  const varyingAxes = shape.flatMap((size, axis) => (size === null ? [axis] : []));
  const samples = { ...tensor, varyingAxes };
  const design = (choice: FixedChoice, levelCount: number): TensorProfile =>
    designProfile(samples, choice, levelCount, lambda, backend);
  switch (quantizer.kind) {
    case 'affine': {
      const [low, high, levelCount] = levelsOfStep(tensor.statistics, quantizer.affine.step);
      return design({ kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } }, levelCount);
    }
    case 'grouped': {
      const { axis, steps, groupOfChannel } = quantizer.grouped;
      if (groupOfChannel || steps.length !== tensor.samples[0].shape[axis]) return null;
      const statistics = channelStatistics(tensor, axis);
      const choice = groupedOfSteps([...steps], statistics, axis, tensor.statistics.low >= 0);
      return design(choice, choice.levelCount);
    }
    case 'spectral': {
      const { blockSize, weights, steps } = quantizer.spectral;
      const settings = settingsOfSteps(
        spectralCoefficients(tensor.samples, blockSize),
        { weights: [...weights], steps: [...steps] },
        lambda,
      );
      if (!settings) return null;
      const planes = settings.kept.filter(Boolean).length;
      return design(
        { kind: 'spectral', ...settings },
        planes > MAX_CONTEXT_PLANES ? MAX_LEVELS : settings.levelCount,
      );
    }
    case 'levels': {
      // Levels lie about a step apart where the price of bits moves them little.
      const { levels } = quantizer;
      const choice = listedLevels(tensor, (levels[levels.length - 1] - levels[0]) / (levels.length - 1));
      return design(choice, choice.levels.length);
    }
    case 'blocks': {
      const { blockSize, step, basis } = quantizer.blocks;
      if (!basis || basis.channelCount !== tensor.samples[0].shape.at(-3)) return null;
      return componentProfile(samples, { blockSize, step, basis: componentsOf(samples) }, lambda, backend);
    }
    case 'integer':
      return null;
    default:
      return quantizer satisfies never;
  }
}
