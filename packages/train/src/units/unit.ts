/**
 * A bottleneck unit: a trained pair at the split point. The reduction takes the feature to a latent that is quantized
 * in steps of 1, the restoration takes the dequantized latent to a tensor of exactly the feature's shape.
 */

import type { Shape } from '@featherwire/tensor';
import type { Graph, Value } from '../graph/graph.js';
import type { ParameterSpec, Parameters } from './parameters.js';

/** A unit of some architecture; shapes are without the batch. */
export interface Unit {
  readonly featureShape: Shape;
  readonly latentShape: Shape;
  /** Axis of the latent, without the batch, whose entries have a distribution each. */
  readonly latentChannelAxis: number;
  /** Parameters of the reduction, then of the restoration. */
  readonly parameters: readonly ParameterSpec[];
  /** The latent [N, …] of a feature [N, …]. */
  reduce(g: Graph, feature: Value, parameters: Parameters): Value;
  /** The restored feature [N, …] of a latent [N, …]. */
  restore(g: Graph, latent: Value, parameters: Parameters): Value;
}
