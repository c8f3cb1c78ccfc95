/**
 * What stands for quantization in steps of 1 while a latent is trained: uniform noise, which gives the rate a gradient
 * (Ballé et al., 2017), and rounding with the gradient of the identity, which the restoration gets to see towards the
 * end (mixed quantization: Minnen and Singh, 2020).
 */

import type { Graph, Value } from '../graph/graph.js';
import { add, mul, round, sub } from '../graph/operators.js';

/** The latent with noise. @param noise - of its shape, uniform in [-0.5, 0.5) */
export function withNoise(g: Graph, latent: Value, noise: Value): Value {
  return add(g, latent, noise);
}

/** The rounded latent; its gradient is that of the latent itself. */
export function straightThrough(g: Graph, latent: Value): Value {
  return add(g, latent, g.stopGradient(sub(g, round(g, latent), latent)));
}

/** From one (at 0) to the other (at 1). @param share - a scalar */
export function blend(g: Graph, from: Value, to: Value, share: Value): Value {
  return add(g, from, mul(g, share, sub(g, to, from)));
}
