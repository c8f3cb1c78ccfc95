/** What the network loses by a unit: distance to what it computes without one, or to the truth. */

import type { Graph, Value } from '../graph/graph.js';
import { add, exp, mul, reduceMean, reduceSum, scale, sub } from '../graph/operators.js';
import { allAxes } from '../graph/shapes.js';

/** A distortion. All are means over the batch. */
export type DistortionKind =
  /** Mean squared error of outputs, the same outputs of the network without a unit being the target. */
  | 'squared-error'
  /** Divergence of the classes' distribution from that without a unit, over the last axis. */
  | 'divergence';

/**
 * The distortion of an output.
 * @param output - of the tail with the unit, [N, …]
 * @param target - of the same shape, without the unit
 */
export function distortionOf(g: Graph, kind: DistortionKind, output: Value, target: Value): Value {
  switch (kind) {
    case 'squared-error':
      return meanSquaredError(g, output, target);
    case 'divergence':
      return divergence(g, output, target);
    default:
      return kind satisfies never;
  }
}

/** Mean over all elements, in two stages, which keep float32's digits. */
function meanSquaredError(g: Graph, a: Value, b: Value): Value {
  const difference = sub(g, a, b);
  const items = reduceMean(g, mul(g, difference, difference), allAxes(a.shape.length).slice(1), false);
  return reduceMean(g, items, [0], false);
}

/** Kullback-Leibler divergence in nats of softmax(output) from softmax(target), mean over all but the last axis. */
function divergence(g: Graph, output: Value, target: Value): Value {
  const logOutput = logSoftmax(g, output);
  const logTarget = logSoftmax(g, target);
  const terms = mul(g, exp(g, logTarget), sub(g, logTarget, logOutput));
  const rows = reduceSum(g, terms, [-1], false);
  return reduceMean(g, rows, allAxes(rows.shape.length), false);
}

/** Cross-entropy in nats of labels, mean over the batch. @param labels - one-hot or shares, of the output's shape */
export function crossEntropy(g: Graph, output: Value, labels: Value): Value {
  const rows = reduceSum(g, mul(g, labels, logSoftmax(g, output)), [-1], false);
  return scale(g, reduceMean(g, rows, allAxes(rows.shape.length), false), -1);
}

/** Weighted sum of terms. */
export function weightedSum(
  g: Graph,
  terms: readonly { readonly value: Value; readonly weight: number }[],
): Value {
  return terms.map(({ value, weight }) => scale(g, value, weight)).reduce((sum, term) => add(g, sum, term));
}

function logSoftmax(g: Graph, x: Value): Value {
  return g.apply('LogSoftmax', [x], { axis: -1 }, [{ dtype: x.dtype, shape: x.shape }])[0];
}
