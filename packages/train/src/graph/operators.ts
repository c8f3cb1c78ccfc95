/**
 * ONNX operators as functions that know the shape of what they give. Only what gradients, losses, units and optimizers
 * are made of; imported graphs may hold any operator.
 */

import { type AttributeRecord, elementTypeOf } from '@featherwire/onnx';
import { type DType, type Shape, shapesEqual } from '@featherwire/tensor';
import type { Graph, Value } from './graph.js';
import { broadcastShape, normalizedAxes, reducedShape, withAxis } from './shapes.js';

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const pow = binary('Pow');
export const maximum = binary('Max');
export const minimum = binary('Min');
export const greater = binary('Greater', 'bool');
export const less = binary('Less', 'bool');
export const equal = binary('Equal', 'bool');
export const or = binary('Or', 'bool');
export const and = binary('And', 'bool');

export const abs = unary('Abs');
export const exp = unary('Exp');
export const log = unary('Log');
export const negate = unary('Neg');
export const not = unary('Not');
export const reciprocal = unary('Reciprocal');
export const relu = unary('Relu');
export const round = unary('Round');
export const sigmoid = unary('Sigmoid');
export const sign = unary('Sign');
export const sqrt = unary('Sqrt');
export const tanh = unary('Tanh');

/** The value times a number. */
export function scale(g: Graph, value: Value, factor: number): Value {
  return factor === 1 ? value : mul(g, value, g.scalar(factor, value.dtype));
}

/** The same numbers in another element type. */
export function cast(g: Graph, value: Value, dtype: DType): Value {
  const to = elementTypeOf(dtype);
  return value.dtype === dtype ? value : g.apply('Cast', [value], { to }, [{ dtype, shape: value.shape }])[0];
}

/** Elements of `whenTrue` or `whenFalse`; all three broadcast. */
export function where(g: Graph, condition: Value, whenTrue: Value, whenFalse: Value): Value {
  const shape = broadcastShape(condition.shape, broadcastShape(whenTrue.shape, whenFalse.shape));
  return g.apply('Where', [condition, whenTrue, whenFalse], {}, [{ dtype: whenTrue.dtype, shape }])[0];
}

/** Sum over axes, which keep the length 1 unless said otherwise; over no axis it is the value itself. */
export const reduceSum = reduction('ReduceSum');
/** Mean over axes, which keep the length 1 unless said otherwise. */
export const reduceMean = reduction('ReduceMean');
/** Maximum over axes, which keep the length 1 unless said otherwise. */
export const reduceMax = reduction('ReduceMax');

/** The same elements in another shape. */
export function reshape(g: Graph, value: Value, shape: Shape): Value {
  if (shapesEqual(value.shape, shape)) return value;
  return g.apply('Reshape', [value, g.integers(shape)], {}, [{ dtype: value.dtype, shape }])[0];
}

/** Repeats along axes of length 1, and new leading ones. */
export function expand(g: Graph, value: Value, shape: Shape): Value {
  if (shapesEqual(value.shape, shape)) return value;
  return g.apply('Expand', [value, g.integers(shape)], {}, [{ dtype: value.dtype, shape }])[0];
}

/** Axis `i` of the result is axis `axes[i]` of the value. */
export function transpose(g: Graph, value: Value, axes: readonly number[]): Value {
  if (axes.every((axis, position) => axis === position)) return value;
  const shape = axes.map((axis) => value.shape[axis]);
  return g.apply('Transpose', [value], { perm: axes }, [{ dtype: value.dtype, shape }])[0];
}

/** Part of one axis, `start` to before `end`, non-negative. */
export function slice(g: Graph, value: Value, axis: number, start: number, end: number): Value {
  if (start === 0 && end === value.shape[axis]) return value;
  const shape = withAxis(value.shape, axis, end - start);
  const inputs = [value, g.integers([start]), g.integers([end]), g.integers([axis])];
  return g.apply('Slice', inputs, {}, [{ dtype: value.dtype, shape }])[0];
}

/** One axis in reverse. */
export function reverse(g: Graph, value: Value, axis: number): Value {
  const bounds = [
    g.integers([-1]),
    g.integers([-value.shape[axis] - 1]),
    g.integers([axis]),
    g.integers([-1]),
  ];
  return g.apply('Slice', [value, ...bounds], {}, [{ dtype: value.dtype, shape: value.shape }])[0];
}

/** Joins values along an axis. */
export function concat(g: Graph, values: readonly Value[], axis: number): Value {
  if (values.length === 1) return values[0];
  const length = values.reduce((sum, { shape }) => sum + shape[axis], 0);
  const [{ dtype, shape }] = values;
  return g.apply('Concat', values, { axis }, [{ dtype, shape: withAxis(shape, axis, length) }])[0];
}

/** Zeros before and after each axis; negative numbers cut off. */
export function pad(g: Graph, value: Value, before: readonly number[], after: readonly number[]): Value {
  if ([...before, ...after].every((count) => count === 0)) return value;
  const shape = value.shape.map((length, axis) => length + before[axis] + after[axis]);
  const pads = g.integers([...before, ...after]);
  return g.apply('Pad', [value, pads], { mode: 'constant' }, [{ dtype: value.dtype, shape }])[0];
}

/** Zeros of a shape. */
export function zeros(g: Graph, shape: Shape, dtype: DType): Value {
  return expand(g, g.scalar(0, dtype), shape);
}

/** Matrix product over the last two axes; the axes before them broadcast. Both of rank 2 or more. */
export function matMul(g: Graph, a: Value, b: Value): Value {
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, a.shape.at(-2)!, b.shape.at(-1)!];
  return g.apply('MatMul', [a, b], {}, [{ dtype: a.dtype, shape }])[0];
}

/** The matrices of the last two axes transposed. */
export function transposeMatrix(g: Graph, value: Value): Value {
  const axes = value.shape.map((_, axis) => axis);
  const rank = axes.length;
  return transpose(g, value, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

/** Sum of several values of one shape. */
export function sum(g: Graph, values: readonly Value[]): Value {
  const [{ dtype, shape }] = values;
  return values.length === 1 ? values[0] : g.apply('Sum', values, {}, [{ dtype, shape }])[0];
}

/** Sums away what broadcasting from `shape` has repeated. */
export function sumToShape(g: Graph, value: Value, shape: Shape): Value {
  const added = value.shape.length - shape.length;
  const axes = value.shape.flatMap((length, axis) =>
    axis < added || (shape[axis - added] === 1 && length !== 1) ? [axis] : [],
  );
  return reshape(g, reduceSum(g, value, axes), shape);
}

type Binary = (g: Graph, a: Value, b: Value) => Value;
type Unary = (g: Graph, value: Value) => Value;
type Reduction = (g: Graph, value: Value, axes: readonly number[], keepAxes?: boolean) => Value;

function binary(opType: string, dtype?: DType): Binary {
  return (g, a, b) => {
    const shape = broadcastShape(a.shape, b.shape);
    return g.apply(opType, [a, b], {}, [{ dtype: dtype ?? a.dtype, shape }])[0];
  };
}

function unary(opType: string): Unary {
  return (g, value) => g.apply(opType, [value], {}, [{ dtype: value.dtype, shape: value.shape }])[0];
}

function reduction(opType: string): Reduction {
  return (g, value, axes, keepAxes = true) => {
    if (axes.length === 0) return value;
    const attributes: AttributeRecord = { keepdims: keepAxes ? 1 : 0 };
    const reduced = normalizedAxes(axes, value.shape.length);
    const shape = reducedShape(value.shape, reduced, keepAxes);
    return g.apply(opType, [value, g.integers(reduced)], attributes, [{ dtype: value.dtype, shape }])[0];
  };
}
