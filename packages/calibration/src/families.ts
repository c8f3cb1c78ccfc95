/**
 * Families of codings of a cut: each is a way to quantize and code that gets coarser with one number, its scale, so that
 * a point of it is found by bisection.
 */

import {
  addChannelValues,
  addValues,
  type Backend,
  type CodingProfile,
  createChannelStatistics,
  createCodingProfile,
  createStatistics,
  designLevels,
  designTensorProfile,
  distributionOfStatistics,
  type FeatureStatistics,
  type FixedChoice,
  quantileOf,
  type TensorProfile,
  varianceOf,
} from '@featherwire/codec';
import type { Tensor, TensorOf } from '@featherwire/tensor';
import { designSpectral, MAX_CONTEXT_HALF, type SpectralBasis } from './spectral-design.js';

/** How a cut is coded. */
export interface Coding {
  readonly profile: CodingProfile;
  /** That of the encoder; 0 for the nearest levels. */
  readonly lambda: number;
}

/** What families tell about themselves. */
export interface Family {
  readonly name: string;
  /**
   * `range`: levels of the elements in one range for the tensor; `coefficients`: levels of cosine coefficients in one step;
   * `sensitivity`: steps by measured effect on the output.
   */
  readonly kind: 'range' | 'coefficients' | 'sensitivity';
  readonly lambda: number;
  /** The coding at a scale, in standard deviations of the elements; null where nothing would be coded. */
  create(scale: number): Coding | null;
}

/** One tensor of the cut as its design samples show it. */
export interface TensorSamples {
  readonly samples: readonly TensorOf<'float32'>[];
  readonly statistics: FeatureStatistics;
  /** Axes in which the samples differ. */
  readonly varyingAxes: readonly number[];
}

/** A share of the elements beyond each limit of a range. */
const CLIPPED_SHARE = 1e-4;
/** Most levels of elements, and those of context models. */
const MAX_LEVELS = 256;
const MAX_CONTEXT_LEVELS = 16;
/** Context models of more planes take long to design. */
export const MAX_CONTEXT_PLANES = 4_096;

/** Statistics of a tensor's samples, in one pass. */
export function tensorSamples(samples: readonly Tensor[]): TensorSamples {
  const own = samples as readonly TensorOf<'float32'>[];
  const statistics = createStatistics();
  for (const { data } of own) addValues(statistics, data);
  const varyingAxes = own[0].shape.flatMap((size, axis) =>
    own.some(({ shape }) => shape[axis] !== size) ? [axis] : [],
  );
  return { samples: own, statistics, varyingAxes };
}

/** Standard deviation of a tensor's elements, above 0. */
export function deviationOf({ statistics }: TensorSamples): number {
  return Math.sqrt(varianceOf(statistics)) || 1;
}

/** Levels of elements, one range for each tensor. */
export function rangeFamily(cut: readonly TensorSamples[], lambda: number, backend: Backend): Family {
  return {
    name: `one range${lambda > 0 ? `, lambda ${lambda}` : ''}`,
    kind: 'range',
    lambda,
    create: (scale) => ({
      lambda,
      profile: createCodingProfile(
        cut.map((tensor) => {
          const step = scale * deviationOf(tensor);
          const [low, high, levelCount] = levelsOfStep(tensor.statistics, step);
          const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } } as const;
          return designProfile(tensor, quantizer, levelCount, lambda, backend);
        }),
      ),
    }),
  };
}

/**
 * Levels of elements that are listed, designed under the price of bits (Chou, Lookabaugh and Gray, "Entropy-constrained vector
 * quantization", 1989), one list for each tensor.
 */
export function levelsFamily(cut: readonly TensorSamples[], backend: Backend): Family {
  return {
    name: 'entropy-constrained levels',
    kind: 'range',
    lambda: 0,
    create: (scale) => ({
      lambda: 0,
      profile: createCodingProfile(
        cut.map((tensor) => {
          const choice = listedLevels(tensor, scale * deviationOf(tensor));
          return designProfile(tensor, choice, choice.levels.length, 0, backend);
        }),
      ),
    }),
  };
}

/** Squared error, in the square of a step, that a bit of uniform levels is worth at high rates: 2 ln 2 of D = 1 / 12. */
const PRICE_OF_BIT = Math.LN2 / 6;

/** Levels whose bits are worth as much as those of uniform levels of a step. */
export function listedLevels(
  { statistics }: TensorSamples,
  step: number,
): Extract<FixedChoice, { kind: 'levels' }> {
  const [low, high, levelCount] = levelsOfStep(statistics, step);
  const { levels, thresholds } = designLevels(distributionOfStatistics(statistics, step / 64), {
    levelCount,
    lambda: PRICE_OF_BIT * step * step,
    low,
    high,
    ends: 'free',
  });
  return { kind: 'levels', levels, thresholds };
}

/**
 * Levels of elements with a step for each channel, by its effect.
 * @param damage - of each tensor's channels
 * @param axes - where the channels of each tensor are
 */
export function channelFamily(
  cut: readonly TensorSamples[],
  damage: readonly Float64Array[],
  axes: readonly number[],
  backend: Backend,
): Family {
  const lambda = 0;
  const statistics = cut.map((tensor, i) => channelStatistics(tensor, axes[i]));
  return {
    name: 'steps of channels',
    kind: 'sensitivity',
    lambda,
    create: (scale) => ({
      lambda,
      profile: createCodingProfile(
        cut.map((tensor, i) => {
          const middle = Math.exp(
            damage[i].reduce((sum, value) => sum + Math.log(value + Number.MIN_VALUE), 0) / damage[i].length,
          );
          const steps = Array.from(
            damage[i],
            (value) =>
              scale * deviationOf(tensor) * Math.min(8, Math.max(1 / 8, (middle / (value || middle)) ** 0.5)),
          );
          const quantizer = groupedOfSteps(steps, statistics[i], axes[i], tensor.statistics.low >= 0);
          return designProfile(tensor, quantizer, quantizer.levelCount, lambda, backend);
        }),
      ),
    }),
  };
}

/** Cosine coefficients. @param bases - of each tensor; powers of 0 give one step for all */
export function spectralFamily(
  cut: readonly TensorSamples[],
  bases: readonly SpectralBasis[],
  powers: { readonly frequency: number; readonly channel: number },
  lambda: number,
  backend: Backend,
): Family {
  const size = bases[0].blockSize;
  const isFlat = powers.frequency === 0 && powers.channel === 0;
  return {
    name: `${nameOfSpectral(size, powers)}, lambda ${lambda}`,
    kind: isFlat ? 'coefficients' : 'sensitivity',
    lambda,
    create: (scale) => {
      const tensors: TensorProfile[] = [];
      for (const [i, tensor] of cut.entries()) {
        const settings = designSpectral(bases[i], {
          scale,
          frequencyPower: powers.frequency,
          channelPower: powers.channel,
          lambda,
        });
        if (!settings) return null;
        const planes = settings.kept.filter(Boolean).length;
        const levels = planes > MAX_CONTEXT_PLANES ? MAX_LEVELS : settings.levelCount;
        tensors.push(designProfile(tensor, { kind: 'spectral', ...settings }, levels, lambda, backend));
      }
      return { lambda, profile: createCodingProfile(tensors) };
    },
  };
}

function nameOfSpectral(size: number, powers: { frequency: number; channel: number }): string {
  const parts = [
    ...(powers.frequency > 0 ? ['frequencies'] : []),
    ...(powers.channel > 0 ? ['channels'] : []),
  ];
  const steps = parts.length > 0 ? `steps of ${parts.join(' and ')}` : 'one step';
  return size === 1 ? `elements, ${steps}` : `coefficients of ${size} by ${size}, ${steps}`;
}

/** Quantizer and static coder: tables by neighborhood where the levels are few enough for them. */
export function designProfile(
  { samples, varyingAxes }: TensorSamples,
  quantizer: FixedChoice,
  levelCount: number,
  lambda: number,
  backend: Backend,
): TensorProfile {
  const coder = levelCount <= MAX_CONTEXT_LEVELS ? 'rans-contexts' : 'rans';
  const options = { quantizer, varyingAxes, coder, contextPreference: 'size', lambda, backend } as const;
  return designTensorProfile(samples, options);
}

/** Limits and levels of a step; 0 is a level. */
export function levelsOfStep(
  statistics: FeatureStatistics,
  step: number,
): [low: number, high: number, levelCount: number] {
  const above = Math.max(0, quantileOf(statistics, 1 - CLIPPED_SHARE));
  if (statistics.low >= 0) {
    const levelCount = Math.min(MAX_LEVELS, Math.max(2, Math.round(above / step) + 1));
    return [0, step * (levelCount - 1), levelCount];
  }
  const below = Math.max(0, -quantileOf(statistics, CLIPPED_SHARE));
  const half = Math.max(1, Math.min((MAX_LEVELS - 1) >> 1, Math.round(Math.max(above, below) / step)));
  return [-half * step, half * step, 2 * half + 1];
}

/** Limits and levels of a step for each channel; 0 is a level of all. */
export function groupedOfSteps(
  steps: readonly number[],
  statistics: readonly FeatureStatistics[],
  axis: number,
  isRectified: boolean,
): Extract<FixedChoice, { kind: 'grouped' }> {
  const most = steps.reduce((largest, step, channel) => {
    const own = statistics[channel];
    const size = Math.max(quantileOf(own, 1 - CLIPPED_SHARE), -quantileOf(own, CLIPPED_SHARE), 0);
    return Math.max(largest, Math.round(size / step));
  }, 1);
  const half = isRectified ? Math.min(MAX_CONTEXT_LEVELS - 1, most) : Math.min(MAX_CONTEXT_HALF, most);
  const limits = steps.map((step) => ({ low: isRectified ? 0 : -half * step, high: half * step }));
  return {
    kind: 'grouped',
    levelCount: isRectified ? half + 1 : 2 * half + 1,
    axis,
    groupCount: steps.length,
    range: { kind: 'fixed', limits },
  };
}

/** Statistics of each channel. @param axis - of the channels */
export function channelStatistics({ samples }: TensorSamples, axis: number): FeatureStatistics[] {
  const statistics = createChannelStatistics(samples[0].shape[axis]);
  for (const { data, shape } of samples) addChannelValues(statistics, data, shape, axis);
  return statistics;
}
