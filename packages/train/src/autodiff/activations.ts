/** Gradients of activation functions. At a kink the derivative is that of the side towards zero. */

import { floatAttribute, stringAttribute } from '../graph/attributes.js';
import type { Graph, Operation, Value } from '../graph/graph.js';
import {
  add,
  and,
  cast,
  exp,
  greater,
  less,
  mul,
  scale,
  sigmoid,
  sub,
  sumToShape,
  tanh,
  where,
} from '../graph/operators.js';
import { type GradientRule, inputOf, ofFirstOutput, outputOf } from './rule.js';

/** A rule from the derivative of the function: the gradient is `dy` times it. */
function byDerivative(
  derivative: (g: Graph, x: Value, y: Value, operation: Operation) => Value,
): GradientRule {
  return ofFirstOutput((g, operation, dy) => [
    () => mul(g, dy, derivative(g, inputOf(operation, 0), outputOf(operation), operation)),
  ]);
}

function number(g: Graph, like: Value, value: number): Value {
  return g.scalar(value, like.dtype);
}

/** 1 where x lies strictly between two numbers, else 0. */
function between(g: Graph, x: Value, low: number, high: number): Value {
  return cast(g, and(g, greater(g, x, number(g, x, low)), less(g, x, number(g, x, high))), x.dtype);
}

/** 1 - y ** 2. */
function oneMinusSquare(g: Graph, y: Value): Value {
  return sub(g, number(g, y, 1), mul(g, y, y));
}

/** y * (1 - y). */
function logisticSlope(g: Graph, y: Value): Value {
  return mul(g, y, sub(g, number(g, y, 1), y));
}

/** Density of the standard normal distribution. */
function normalDensity(g: Graph, x: Value): Value {
  return scale(g, exp(g, scale(g, mul(g, x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
}

function erf(g: Graph, x: Value): Value {
  return g.apply('Erf', [x], {}, [x])[0];
}

const clip: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [x, low, high] = operation.inputs;
  return [
    () => {
      let passed = dy;
      const zero = number(g, dy, 0);
      if (low) passed = where(g, greater(g, x!, low), passed, zero);
      if (high) passed = where(g, less(g, x!, high), passed, zero);
      return passed;
    },
  ];
});

const pRelu: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [x, slope] = [inputOf(operation, 0), inputOf(operation, 1)];
  const zero = number(g, x, 0);
  return [
    () => where(g, less(g, x, zero), mul(g, dy, slope), dy),
    () => sumToShape(g, where(g, less(g, x, zero), mul(g, dy, x), zero), slope.shape),
  ];
});

/** Slope 1/6 between -3 and 3 is the default of HardSwish's own gate. */
const HARD_SWISH_BOUND = 3;

const gelu = byDerivative((g, x, _, operation) => {
  const half = number(g, x, 0.5);
  if (stringAttribute(operation.attributes, 'approximate', 'none') === 'tanh') {
    // y = x/2 (1 + tanh u) with u = sqrt(2/pi) (x + 0.044715 x^3)
    const factor = Math.sqrt(2 / Math.PI);
    const square = mul(g, x, x);
    const inner = scale(g, mul(g, x, add(g, scale(g, square, 0.044715), number(g, x, 1))), factor);
    const t = tanh(g, inner);
    const innerSlope = scale(g, add(g, scale(g, square, 3 * 0.044715), number(g, x, 1)), factor);
    const gate = scale(g, add(g, t, number(g, x, 1)), 0.5);
    return add(g, gate, mul(g, mul(g, half, x), mul(g, oneMinusSquare(g, t), innerSlope)));
  }
  const gate = scale(g, add(g, erf(g, scale(g, x, Math.SQRT1_2)), number(g, x, 1)), 0.5);
  return add(g, gate, mul(g, x, normalDensity(g, x)));
});

export const ACTIVATION_RULES: Readonly<Record<string, GradientRule>> = {
  Clip: clip,
  Elu: byDerivative((g, x, y, { attributes }) => {
    const alpha = floatAttribute(attributes, 'alpha', 1);
    const one = number(g, x, 1);
    return where(g, less(g, x, number(g, x, 0)), add(g, y, number(g, x, alpha)), one);
  }),
  Erf: byDerivative((g, x) => scale(g, exp(g, scale(g, mul(g, x, x), -1)), 2 / Math.sqrt(Math.PI))),
  Gelu: gelu,
  HardSigmoid: byDerivative((g, _, y, { attributes }) => {
    return scale(g, between(g, y, 0, 1), floatAttribute(attributes, 'alpha', 0.2));
  }),
  HardSwish: byDerivative((g, x) => {
    const inside = add(g, scale(g, x, 1 / HARD_SWISH_BOUND), number(g, x, 0.5));
    const above = cast(g, greater(g, x, number(g, x, HARD_SWISH_BOUND)), x.dtype);
    return add(g, mul(g, between(g, x, -HARD_SWISH_BOUND, HARD_SWISH_BOUND), inside), above);
  }),
  LeakyRelu: byDerivative((g, x, _, { attributes }) => {
    const slope = number(g, x, floatAttribute(attributes, 'alpha', 0.01));
    return where(g, less(g, x, number(g, x, 0)), slope, number(g, x, 1));
  }),
  PRelu: pRelu,
  Relu: ofFirstOutput((g, operation, dy) => [
    () => where(g, greater(g, outputOf(operation), number(g, dy, 0)), dy, number(g, dy, 0)),
  ]),
  Sigmoid: byDerivative((g, _, y) => logisticSlope(g, y)),
  Softplus: byDerivative((g, x) => sigmoid(g, x)),
  Tanh: byDerivative((g, _, y) => oneMinusSquare(g, y)),
};
