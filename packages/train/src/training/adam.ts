/** Adam (Kingma and Ba, 2015) on one vector, with clipping of its gradient, as operations of the training step. */

import type { Graph, Value } from '../graph/graph.js';
import { add, div, minimum, mul, reduceSum, scale, sqrt, sub } from '../graph/operators.js';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Parameters and the running means of their gradient and its square; vectors of one length. */
export interface AdamState {
  readonly parameters: Value;
  readonly firstMoment: Value;
  readonly secondMoment: Value;
}

/** Scalars of a step, made by `adamCorrections` and the schedule. */
export interface AdamScalars {
  readonly learningRate: Value;
  readonly firstCorrection: Value;
  readonly secondCorrection: Value;
}

/** What the moments of step `step` (from 0) are multiplied by, since they start at 0. */
export function adamCorrections(step: number): { first: number; second: number } {
  return { first: 1 / (1 - BETA1 ** (step + 1)), second: 1 / (1 - BETA2 ** (step + 1)) };
}

/**
 * The next state.
 * @param gradient - a vector
 * @param maxNorm - Euclidean norm that the gradient is scaled down to if it is longer
 */
export function adamStep(
  g: Graph,
  state: AdamState,
  gradient: Value,
  scalars: AdamScalars,
  maxNorm: number,
): AdamState {
  const clipped = clipNorm(g, gradient, maxNorm);
  const firstMoment = movingMean(g, state.firstMoment, clipped, BETA1);
  const secondMoment = movingMean(g, state.secondMoment, mul(g, clipped, clipped), BETA2);
  const mean = mul(g, firstMoment, scalars.firstCorrection);
  const deviation = sqrt(g, mul(g, secondMoment, scalars.secondCorrection));
  const change = mul(g, scalars.learningRate, div(g, mean, add(g, deviation, g.scalar(EPSILON))));
  return { parameters: sub(g, state.parameters, change), firstMoment, secondMoment };
}

function movingMean(g: Graph, mean: Value, value: Value, keep: number): Value {
  return add(g, scale(g, mean, keep), scale(g, value, 1 - keep));
}

function clipNorm(g: Graph, gradient: Value, maxNorm: number): Value {
  const norm = sqrt(g, add(g, reduceSum(g, mul(g, gradient, gradient), [0], false), g.scalar(1e-12)));
  return mul(g, gradient, minimum(g, g.scalar(1), div(g, g.scalar(maxNorm), norm)));
}
