/**
 * The model of ReLU and leaky-ReLU features of paper B (papers.md 2.4): pre-activations follow an asymmetric
 * Laplace distribution AL(location, rate, skew), the activation keeps positive values and scales negative ones by
 * `slope`. Here are its density, its fit to a sample mean and variance, and its best clip limits. Encoding only.
 */

import {
  type DensityPiece,
  meanAndVariance,
  type PointMass,
  type ValueDistribution,
} from './distribution.js';
import { minimizeOnInterval, minimizePair } from './minimize.js';
import { uniformError } from './uniform-error.js';

/** Skew that paper B fixes. */
export const DEFAULT_SKEW = 0.5;
/** Locations that the fit considers, in units of 1 / rate. */
const FIT_REACH = 60;
const BISECTIONS = 60;
/** Largest z*(N) that the search considers, in units of 1 / beta. */
const MAX_CLIP_FACTOR = 40;

/** Parameters of the model; the density is in papers.md 2.4. */
export interface ActivationModel {
  /** Mode m of the pre-activation, in the unit of the values. */
  readonly location: number;
  /** lambda > 0, in 1 / unit. */
  readonly rate: number;
  /** kappa > 0; below 1 the right tail is the longer one. */
  readonly skew: number;
  /** Factor of negative values: 0 for ReLU, 0.1 for Darknet's leaky ReLU; in [0, 1]. */
  readonly slope: number;
}

/** A sample's mean and population variance. */
export interface SampleMoments {
  readonly mean: number;
  readonly variance: number;
}

/** What the fit keeps fixed. */
export interface ModelShape {
  /** Default 0, a ReLU. */
  readonly slope?: number;
  /** Default 0.5. */
  readonly skew?: number;
}

/** Distribution of the activation's output. Its mass at 0 is that of negative pre-activations if `slope` is 0. */
export function distributionOfModel(model: ActivationModel): ValueDistribution {
  const { location: m, rate, skew, slope } = model;
  const scale = rate / (skew + 1 / skew);
  const rising = { rate: -rate / skew, scale, anchor: m };
  const falling = { rate: rate * skew, scale, anchor: m };
  // Pre-activations rise up to the mode and fall from there.
  const negative: DensityPiece[] = [{ ...rising, from: Number.NEGATIVE_INFINITY, to: Math.min(m, 0) }];
  const positive: DensityPiece[] = [{ ...falling, from: Math.max(m, 0), to: Number.POSITIVE_INFINITY }];
  if (m < 0) negative.push({ ...falling, from: m, to: 0 });
  if (m > 0) positive.unshift({ ...rising, from: 0, to: m });
  const masses: PointMass[] = slope === 0 ? [{ value: 0, mass: negativeShare(model) }] : [];
  return { pieces: slope === 0 ? positive : [...negative.map(scaled(slope)), ...positive], masses };
}

/** The density of `slope` times a value. */
function scaled(slope: number): (piece: DensityPiece) => DensityPiece {
  return ({ from, to, anchor, scale, rate }) => ({
    from: from * slope,
    to: to * slope,
    anchor: anchor * slope,
    scale: scale / slope,
    rate: rate / slope,
  });
}

/** Share of negative pre-activations. */
function negativeShare({ location: m, rate, skew }: ActivationModel): number {
  if (m <= 0) return 1 - Math.exp(rate * skew * m) / (1 + skew ** 2);
  return (Math.exp(-(rate / skew) * m) * skew ** 2) / (1 + skew ** 2);
}

/** Mean and variance of the activation's output. */
export function momentsOfModel(model: ActivationModel): SampleMoments {
  return meanAndVariance(distributionOfModel(model));
}

/**
 * The model with a sample's mean and variance. The ratio of mean and deviation depends on location · rate alone
 * and grows with it, so one number is searched for and the scale follows.
 * @returns null if no model has that ratio, or the variance is not positive
 */
export function fitActivationModel(sample: SampleMoments, shape: ModelShape = {}): ActivationModel | null {
  const { slope = 0, skew = DEFAULT_SKEW } = shape;
  const target = sample.mean / Math.sqrt(sample.variance);
  const unit = (location: number): ActivationModel => ({ location, rate: 1, skew, slope });
  const ratio = (location: number): number => {
    const { mean, variance } = momentsOfModel(unit(location));
    return mean / Math.sqrt(variance);
  };
  let [low, high] = [-FIT_REACH, FIT_REACH];
  // Written so that NaN, from a variance of 0 or less, is refused too.
  if (!(sample.variance > 0 && target > ratio(low) && target < ratio(high))) return null;
  for (let round = 0; round < BISECTIONS; round++) {
    const middle = (low + high) / 2;
    if (ratio(middle) < target) low = middle;
    else high = middle;
  }
  const location = (low + high) / 2;
  const rate = Math.sqrt(momentsOfModel(unit(location)).variance / sample.variance);
  return { location: location / rate, rate, skew, slope };
}

/**
 * z*(N): the best upper clip limit for exponential values is z* times their mean (papers.md 2.4.4).
 * @param levelCount - 2 to 65,536
 */
export function clipFactor(levelCount: number): number {
  const exponential = {
    pieces: [{ from: 0, to: Number.POSITIVE_INFINITY, anchor: 0, scale: 1, rate: 1 }],
    masses: [],
  };
  const error = (high: number): number => {
    const { quantError, clipError } = uniformError(exponential, { levelCount, low: 0, high });
    return quantError + clipError;
  };
  return minimizeOnInterval(error, 1, MAX_CLIP_FACTOR);
}

/**
 * The best upper clip limit for ReLU-like features with a lower limit of 0, without a fit: z*(N) times the mean of
 * the positive values.
 */
export function clipLimitFromPositiveMean(levelCount: number, positiveMean: number): number {
  return clipFactor(levelCount) * positiveMean;
}

/** Upper clip limit of least squared error under the model, the lower one being 0. */
export function bestHighOfModel(model: ActivationModel, levelCount: number): number {
  const { location, rate, skew } = model;
  const universal = clipFactor(levelCount) / (rate * skew);
  if (location <= 0) return universal;
  // With its mode above 0 the positive part is no exponential: it is one beyond the mode.
  const distribution = distributionOfModel(model);
  const error = (high: number): number => totalError(distribution, levelCount, 0, high);
  return minimizeOnInterval(error, location / 2, location + universal);
}

/** Both clip limits of least squared error under the model. */
export function bestLimitsOfModel(
  model: ActivationModel,
  levelCount: number,
): { readonly low: number; readonly high: number } {
  const distribution = distributionOfModel(model);
  const high = bestHighOfModel(model, levelCount);
  const error = ([from, to]: readonly [number, number]): number =>
    from < to ? totalError(distribution, levelCount, from, to) : Number.POSITIVE_INFINITY;
  const [low, best] = minimizePair(error, [0, high], [high / 20, high / 20]);
  return { low, high: best };
}

function totalError(distribution: ValueDistribution, levelCount: number, low: number, high: number): number {
  const { quantError, clipError } = uniformError(distribution, { levelCount, low, high });
  return quantError + clipError;
}
