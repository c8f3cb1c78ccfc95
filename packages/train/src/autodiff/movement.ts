/** Gradients of operators that move elements and compute nothing. */

import { intAttribute, intsAttribute, stringAttribute } from '../graph/attributes.js';
import type { Graph, Operation, Value } from '../graph/graph.js';
import { integersOf } from '../graph/normal-forms.js';
import {
  concat,
  pad,
  reduceSum,
  reshape,
  reverse,
  slice,
  sumToShape,
  transpose,
  zeros,
} from '../graph/operators.js';
import { allAxes, normalizedAxes, withAxis } from '../graph/shapes.js';
import { type GradientRule, inputOf, ofFirstOutput, type Pullback } from './rule.js';

/** A rule from the inverse movement. */
function byInverse(inverse: (g: Graph, dy: Value, x: Value, operation: Operation) => Value): GradientRule {
  return ofFirstOutput((g, operation, dy) => [() => inverse(g, dy, inputOf(operation, 0), operation)]);
}

const concatenation: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [axis] = normalizedAxes([intAttribute(operation.attributes, 'axis', 0)], dy.shape.length);
  let end = 0;
  return operation.inputs.map((input): Pullback => {
    const start = end;
    end += input!.shape[axis];
    const stop = end;
    return () => slice(g, dy, axis, start, stop);
  });
});

/** Parts that the loss does not depend on have a gradient of zero. */
const split: GradientRule = (g, { attributes, outputs }, gradients) => [
  () => {
    const parts = outputs.map((part, position) => gradients[position] ?? zeros(g, part!.shape, part!.dtype));
    return concat(g, parts, intAttribute(attributes, 'axis', 0));
  },
];

function transposed(g: Graph, dy: Value, x: Value, { attributes }: Operation): Value {
  const axes = intsAttribute(attributes, 'perm') ?? allAxes(x.shape.length).reverse();
  const inverse = new Array<number>(axes.length);
  for (const [to, from] of axes.entries()) inverse[from] = to;
  return transpose(g, dy, inverse);
}

function sliced(g: Graph, dy: Value, x: Value, operation: Operation): Value {
  const rank = x.shape.length;
  const numbers = (position: number, what: string, fallback: number[]): number[] => {
    const value = operation.inputs[position];
    return value ? integersOf(g, value, `${what} of Slice '${operation.name}'`) : fallback;
  };
  const starts = numbers(1, 'starts', []);
  const axes = normalizedAxes(numbers(3, 'axes', allAxes(starts.length)), rank);
  const steps = numbers(
    4,
    'steps',
    starts.map(() => 1),
  );
  let gradient = dy;
  for (const [position, axis] of axes.entries()) {
    const length = x.shape[axis];
    const step = steps[position];
    // Starts beyond the axis are taken as its ends (Slice of operator set 13).
    const given = starts[position] < 0 ? starts[position] + length : starts[position];
    const start = Math.min(Math.max(given, 0), step > 0 ? length : length - 1);
    gradient = spreadAlongAxis(g, gradient, { axis, start, step, length });
  }
  return gradient;
}

interface Spread {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** Puts element i of an axis at start + i · step of a longer one, and zeros elsewhere. */
function spreadAlongAxis(g: Graph, value: Value, { axis, start, step, length }: Spread): Value {
  const count = value.shape[axis];
  if (count === 0) return zeros(g, withAxis(value.shape, axis, length), value.dtype);
  const stride = Math.abs(step);
  const first = step > 0 ? start : start + (count - 1) * step;
  let spread = step > 0 ? value : reverse(g, value, axis);
  if (stride > 1) spread = withGaps(g, spread, axis, stride);
  const before = value.shape.map((_, position) => (position === axis ? first : 0));
  const after = value.shape.map((_, position) => (position === axis ? length - first - count * stride : 0));
  return pad(g, spread, before, after);
}

/** Each element of an axis followed by stride - 1 zeros. */
function withGaps(g: Graph, value: Value, axis: number, stride: number): Value {
  const { shape } = value;
  const column = reshape(g, value, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
  const none = column.shape.map(() => 0);
  const gaps = column.shape.map((_, position) => (position === axis + 1 ? stride - 1 : 0));
  return reshape(g, pad(g, column, none, gaps), withAxis(shape, axis, shape[axis] * stride));
}

/** Copies of a tile are added up. */
function untiled(g: Graph, dy: Value, x: Value): Value {
  const copies = x.shape.flatMap((length, axis) => [length === 0 ? 1 : dy.shape[axis] / length, length]);
  return reshape(
    g,
    reduceSum(
      g,
      reshape(g, dy, copies),
      allAxes(x.shape.length).map((axis) => 2 * axis),
    ),
    x.shape,
  );
}

/** DepthToSpace backwards; CRD has the channels before the block, DCR after it. */
function spaceToDepth(g: Graph, dy: Value, x: Value, operation: Operation): Value {
  const block = intAttribute(operation.attributes, 'blocksize', 1);
  const [batch, depth, height, width] = x.shape;
  const channels = depth / (block * block);
  const parts = reshape(g, dy, [batch, channels, height, block, width, block]);
  const mode = stringAttribute(operation.attributes, 'mode', 'DCR');
  return reshape(g, transpose(g, parts, mode === 'DCR' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]), x.shape);
}

/** SpaceToDepth backwards. */
function depthToSpace(g: Graph, dy: Value, x: Value, operation: Operation): Value {
  const block = intAttribute(operation.attributes, 'blocksize', 1);
  const [batch, channels, height, width] = x.shape;
  const parts = reshape(g, dy, [batch, block, block, channels, height / block, width / block]);
  return reshape(g, transpose(g, parts, [0, 3, 4, 1, 5, 2]), x.shape);
}

/** Elements from a constant or computed place along an axis; places read several times add up. */
const gather: GradientRule = ofFirstOutput((g, operation, dy) => [
  () => {
    const [x, indices] = [inputOf(operation, 0), inputOf(operation, 1)];
    const [axis] = normalizedAxes([intAttribute(operation.attributes, 'axis', 0)], x.shape.length);
    const rank = indices.shape.length;
    // Index axes to the front, so that each index names a slab of the target.
    const order = allAxes(dy.shape.length);
    const indexAxes = order.slice(axis, axis + rank);
    const otherAxes = [...order.slice(0, axis), ...order.slice(axis + rank)];
    const updates = transpose(g, dy, [...indexAxes, ...otherAxes]);
    const slab = otherAxes.map((position) => dy.shape[position]);
    const target = zeros(g, [x.shape[axis], ...slab], x.dtype);
    const places = reshape(g, indices, [...indices.shape, 1]);
    const spec = { dtype: x.dtype, shape: target.shape };
    const [dx] = g.apply('ScatterND', [target, places, updates], { reduction: 'add' }, [spec]);
    const back = allAxes(x.shape.length).map((position) =>
      position === axis ? 0 : position < axis ? position + 1 : position,
    );
    return transpose(g, dx, back);
  },
]);

const gatherElements: GradientRule = ofFirstOutput((g, operation, dy) => [
  () => {
    const x = inputOf(operation, 0);
    const axis = intAttribute(operation.attributes, 'axis', 0);
    const inputs = [zeros(g, x.shape, x.dtype), inputOf(operation, 1), dy];
    return g.apply('ScatterElements', inputs, { axis, reduction: 'add' }, [
      { dtype: x.dtype, shape: x.shape },
    ])[0];
  },
]);

export const MOVEMENT_RULES: Readonly<Record<string, GradientRule>> = {
  Concat: concatenation,
  DepthToSpace: byInverse(spaceToDepth),
  Expand: byInverse((g, dy, x) => sumToShape(g, dy, x.shape)),
  Gather: gather,
  GatherElements: gatherElements,
  Reshape: byInverse((g, dy, x) => reshape(g, dy, x.shape)),
  Slice: byInverse(sliced),
  SpaceToDepth: byInverse(depthToSpace),
  Split: split,
  Tile: byInverse(untiled),
  Transpose: byInverse(transposed),
};
