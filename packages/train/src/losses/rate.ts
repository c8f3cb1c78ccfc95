/**
 * The rate of a latent, estimated for training. The factorized prior has a logistic distribution for each channel with
 * learned mean and scale; an element costs -log2 of the probability of its step (Ballé et al., 2018). What a frame
 * takes in the end is measured; the coder's contexts find more than this estimate knows.
 */

import type { Graph, Value } from '../graph/graph.js';
import {
  abs,
  add,
  div,
  exp,
  log,
  maximum,
  mul,
  negate,
  reduceSum,
  reshape,
  scale,
  sigmoid,
  sign,
  sub,
} from '../graph/operators.js';
import { allAxes } from '../graph/shapes.js';
import { type ParameterSpec, type Parameters, parameterOf } from '../units/parameters.js';
import type { Unit } from '../units/unit.js';

/** Least probability of an element: 30 bits. */
const LEAST_PROBABILITY = 2 ** -30;
/** Log of the scale that training starts from; the latent then has a deviation of about 1.8 times its exponential. */
const INITIAL_LOG_SCALE = 0;

/**
 * Parameters of a factorized prior.
 * @param channels - of the latent, each with a distribution
 * @param name - that of the parameters begins with, `prior` by default
 */
export function priorParameters(channels: number, name = 'prior'): ParameterSpec[] {
  return [
    { name: `${name}.mean`, shape: [channels], deviation: 0 },
    { name: `${name}.logScale`, shape: [channels], deviation: 0, mean: INITIAL_LOG_SCALE },
  ];
}

/**
 * Bits of a latent under the factorized prior, per item of the batch.
 * @param latent - [N, …] with noise
 * @param stepSize - [N, 1, …]; steps of 1 without it
 */
export function priorBits(
  g: Graph,
  latent: Value,
  { latentChannelAxis }: Pick<Unit, 'latentChannelAxis'>,
  parameters: Parameters,
  stepSize?: Value,
): Value {
  return logisticBits(g, latent, channelPrior(g, latent, latentChannelAxis, parameters), stepSize);
}

/** A logistic distribution for each element; both broadcast to the latent's shape. */
export interface LogisticPrior {
  readonly mean: Value;
  /** Natural logarithm of the scale. */
  readonly logScale: Value;
}

/**
 * The distributions of `priorParameters`.
 * @param latent - [N, …], whose shape they are to broadcast to
 * @param channelAxis - of the latent without the batch
 * @param name - of the parameters, `prior` by default
 */
export function channelPrior(
  g: Graph,
  latent: Value,
  channelAxis: number,
  parameters: Parameters,
  name = 'prior',
): LogisticPrior {
  const channels = latent.shape.map((length, axis) => (axis === channelAxis + 1 ? length : 1));
  return {
    mean: reshape(g, parameterOf(parameters, `${name}.mean`), channels),
    logScale: reshape(g, parameterOf(parameters, `${name}.logScale`), channels),
  };
}

/**
 * Bits of a latent whose elements are independent and logistic, per item of the batch.
 * @param latent, stepSize - as in `priorBits`
 */
export function logisticBits(g: Graph, latent: Value, prior: LogisticPrior, stepSize?: Value): Value {
  const centered = sub(g, latent, prior.mean);
  const inverse = exp(g, negate(g, prior.logScale));
  const half = stepSize ? scale(g, stepSize, 0.5) : g.scalar(0.5);
  // Both bounds on the side where the sigmoid is small: their difference keeps its digits.
  const side = g.stopGradient(negate(g, sign(g, centered)));
  const upper = sigmoid(g, mul(g, side, mul(g, add(g, centered, half), inverse)));
  const lower = sigmoid(g, mul(g, side, mul(g, sub(g, centered, half), inverse)));
  const probability = maximum(g, abs(g, sub(g, upper, lower)), g.scalar(LEAST_PROBABILITY));
  return perItem(g, scale(g, log(g, probability), -1 / Math.LN2));
}

/**
 * Sum of the absolute values of a latent in steps, per item of the batch: the rate term of the first published units.
 * @param stepSize - as in `priorBits`
 */
export function absoluteSum(g: Graph, latent: Value, stepSize?: Value): Value {
  return perItem(g, abs(g, stepSize ? div(g, latent, stepSize) : latent));
}

/** Sum over all axes but the first, then the mean over it: two stages, which keep float32's digits. */
function perItem(g: Graph, elements: Value): Value {
  const sums = reduceSum(g, elements, allAxes(elements.shape.length).slice(1), false);
  return scale(g, reduceSum(g, sums, [0], false), 1 / elements.shape[0]);
}
