/**
 * Searches clip limits of least squared error, or of least error and penalty, from streaming statistics: by the
 * asymmetric Laplace model where it describes the values (paper B, `activation-model.ts`), by search on the
 * measured histogram where it does not. What the choice comes to in words is for `range-design.ts`. Encoding only.
 */

import {
  type ActivationModel,
  bestHighOfModel,
  bestLimitsOfModel,
  distributionOfModel,
  fitActivationModel,
} from './activation-model.js';
import { checkLevelCount, clampLimit } from './affine.js';
import { cellMoments, meanAndVariance, supportOf, type ValueDistribution } from './distribution.js';
import { minimizeOnInterval, minimizePair } from './minimize.js';
import { distributionOfStatistics, type FeatureStatistics, varianceOf } from './statistics.js';
import { type SplitError, type UniformLevels, uniformError } from './uniform-error.js';

/** What stands before the split point. Only ReLU and leaky ReLU have a model. */
export type ActivationKind =
  | 'auto'
  | 'relu'
  | 'leaky-relu'
  | 'relu6'
  | 'h-swish'
  | 'silu'
  | 'gelu'
  | 'signed';

/** What to search for. */
export interface RangeSearchOptions {
  /** 2 to 65,536. */
  readonly levelCount: number;
  /** Default `auto`: the signs of the values decide which models are tried. */
  readonly activation?: ActivationKind;
  /** Factor of negative values of a leaky ReLU; default 0.1. */
  readonly slope?: number;
  /** `auto` (default) takes the model only where it fits; the others take one of the two in any case. */
  readonly method?: 'auto' | 'model' | 'empirical';
  /**
   * `zero` keeps 0 as the lower limit, and so zeros exact; `free` searches both. Default: `zero` for ReLU and ReLU6
   * and for values that are zeros and positive, else `free`.
   */
  readonly lowLimit?: 'zero' | 'free';
}

/** What limits cost beside their squared error, under a distribution; from outside, since quantizing needs none. */
export type Penalty = (distribution: ValueDistribution, levels: UniformLevels) => number;

/** Limits under one distribution. */
export interface Limits {
  readonly low: number;
  readonly high: number;
}

/** One search: levels, penalty and the lower limit are settled. */
interface Task {
  readonly levelCount: number;
  readonly penalty: Penalty | undefined;
  readonly lowLimit: 'zero' | 'free';
}

/** A model with its best limits. */
export interface ModelDesign extends Limits {
  readonly model: ActivationModel;
  /** Mean squared error at the limits by the model, and by the histogram. */
  readonly predicted: SplitError;
  readonly measured: SplitError;
}

/** How well a model describes the values at its limits. */
export interface ModelFit {
  /** What the predicted error exceeds the measured one by, as a share. */
  readonly off: number;
  /** What the cost by the histogram exceeds the least one by, as a share. */
  readonly excess: number;
  /** Whether both are small enough to take the model. */
  readonly isGood: boolean;
}

/** Limits in float32, low below high, and what they were chosen by. */
export interface RangeSearch extends Limits {
  readonly method: 'model' | 'empirical' | 'constant';
  readonly histogram: ValueDistribution;
  /** The model that was tried, where there was one. */
  readonly tried: ModelDesign | null;
  /** Its fit, where that decided. */
  readonly fit: ModelFit | null;
}

/** A model is taken if the error it predicts at its limits is that near the measured one … */
export const PREDICTION_TOLERANCE = 0.25;
/** … and the measured error at its limits exceeds the least one by no more than this share. */
export const EXCESS_TOLERANCE = 0.05;
/** Slopes tried for values of both signs: Darknet's, the usual default, and a steep one. */
const SLOPES = [0.1, 0.01, 0.2];
/** Limits tried in the first search: a third of an octave apart, over this many octaves. */
const SCAN_STEPS = 42;
const SCAN_FACTOR = 2 ** (-1 / 3);
/** Relative precision of limits, and of the least error, that a search on measured values is taken to. */
const LIMIT_TOLERANCE = 1e-5;
const ERROR_TOLERANCE = 1e-7;
/** Values below the deviation by this factor times the levels are described by one piece for each sign. */
const FINEST_FACTOR = 8;
/** A range around a single value, relative to it. */
const CONSTANT_WIDTH = 2 ** -10;
const LEAST_WIDTH = 2 ** -100;

/**
 * Searches clip limits for a uniform quantizer whose outer levels are the limits.
 * @throws {RangeError} if an option is out of range or there is no finite value
 */
export function searchRange(
  statistics: FeatureStatistics,
  options: RangeSearchOptions,
  penalty?: Penalty,
): RangeSearch {
  const task = { ...taskOf(statistics, options), penalty };
  const { method = 'auto' } = options;
  const finest = Math.sqrt(varianceOf(statistics)) / (FINEST_FACTOR * task.levelCount);
  const histogram = distributionOfStatistics(statistics, finest);
  const found = { histogram, tried: null, fit: null };
  const { low, high } = statistics;
  if (low === high) {
    const width = Math.max(Math.abs(low) * CONSTANT_WIDTH, LEAST_WIDTH);
    return { ...found, method: 'constant', ...inFloat32({ low, high: low + width }) };
  }
  const tried = method === 'empirical' ? null : modelDesign(statistics, histogram, task, options);
  if (tried && method === 'model') return { ...found, method, tried, ...inFloat32(tried) };
  const limits = bestLimits(histogram, task);
  const fit = tried && fitOf(tried, limits, histogram, task);
  return tried && fit?.isGood
    ? { method: 'model', histogram, tried, fit, ...inFloat32(tried) }
    : { method: 'empirical', histogram, tried, fit, ...inFloat32(limits) };
}

function inFloat32({ low, high }: Limits): Limits {
  return { low: Math.fround(clampLimit(low)) + 0, high: Math.fround(clampLimit(high)) };
}

function taskOf(statistics: FeatureStatistics, options: RangeSearchOptions): Omit<Task, 'penalty'> {
  const { levelCount, activation } = options;
  checkLevelCount(levelCount);
  if (statistics.count === 0) throw new RangeError('statistics expected a finite value, got none');
  const rectified = activation === 'relu' || activation === 'relu6';
  const positive = statistics.low >= 0 && (rectified || statistics.zeroCount > 0);
  const fallback = positive || (rectified && statistics.high > 0) ? 'zero' : 'free';
  // With no positive value there is no range above 0.
  const lowLimit = statistics.high > 0 ? (options.lowLimit ?? fallback) : 'free';
  return { levelCount, lowLimit };
}

/** The model with the sample's mean and variance; where several slopes are possible, the nearest one. */
function modelDesign(
  statistics: FeatureStatistics,
  histogram: ValueDistribution,
  task: Task,
  options: RangeSearchOptions,
): ModelDesign | null {
  const sample = { mean: statistics.mean, variance: varianceOf(statistics) };
  const models = slopesOf(statistics, options).flatMap(
    (slope) => fitActivationModel(sample, { slope }) ?? [],
  );
  if (models.length === 0) return null;
  const model = models.reduce((a, b) => (slopeMisfit(b, histogram) < slopeMisfit(a, histogram) ? b : a));
  const limits = limitsOfModel(model, task);
  const levels = { ...limits, levelCount: task.levelCount };
  const predicted = uniformError(distributionOfModel(model), levels);
  return { ...limits, model, predicted, measured: uniformError(histogram, levels) };
}

/** Slopes of the models of an activation; none for one without a model. */
export function slopesOf(
  { low }: FeatureStatistics,
  { activation = 'auto', slope = 0.1 }: RangeSearchOptions,
): number[] {
  switch (activation) {
    case 'auto':
      return low >= 0 ? [0] : SLOPES;
    case 'relu':
      return [0];
    case 'leaky-relu':
      return [slope];
    case 'relu6':
    case 'h-swish':
    case 'silu':
    case 'gelu':
    case 'signed':
      return [];
    default:
      throw new TypeError(`activation expected the name of one, got ${activation satisfies never}`);
  }
}

function limitsOfModel(model: ActivationModel, task: Task): Limits {
  if (task.penalty) return bestLimits(distributionOfModel(model), task);
  if (task.lowLimit === 'free') return bestLimitsOfModel(model, task.levelCount);
  return { low: 0, high: bestHighOfModel(model, task.levelCount) };
}

/** How far the size of the model's negative values, which its slope alone scales, is from that of the measured ones. */
function slopeMisfit(model: ActivationModel, histogram: ValueDistribution): number {
  const negativeSquare = (values: ValueDistribution): number => cellMoments(values, [0]).second[0];
  return Math.abs(Math.log(negativeSquare(distributionOfModel(model)) / negativeSquare(histogram)));
}

function fitOf(design: ModelDesign, empirical: Limits, histogram: ValueDistribution, task: Task): ModelFit {
  const off = sum(design.predicted) / sum(design.measured) - 1;
  const cost = objective(histogram, task);
  const excess = cost(design.low, design.high) / cost(empirical.low, empirical.high) - 1;
  return { off, excess, isGood: Math.abs(off) <= PREDICTION_TOLERANCE && excess <= EXCESS_TOLERANCE };
}

/** Cost of limits; +Infinity where they are none. */
function objective(
  distribution: ValueDistribution,
  { levelCount, penalty }: Task,
): (low: number, high: number) => number {
  return (low, high) => {
    if (!(low < high)) return Number.POSITIVE_INFINITY;
    const levels = { levelCount, low, high };
    const error = sum(uniformError(distribution, levels));
    return penalty ? error + penalty(distribution, levels) : error;
  };
}

/**
 * Limits of least cost. Measured distributions have many local minima, so a scan from the extremes inwards comes
 * first and a descent from its best point afterwards; the extremes themselves are among what is compared.
 */
function bestLimits(distribution: ValueDistribution, task: Task): Limits {
  const cost = objective(distribution, task);
  const support = supportOf(distribution);
  if (task.lowLimit === 'zero') return { low: 0, high: bestEnd(support.high, 0, (high) => cost(0, high)) };
  const center = meanAndVariance(distribution).mean;
  const { low, high } = scanLimits(support, center, cost);
  const reach = (high - low) / 10;
  const found = minimizePair(([from, to]) => cost(from, to), [low, high], [reach, -reach], ERROR_TOLERANCE);
  return cost(found[0], found[1]) < cost(low, high) ? { low: found[0], high: found[1] } : { low, high };
}

/** A good start: both limits moved inwards together first, then each by itself. */
function scanLimits(support: Limits, center: number, cost: (low: number, high: number) => number): Limits {
  const [below, above] = [support.low - center, support.high - center];
  const share = bestEnd(1, 0, (s) => cost(center + s * below, center + s * above));
  let [low, high] = [center + share * below, center + share * above];
  for (let round = 0; round < 2; round++) {
    high = bestEnd(support.high, Math.max(center, low), (end) => cost(low, end));
    low = bestEnd(support.low, Math.min(center, high), (end) => cost(end, high));
  }
  return { low, high };
}

/** The best point between `extreme` and `center`, both included. */
function bestEnd(extreme: number, center: number, cost: (end: number) => number): number {
  const at = (step: number): number => center + (extreme - center) * SCAN_FACTOR ** step;
  let best = 0;
  let least = cost(extreme);
  for (let step = 1; step <= SCAN_STEPS; step++) {
    const found = cost(at(step));
    if (found >= least) continue;
    best = step;
    least = found;
  }
  const [near, far] = [at(best + 1), at(Math.max(0, best - 1))];
  const refined = minimizeOnInterval(cost, Math.min(near, far), Math.max(near, far), LIMIT_TOLERANCE);
  return cost(refined) < least ? refined : at(best);
}

export function sum({ quantError, clipError }: SplitError): number {
  return quantError + clipError;
}
