/**
 * Designs of clip limits for who wants to know more of them than a quantizer needs: which way of `range-search.ts` was
 * taken and why, and what error and rate are expected of them. Encoding only.
 */

import type { ActivationModel } from './activation-model.js';
import {
  EXCESS_TOLERANCE,
  type ModelDesign,
  type ModelFit,
  type Penalty,
  PREDICTION_TOLERANCE,
  type RangeSearch,
  type RangeSearchOptions,
  searchRange,
  slopesOf,
  sum,
} from './range-search.js';
import { type FeatureStatistics, varianceOf } from './statistics.js';
import { type SplitError, uniformError, uniformRate } from './uniform-error.js';

/** What to design for. */
export interface RangeDesignOptions extends RangeSearchOptions {
  /** Squared error that a bit per element may cost; default 0. */
  readonly lambda?: number;
}

/** Clip limits and how they were found. */
export interface RangeDesign {
  /** float32 values, low below high. */
  readonly low: number;
  readonly high: number;
  readonly method: 'model' | 'empirical' | 'constant';
  /** The fitted model that was tried, where there was one. */
  readonly model: ActivationModel | null;
  /** Why this method, with numbers. */
  readonly reason: string;
  /** Mean squared error by the method's own distribution: of the model, or of the histogram. */
  readonly predicted: SplitError;
  /** Mean squared error by the histogram. */
  readonly measured: SplitError;
  /** Estimated bits per element by the histogram. */
  readonly rate: number;
}

/**
 * Designs clip limits for a uniform quantizer whose outer levels are the limits.
 * @throws {RangeError} if an option is out of range, if there is no finite value, or if `method` is `model` and no
 * model has the sample's mean and variance
 */
export function designRange(statistics: FeatureStatistics, options: RangeDesignOptions): RangeDesign {
  const { lambda = 0, slope = 0.1 } = options;
  if (!(lambda >= 0 && Number.isFinite(lambda)))
    throw new RangeError(`lambda expected a number of at least 0, got ${lambda}`);
  if (!(slope > 0 && slope <= 1)) throw new RangeError(`slope expected a number in (0, 1], got ${slope}`);
  const penalty: Penalty = (distribution, levels) => lambda * uniformRate(distribution, levels);
  const search = searchRange(statistics, options, lambda > 0 ? penalty : undefined);
  const { low, high, method, histogram, tried } = search;
  if (options.method === 'model' && method === 'empirical')
    throw new RangeError(
      `statistics expected those of a model of ${kindOf(options)}, got ${tell(statistics)}`,
    );
  const levels = { levelCount: options.levelCount, low, high };
  const measured = uniformError(histogram, levels);
  return {
    low,
    high,
    method,
    model: tried?.model ?? null,
    reason: reasonOf(search, statistics, options),
    predicted: method === 'model' && tried ? tried.predicted : measured,
    measured,
    rate: uniformRate(histogram, levels),
  };
}

/** Why the limits are these, with the numbers that decided it. */
function reasonOf(
  { method, tried, fit }: RangeSearch,
  statistics: FeatureStatistics,
  options: RangeDesignOptions,
): string {
  if (method === 'constant') return `all values are ${number(statistics.low)}`;
  if (tried && fit) return reasonOfFit(tried, fit);
  const { method: asked = 'auto' } = options;
  if (asked !== 'auto') return 'as asked for';
  const none = `no model of ${kindOf(options)}`;
  return slopesOf(statistics, options).length === 0 ? none : `${none} has ${tell(statistics)}`;
}

function reasonOfFit({ model, predicted, measured }: ModelDesign, { off, excess, isGood }: ModelFit): string {
  const name = `asymmetric Laplace with slope ${model.slope}`;
  const numbers = `${name} predicts an error of ${number(sum(predicted))} where the histogram has ${number(sum(measured))} (${percent(off)})`;
  const compared = `its limits cost ${percent(excess)} against the empirical ones`;
  const bounds = `allowed are ${percent(PREDICTION_TOLERANCE)} and ${percent(EXCESS_TOLERANCE)}`;
  return isGood ? `${numbers}, ${compared}` : `${numbers}, ${compared}; ${bounds}`;
}

function kindOf({ activation = 'auto' }: RangeDesignOptions): string {
  return activation === 'auto' ? 'a ReLU or leaky ReLU' : activation;
}

function tell(statistics: FeatureStatistics): string {
  return `mean ${number(statistics.mean)} and variance ${number(varianceOf(statistics))}`;
}

function number(value: number): string {
  return value.toPrecision(4);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
