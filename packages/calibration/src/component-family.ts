/**
 * Cosine blocks of principal components of the channels, under the binary coder that learns by itself: best where channels say
 * much the same, which tables by neighborhood do not see.
 */

import {
  type Backend,
  type BlockSize,
  type ChannelBasis,
  channelMomentsOf,
  createCodingProfile,
  designChannelBasis,
  designTensorProfile,
  type TensorProfile,
} from '@featherwire/codec';
import { deviationOf, type Family, type TensorSamples } from './families.js';

/** More than any coefficient of steps that are of use has. */
const LEVEL_COUNT = 2047;
/** Components of more channels take long to find, and long to code by. */
const MAX_CHANNELS = 640;

/** Whether the channels of all tensors of a cut are few enough. */
export function hasComponents(cut: readonly TensorSamples[]): boolean {
  return cut.every(({ samples: [{ shape }] }) => shape[1] <= MAX_CHANNELS);
}

/** Levels of coefficients of components in one step. @param cut - maps [1, C, H, W] */
export function componentFamily(
  cut: readonly TensorSamples[],
  blockSize: BlockSize,
  lambda: number,
  backend: Backend,
): Family {
  const bases = new Map<TensorSamples, ChannelBasis>();
  const basisOf = (tensor: TensorSamples): ChannelBasis => {
    const basis = bases.get(tensor) ?? componentsOf(tensor);
    bases.set(tensor, basis);
    return basis;
  };
  return {
    name: `components of channels, coefficients of ${blockSize} by ${blockSize}, lambda ${lambda}`,
    kind: 'coefficients',
    lambda,
    create: (scale) => ({
      lambda,
      profile: createCodingProfile(
        cut.map((tensor) => {
          const blocks = { blockSize, step: scale * deviationOf(tensor), basis: basisOf(tensor) };
          return componentProfile(tensor, blocks, lambda, backend);
        }),
      ),
    }),
  };
}

/** The principal components of a tensor's channels. */
export function componentsOf({ samples }: TensorSamples): ChannelBasis {
  return designChannelBasis(channelMomentsOf(samples));
}

/** The profile of blocks of components in a step. */
export function componentProfile(
  { samples, varyingAxes }: TensorSamples,
  blocks: { readonly blockSize: BlockSize; readonly step: number; readonly basis: ChannelBasis },
  lambda: number,
  backend: Backend,
): TensorProfile {
  const quantizer = { kind: 'blocks', ...blocks, levelCount: LEVEL_COUNT } as const;
  return designTensorProfile(samples, { quantizer, varyingAxes, lambda, backend });
}
