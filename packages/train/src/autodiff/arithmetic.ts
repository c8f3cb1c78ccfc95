/** Gradients of element-wise arithmetic; what broadcasting has repeated is summed. */

import type { Graph, Operation, Value } from '../graph/graph.js';
import {
  cast,
  div,
  equal,
  greater,
  log,
  mul,
  negate,
  pow,
  scale,
  sign,
  sub,
  sumToShape,
  where,
} from '../graph/operators.js';
import { type GradientRule, inputOf, lazily, ofFirstOutput, outputOf, type Pullback } from './rule.js';

/** The gradient of one operand from the element-wise gradient of the result. */
function toOperand(g: Graph, operand: Value, make: () => Value): Pullback {
  return () => sumToShape(g, make(), operand.shape);
}

/** A rule of two operands from the gradients with respect to each, before broadcasting is undone. */
function ofTwo(
  first: (g: Graph, dy: Value, operation: Operation) => Value,
  second: (g: Graph, dy: Value, operation: Operation) => Value,
): GradientRule {
  return ofFirstOutput((g, operation, dy) => [
    toOperand(g, inputOf(operation, 0), () => first(g, dy, operation)),
    toOperand(g, inputOf(operation, 1), () => second(g, dy, operation)),
  ]);
}

/** A rule of one operand from its derivative: the gradient is `dy` times it. */
function ofOne(derive: (g: Graph, dy: Value, x: Value, y: Value) => Value): GradientRule {
  return ofFirstOutput((g, operation, dy) => [
    () => derive(g, dy, inputOf(operation, 0), outputOf(operation)),
  ]);
}

/** Max and Min share the gradient among the operands that attain them. */
const extremum: GradientRule = ofFirstOutput((g, operation, dy) => {
  const y = outputOf(operation);
  const masks = operation.inputs.map((input) => lazily(() => cast(g, equal(g, input!, y), y.dtype)));
  const share = lazily(() => {
    const attaining = masks.map((mask) => mask());
    const [count] = g.apply('Sum', attaining, {}, [{ dtype: y.dtype, shape: y.shape }]);
    return div(g, dy, count);
  });
  return operation.inputs.map((input, position) =>
    toOperand(g, input!, () => mul(g, share(), masks[position]())),
  );
});

/** Sum and Mean of any number of operands. */
function ofMany(factor: (count: number) => number): GradientRule {
  return ofFirstOutput((g, { inputs }, dy) => {
    const part = lazily(() => scale(g, dy, factor(inputs.length)));
    return inputs.map((input) => toOperand(g, input!, part));
  });
}

/** x ** p; where the base is not positive, the exponent has no real gradient and gets none. */
const power: GradientRule = ofTwo(
  (g, dy, operation) => {
    const [x, p] = [inputOf(operation, 0), inputOf(operation, 1)];
    const exponent = g.constantOf(p);
    if (exponent?.data.length === 1 && Number(exponent.data[0]) === 2) return scale(g, mul(g, dy, x), 2);
    const exact = cast(g, p, x.dtype);
    return mul(g, mul(g, dy, exact), pow(g, x, sub(g, exact, g.scalar(1, x.dtype))));
  },
  (g, dy, operation) => {
    const x = inputOf(operation, 0);
    const positive = greater(g, x, g.scalar(0, x.dtype));
    const logarithm = log(g, where(g, positive, x, g.scalar(1, x.dtype)));
    return mul(g, dy, mul(g, outputOf(operation), logarithm));
  },
);

const selection: GradientRule = ofFirstOutput((g, operation, dy) => {
  const condition = inputOf(operation, 0);
  const zero = g.scalar(0, dy.dtype);
  return [
    null,
    toOperand(g, inputOf(operation, 1), () => where(g, condition, dy, zero)),
    toOperand(g, inputOf(operation, 2), () => where(g, condition, zero, dy)),
  ];
});

/** Derivative of zero wherever there is one. */
const flat: GradientRule = () => [];

export const ARITHMETIC_RULES: Readonly<Record<string, GradientRule>> = {
  Abs: ofOne((g, dy, x) => mul(g, dy, sign(g, x))),
  Add: ofTwo(
    (_, dy) => dy,
    (_, dy) => dy,
  ),
  Cast: ofOne((g, dy, x) => cast(g, dy, x.dtype)),
  Ceil: flat,
  Cos: ofOne((g, dy, x) => negate(g, mul(g, dy, g.apply('Sin', [x], {}, [x])[0]))),
  Div: ofTwo(
    (g, dy, operation) => div(g, dy, inputOf(operation, 1)),
    (g, dy, operation) => negate(g, mul(g, dy, div(g, outputOf(operation), inputOf(operation, 1)))),
  ),
  Exp: ofOne((g, dy, _, y) => mul(g, dy, y)),
  Floor: flat,
  Identity: ofOne((_, dy) => dy),
  Log: ofOne((g, dy, x) => div(g, dy, x)),
  Max: extremum,
  Mean: ofMany((count) => 1 / count),
  Min: extremum,
  Mul: ofTwo(
    (g, dy, operation) => mul(g, dy, inputOf(operation, 1)),
    (g, dy, operation) => mul(g, dy, inputOf(operation, 0)),
  ),
  Neg: ofOne((g, dy) => negate(g, dy)),
  Pow: power,
  Reciprocal: ofOne((g, dy, _, y) => negate(g, mul(g, dy, mul(g, y, y)))),
  Round: flat,
  Sign: flat,
  Sin: ofOne((g, dy, x) => mul(g, dy, g.apply('Cos', [x], {}, [x])[0])),
  Sqrt: ofOne((g, dy, _, y) => scale(g, div(g, dy, y), 0.5)),
  Sub: ofTwo(
    (_, dy) => dy,
    (g, dy) => negate(g, dy),
  ),
  Sum: ofMany(() => 1),
  Where: selection,
};
