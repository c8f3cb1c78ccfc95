/** Gradients of reductions; axes are constant inputs (normal-forms.ts). */

import type { Graph, Operation, Value } from '../graph/graph.js';
import { integersOf } from '../graph/normal-forms.js';
import {
  cast,
  div,
  equal,
  exp,
  expand,
  mul,
  reduceSum,
  reshape,
  scale,
  sign,
  sub,
} from '../graph/operators.js';
import { normalizedAxes, reducedShape } from '../graph/shapes.js';
import { type GradientRule, inputOf, ofFirstOutput, outputOf } from './rule.js';

/** What the rule of a reduction works with; `y` and `dy` have the reduced axes at length 1. */
interface Reduced {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
  readonly axes: readonly number[];
}

function ofReduction(rule: (g: Graph, reduced: Reduced) => Value): GradientRule {
  return ofFirstOutput((g, operation, dy) => [
    () => {
      const x = inputOf(operation, 0);
      const axes = axesOf(g, operation);
      const kept = reducedShape(x.shape, axes, true);
      const y = reshape(g, outputOf(operation), kept);
      return rule(g, { x, y, dy: reshape(g, dy, kept), axes });
    },
  ]);
}

function axesOf(g: Graph, operation: Operation): number[] {
  const what = `axes of ${operation.opType} '${operation.name}'`;
  return normalizedAxes(integersOf(g, inputOf(operation, 1), what), inputOf(operation, 0).shape.length);
}

/** Elements that attain the extremum share its gradient. */
const extremum = ofReduction((g, { x, y, dy, axes }) => {
  const attaining = cast(g, equal(g, x, y), x.dtype);
  return mul(g, attaining, div(g, dy, reduceSum(g, attaining, axes)));
});

export const REDUCTION_RULES: Readonly<Record<string, GradientRule>> = {
  ReduceL1: ofReduction((g, { x, dy }) => mul(g, dy, sign(g, x))),
  ReduceL2: ofReduction((g, { x, y, dy }) => mul(g, x, div(g, dy, y))),
  ReduceLogSumExp: ofReduction((g, { x, y, dy }) => mul(g, dy, exp(g, sub(g, x, y)))),
  ReduceMax: extremum,
  ReduceMean: ofReduction((g, { x, dy, axes }) => {
    const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
    return expand(g, scale(g, dy, 1 / count), x.shape);
  }),
  ReduceMin: extremum,
  ReduceSum: ofReduction((g, { x, dy }) => expand(g, dy, x.shape)),
  ReduceSumSquare: ofReduction((g, { x, dy }) => mul(g, x, scale(g, dy, 2))),
};
