/**
 * What stands for quantization in steps, of 1 or of each item's own, while a latent is trained: uniform noise, which gives the rate a gradient
 * (Ballé et al., 2017), and rounding with the gradient of the identity, which the restoration gets to see towards the
 * end (mixed quantization: Minnen and Singh, 2020).
 */

import type { Graph, Value } from '../graph/graph.js';
import { add, div, mul, round, sub } from '../graph/operators.js';

/**
 * The latent with noise as wide as a step.
 * @param noise - of the latent's shape, uniform in [-0.5, 0.5)
 * @param stepSize - [N, 1, …]; steps of 1 without it
 */
export function withNoise(g: Graph, latent: Value, noise: Value, stepSize?: Value): Value {
  return add(g, latent, stepSize ? mul(g, noise, stepSize) : noise);
}

/** The latent rounded to steps; its gradient is that of the latent itself. @param stepSize - as in `withNoise` */
export function straightThrough(g: Graph, latent: Value, stepSize?: Value): Value {
  const rounded = stepSize ? mul(g, round(g, div(g, latent, stepSize)), stepSize) : round(g, latent);
  return add(g, latent, g.stopGradient(sub(g, rounded, latent)));
}

/** From one (at 0) to the other (at 1). @param share - a scalar */
export function blend(g: Graph, from: Value, to: Value, share: Value): Value {
  return add(g, from, mul(g, share, sub(g, to, from)));
}
