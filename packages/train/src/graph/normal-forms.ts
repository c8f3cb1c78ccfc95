/**
 * One form for each operator: what older operator sets state by attributes becomes inputs, what only moves elements
 * into another shape becomes Reshape, what does nothing outside of training becomes nothing. Gradient rules then know
 * one form each (ONNX Changelog.md has the forms).
 */

import type { NodeRecord } from '@featherwire/onnx';
import { elementCount, tensor } from '@featherwire/tensor';
import { TrainError } from '../errors.js';
import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from './attributes.js';
import type { Graph, OutputSpec, Value } from './graph.js';
import { reshape } from './operators.js';

/** An operation as a model states it, with values of the graph for inputs. */
export interface ForeignOperation extends Omit<NodeRecord, 'inputs' | 'outputs'> {
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly (OutputSpec | null)[];
}

type NormalForm = (g: Graph, operation: ForeignOperation, opset: number) => Value[];

/**
 * Applies an operation in its normal form.
 * @param opset - operator set that the operation is stated in, from 7
 * @returns the outputs that are not null
 * @throws {TrainError} `unsupported-operator`
 */
export function applyNormalForm(g: Graph, operation: ForeignOperation, opset: number): Value[] {
  if (opset < (FIRST_EQUAL_OPSET[operation.opType] ?? 0)) {
    throw new TrainError(
      'unsupported-operator',
      `operator ${operation.opType} '${operation.name}' of operator set ${opset} differs from today's`,
    );
  }
  const form = NORMAL_FORMS[operation.opType];
  return form ? form(g, operation, opset) : applyAsIs(g, operation);
}

/** Operators whose meaning has changed, with the first operator set that has today's. */
const FIRST_EQUAL_OPSET: Readonly<Record<string, number>> = {
  Hardmax: 13,
  TopK: 11,
  Scatter: 11,
  GRU: 14,
  LSTM: 14,
};

const NORMAL_FORMS: Readonly<Record<string, NormalForm>> = {
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Clip: clip,
  Dropout: (_, { inputs: [x] }) => [x!],
  Expand: shapeAsConstant,
  Flatten: asReshape,
  Identity: (_, { inputs: [x] }) => [x!],
  LogSoftmax: softmax,
  MaxPool: maxPool,
  Pad: padding,
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceLogSumExp: reduction,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceSum: reduction,
  ReduceSumSquare: reduction,
  Reshape: asReshape,
  Resize: resize,
  Shape: shapeOf,
  Slice: slicing,
  Softmax: softmax,
  Split: split,
  Squeeze: asReshape,
  Unsqueeze: asReshape,
  Upsample: resize,
};

function applyAsIs(g: Graph, { opType, inputs, attributes, outputs }: ForeignOperation): Value[] {
  return g.apply(opType, inputs, attributes, outputs);
}

function asReshape(g: Graph, { inputs: [x], outputs: [y] }: ForeignOperation): Value[] {
  return [reshape(g, x!, y!.shape)];
}

function shapeAsConstant(g: Graph, { opType, inputs: [x], outputs }: ForeignOperation): Value[] {
  return g.apply(opType, [x, g.integers(outputs[0]!.shape)], {}, outputs);
}

function shapeOf(g: Graph, { inputs: [x], attributes }: ForeignOperation): Value[] {
  const start = intAttribute(attributes, 'start', 0);
  const end = intAttribute(attributes, 'end', x!.shape.length);
  return [g.integers(x!.shape.slice(start, end))];
}

/** Bounds were attributes before operator set 11. */
function clip(g: Graph, { inputs, attributes, outputs }: ForeignOperation): Value[] {
  const [x, low = null, high = null] = inputs;
  const bound = (name: string): Value | null =>
    name in attributes ? g.scalar(floatAttribute(attributes, name, 0), x!.dtype) : null;
  return g.apply('Clip', [x, low ?? bound('min'), high ?? bound('max')], {}, outputs);
}

/** Starts, ends and axes were attributes before operator set 10. */
function slicing(g: Graph, operation: ForeignOperation): Value[] {
  const { inputs, attributes, outputs } = operation;
  const starts = intsAttribute(attributes, 'starts');
  if (!starts) return applyAsIs(g, operation);
  const ends = intsAttribute(attributes, 'ends') ?? [];
  const axes = intsAttribute(attributes, 'axes') ?? starts.map((_, axis) => axis);
  return g.apply('Slice', [inputs[0], g.integers(starts), g.integers(ends), g.integers(axes)], {}, outputs);
}

/** Axes were an attribute before operator set 18 (of ReduceSum before 13); without any, all axes are meant. */
function reduction(g: Graph, { opType, inputs, attributes, outputs }: ForeignOperation): Value[] {
  const [x, given = null] = inputs;
  const attributeAxes = intsAttribute(attributes, 'axes');
  const axes = given ?? (attributeAxes ? g.integers(attributeAxes) : null);
  const isNone = axes !== null && elementCount(axes.shape) === 0;
  if (isNone && intAttribute(attributes, 'noop_with_empty_axes', 0) === 1) return [x!];
  const all = g.integers(x!.shape.map((_, axis) => axis));
  const keepdims = intAttribute(attributes, 'keepdims', 1);
  return g.apply(opType, [x, axes === null || isNone ? all : axes], { keepdims }, outputs);
}

/** The parts' lengths are stated, however they were. */
function split(g: Graph, { inputs: [x], attributes, outputs }: ForeignOperation): Value[] {
  const axis = intAttribute(attributes, 'axis', 0);
  const position = axis < 0 ? axis + x!.shape.length : axis;
  if (outputs.includes(null)) {
    throw new TrainError('unsupported-operator', 'Split with parts that nobody reads is not supported');
  }
  const lengths = outputs.map((output) => output!.shape[position]);
  return g.apply('Split', [x, g.integers(lengths)], { axis: position }, outputs);
}

/** Pads and value were attributes before operator set 11; axes are new in 18. */
function padding(g: Graph, { inputs, attributes, outputs, name }: ForeignOperation): Value[] {
  const [x, pads = null, value = null, axes = null] = inputs;
  const mode = stringAttribute(attributes, 'mode', 'constant');
  const given = pads
    ? integersOf(g, pads, `pads of Pad '${name}'`)
    : (intsAttribute(attributes, 'pads') ?? []);
  const rank = x!.shape.length;
  const padded = axes ? integersOf(g, axes, `axes of Pad '${name}'`) : x!.shape.map((_, axis) => axis);
  const full = new Array<number>(2 * rank).fill(0);
  for (const [position, axis] of padded.entries()) {
    const at = axis < 0 ? axis + rank : axis;
    full[at] = given[position];
    full[at + rank] = given[position + padded.length];
  }
  const filling = 'value' in attributes ? g.scalar(floatAttribute(attributes, 'value', 0), x!.dtype) : value;
  return g.apply('Pad', [x, g.integers(full), filling], { mode }, outputs);
}

/** Before operator set 13 all axes from `axis` on were one. */
function softmax(g: Graph, operation: ForeignOperation, opset: number): Value[] {
  const { opType, inputs, attributes, outputs } = operation;
  const x = inputs[0]!;
  if (opset >= 13) return g.apply(opType, [x], { axis: intAttribute(attributes, 'axis', -1) }, outputs);
  const axis = intAttribute(attributes, 'axis', 1);
  const joined = x.shape.slice(axis);
  if (joined.slice(1).every((length) => length === 1)) return g.apply(opType, [x], { axis }, outputs);
  const rows = elementCount(x.shape.slice(0, axis));
  const shape = [rows, elementCount(joined)];
  const [y] = g.apply(opType, [reshape(g, x, shape)], { axis: 1 }, [{ dtype: x.dtype, shape }]);
  return [reshape(g, y, x.shape)];
}

/** Outside of training there is one output; running statistics are inputs. */
function batchNormalization(g: Graph, operation: ForeignOperation): Value[] {
  const { inputs, attributes, outputs } = operation;
  if (intAttribute(attributes, 'training_mode', 0) === 1) return applyAsIs(g, operation);
  const epsilon = { float: floatAttribute(attributes, 'epsilon', 1e-5) };
  return g.apply('BatchNormalization', inputs, { epsilon }, [outputs[0]]);
}

function averagePool(g: Graph, operation: ForeignOperation): Value[] {
  refuseWindowsInPadding(operation);
  return applyAsIs(g, operation);
}

/**
 * Of windows that begin after the last element, which rounding up may give, the standard says that there are none;
 * onnxruntime's shape inference counts them and its kernels do not, so that all shapes that follow would be wrong.
 */
function refuseWindowsInPadding({
  opType,
  name,
  inputs: [x],
  attributes,
  outputs: [y],
}: ForeignOperation): void {
  const [before, strides] = [intsAttribute(attributes, 'pads'), intsAttribute(attributes, 'strides')];
  const isInPadding = y!.shape
    .slice(2)
    .some(
      (count, axis) => (count - 1) * (strides?.[axis] ?? 1) >= x!.shape[axis + 2] + (before?.[axis] ?? 0),
    );
  if (isInPadding) {
    throw new TrainError(
      'unsupported-operator',
      `operator ${opType} '${name}' has windows that lie in the padding, on which engines do not agree`,
    );
  }
}

/** With indices, which the gradient reads; without a gradient nobody does, and they vanish. */
function maxPool(g: Graph, operation: ForeignOperation): Value[] {
  refuseWindowsInPadding(operation);
  const {
    inputs,
    attributes,
    outputs: [y],
  } = operation;
  return g.apply('MaxPool', inputs, attributes, [y, { dtype: 'int64', shape: y!.shape }]);
}

/** Operator set 10 has no attributes for what Upsample and it do; roi and sizes came with 11. */
function resize(g: Graph, { opType, inputs, attributes, outputs }: ForeignOperation, opset: number): Value[] {
  if (opType === 'Resize' && opset >= 11) return g.apply('Resize', inputs, attributes, outputs);
  const scales = floatsAttribute(attributes, 'scales');
  const given = scales
    ? g.constant(tensor('float32', [scales.length], Float32Array.from(scales)))
    : inputs[1];
  const mode = stringAttribute(attributes, 'mode', 'nearest');
  const old = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor', mode };
  return g.apply('Resize', [inputs[0], null, given], old, outputs);
}

/**
 * The integers of a constant.
 * @param what - for the message
 * @throws {TrainError} `not-constant`
 */
export function integersOf(g: Graph, value: Value, what: string): number[] {
  const content = g.constantOf(value);
  if (!content) throw new TrainError('not-constant', `${what} expected a constant, got '${value.name}'`);
  return Array.from(content.data, Number);
}
