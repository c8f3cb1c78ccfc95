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

/** Parameters of the factorized prior of a unit's latent. */
export function priorParameters({ latentShape, latentChannelAxis }: Unit): ParameterSpec[] {
  const shape = [latentShape[latentChannelAxis]];
  return [
    { name: 'prior.mean', shape, deviation: 0 },
    { name: 'prior.logScale', shape, deviation: 0, mean: INITIAL_LOG_SCALE },
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
  unit: Unit,
  parameters: Parameters,
  stepSize?: Value,
): Value {
  const channels = latent.shape.map((length, axis) => (axis === unit.latentChannelAxis + 1 ? length : 1));
  const centered = sub(g, latent, reshape(g, parameterOf(parameters, 'prior.mean'), channels));
  const logScale = reshape(g, parameterOf(parameters, 'prior.logScale'), channels);
  const inverse = exp(g, negate(g, logScale));
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
