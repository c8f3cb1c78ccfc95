/**
 * Gradients of normalization. With n = (x - mean) / deviation over some axes and g = dy · scale, the gradient with
 * respect to x is (g - mean(g) - n · mean(g · n)) / deviation where the statistics are those of x itself (Ioffe and
 * Szegedy, 2015), and g / deviation where they are given.
 */

import { floatAttribute, intAttribute } from '../graph/attributes.js';
import type { Graph, Value } from '../graph/graph.js';
import {
  add,
  mul,
  reciprocal,
  reduceMean,
  reduceSum,
  reshape,
  sqrt,
  sub,
  sumToShape,
} from '../graph/operators.js';
import { allAxes } from '../graph/shapes.js';
import { type GradientRule, inputOf, lazily, ofFirstOutput, type Pullback } from './rule.js';

/** Normalized values and the reciprocal of the deviation. */
interface Normalized {
  readonly values: Value;
  readonly inverse: Value;
}

function inverseDeviation(g: Graph, variance: Value, epsilon: number): Value {
  return reciprocal(g, sqrt(g, add(g, variance, g.scalar(epsilon, variance.dtype))));
}

/** Normalizes x by its own mean and variance over axes. */
function normalize(g: Graph, x: Value, axes: readonly number[], epsilon: number): Normalized {
  const centered = sub(g, x, reduceMean(g, x, axes));
  const inverse = inverseDeviation(g, reduceMean(g, mul(g, centered, centered), axes), epsilon);
  return { values: mul(g, centered, inverse), inverse };
}

/** The gradient with respect to x of values normalized over axes; `dn` is that with respect to them. */
function throughStatistics(
  g: Graph,
  { values, inverse }: Normalized,
  dn: Value,
  axes: readonly number[],
): Value {
  const along = mul(g, values, reduceMean(g, mul(g, dn, values), axes));
  return mul(g, inverse, sub(g, sub(g, dn, reduceMean(g, dn, axes)), along));
}

/** Per-channel parameters [C] as [1, C, 1, …] beside x. */
function perChannel(g: Graph, parameter: Value, rank: number): Value {
  return reshape(g, parameter, [1, parameter.shape[0], ...new Array<number>(Math.max(0, rank - 2)).fill(1)]);
}

/** Inputs x, scale, bias, mean, variance; in training mode the statistics are those of the batch. */
const batchNormalization: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [x, gamma, mean, variance] = [0, 1, 3, 4].map((position) => inputOf(operation, position));
  const epsilon = floatAttribute(operation.attributes, 'epsilon', 1e-5);
  const rank = x.shape.length;
  const others = allAxes(rank).filter((axis) => axis !== 1);
  const dn = lazily(() => mul(g, dy, perChannel(g, gamma, rank)));
  const toParameter =
    (make: () => Value): Pullback =>
    () =>
      reduceSum(g, make(), others, false);
  if (intAttribute(operation.attributes, 'training_mode', 0) === 1) {
    const normalized = lazily(() => normalize(g, x, others, epsilon));
    return [
      () => throughStatistics(g, normalized(), dn(), others),
      toParameter(() => mul(g, dy, normalized().values)),
      toParameter(() => dy),
    ];
  }
  const inverse = lazily(() => perChannel(g, inverseDeviation(g, variance, epsilon), rank));
  const values = lazily(() => mul(g, sub(g, x, perChannel(g, mean, rank)), inverse()));
  return [
    () => mul(g, dn(), inverse()),
    toParameter(() => mul(g, dy, values())),
    toParameter(() => dy),
    null,
    null,
  ];
});

/** Over all axes from `axis` on; scale and bias broadcast. */
const layerNormalization: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [x, gamma] = [inputOf(operation, 0), inputOf(operation, 1)];
  const beta = operation.inputs[2];
  const axis = intAttribute(operation.attributes, 'axis', -1);
  const axes = allAxes(x.shape.length).slice(axis);
  const normalized = lazily(() =>
    normalize(g, x, axes, floatAttribute(operation.attributes, 'epsilon', 1e-5)),
  );
  return [
    () => throughStatistics(g, normalized(), mul(g, dy, gamma), axes),
    () => sumToShape(g, mul(g, dy, normalized().values), gamma.shape),
    beta ? () => sumToShape(g, dy, beta.shape) : null,
  ];
});

/** Over the spatial axes of each channel. */
const instanceNormalization: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [x, gamma] = [inputOf(operation, 0), inputOf(operation, 1)];
  const rank = x.shape.length;
  const spatial = allAxes(rank).slice(2);
  const others = [0, ...spatial];
  const normalized = lazily(() =>
    normalize(g, x, spatial, floatAttribute(operation.attributes, 'epsilon', 1e-5)),
  );
  return [
    () => throughStatistics(g, normalized(), mul(g, dy, perChannel(g, gamma, rank)), spatial),
    () => reduceSum(g, mul(g, dy, normalized().values), others, false),
    () => reduceSum(g, dy, others, false),
  ];
});

export const NORMALIZATION_RULES: Readonly<Record<string, GradientRule>> = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
};
