/** Every operator's gradient against central differences, with the attributes that change it. */

import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { GRADIENT_RULES } from '../src/autodiff/rules.js';
import { checkGradient, type GradientCase, int64s, node, normals } from './check-gradient.js';

type Cases = Readonly<Record<string, GradientCase>>;

const X = { x: [2, 3, 4] };
const AB = { a: [2, 3, 4], b: [2, 3, 4] };
const BROADCAST = { a: [2, 1, 4], b: [3, 1] };
const IMAGE = { x: [2, 3, 7, 6] };

const unary = (opType: string, extra: Partial<GradientCase> = {}): GradientCase => ({
  nodes: [node(opType, ['x'])],
  inputs: X,
  ...extra,
});
const binary = (opType: string, extra: Partial<GradientCase> = {}): GradientCase => ({
  nodes: [node(opType, ['a', 'b'])],
  inputs: AB,
  ...extra,
});

const ARITHMETIC: Cases = {
  Abs: unary('Abs'),
  Add: binary('Add'),
  'Add, broadcast': binary('Add', { inputs: BROADCAST }),
  'Add of a value to itself': { nodes: [node('Add', ['x', 'x'])], inputs: X },
  Cast: {
    nodes: [node('Cast', ['x'], 'h', { to: 1 }), node('Cast', ['h'], 'y', { to: 11 })],
    inputs: X,
    step: 1,
    tolerance: 1e-6,
  },
  Cos: unary('Cos', { dtype: 'float32', step: 1e-2, tolerance: 1e-3 }),
  'Div, broadcast': binary('Div', { inputs: BROADCAST, center: 4, spread: 0.5 }),
  Exp: unary('Exp'),
  Identity: { nodes: [node('Identity', ['x'], 'h'), node('Exp', ['h'])], inputs: X },
  Log: unary('Log', { center: 4, spread: 0.5 }),
  'Max of three': { nodes: [node('Max', ['a', 'b', 'c'])], inputs: { ...BROADCAST, c: [2, 3, 4] } },
  'Mean of three': {
    nodes: [node('Mean', ['a', 'b', 'c'])],
    inputs: { ...BROADCAST, c: [4] },
    dtype: 'float32',
  },
  'Min, broadcast': binary('Min', { inputs: BROADCAST }),
  'Mul, broadcast': binary('Mul', { inputs: BROADCAST }),
  'Mul of a value with itself': { nodes: [node('Mul', ['x', 'x'])], inputs: X },
  Neg: unary('Neg'),
  'Pow of a positive base': binary('Pow', { inputs: BROADCAST, center: 2, spread: 0.3 }),
  'Pow by 2': {
    nodes: [node('Pow', ['x', 'p'])],
    inputs: X,
    weights: { p: tensor('float64', [], Float64Array.of(2)) },
  },
  'Pow by an integer': {
    nodes: [node('Pow', ['x', 'p'])],
    inputs: X,
    weights: { p: tensor('int64', [], BigInt64Array.of(3n)) },
  },
  Reciprocal: unary('Reciprocal', { center: 3, spread: 0.4 }),
  Sin: unary('Sin'),
  Sqrt: unary('Sqrt', { center: 4, spread: 0.5 }),
  'Sub, broadcast': binary('Sub', { inputs: BROADCAST }),
  'Sum of three': { nodes: [node('Sum', ['a', 'b', 'c'])], inputs: { ...BROADCAST, c: [4] } },
  'Where, broadcast': {
    nodes: [node('Greater', ['a', 'limit'], 'c'), node('Where', ['c', 'a', 'b'])],
    inputs: BROADCAST,
    weights: { limit: tensor('float64', [], Float64Array.of(0.1)) },
  },
};

const FLOAT32_CURVE = { dtype: 'float32', step: 1e-2, tolerance: 1e-3 } as const;
const bounds = {
  low: tensor('float64', [], Float64Array.of(-0.4)),
  high: tensor('float64', [], Float64Array.of(0.7)),
};

const ACTIVATIONS: Cases = {
  'Clip on both sides': { nodes: [node('Clip', ['x', 'low', 'high'])], inputs: X, weights: bounds },
  'Clip from below': { nodes: [node('Clip', ['x', 'low'])], inputs: X, weights: bounds },
  'Clip from above': { nodes: [node('Clip', ['x', '', 'high'])], inputs: X, weights: bounds },
  'Clip of operator set 6': {
    nodes: [node('Clip', ['x'], 'y', { min: { float: 0 }, max: { float: 0.5 } })],
    inputs: X,
    opset: 9,
    dtype: 'float32',
    step: 1e-4,
    tolerance: 2e-3,
  },
  Elu: unary('Elu', { ...FLOAT32_CURVE, nodes: [node('Elu', ['x'], 'y', { alpha: { float: 0.7 } })] }),
  Erf: unary('Erf', FLOAT32_CURVE),
  Gelu: unary('Gelu', { ...FLOAT32_CURVE, opset: 20 }),
  'Gelu by tanh': {
    nodes: [node('Gelu', ['x'], 'y', { approximate: 'tanh' })],
    inputs: X,
    opset: 20,
    ...FLOAT32_CURVE,
  },
  HardSigmoid: {
    nodes: [node('HardSigmoid', ['x'], 'y', { alpha: { float: 0.3 }, beta: { float: 0.4 } })],
    inputs: X,
    ...FLOAT32_CURVE,
    step: 1e-3,
  },
  HardSwish: unary('HardSwish', { ...FLOAT32_CURVE, step: 1e-3, spread: 2 }),
  LeakyRelu: {
    nodes: [node('LeakyRelu', ['x'], 'y', { alpha: { float: 0.2 } })],
    inputs: X,
    ...FLOAT32_CURVE,
    step: 1e-4,
  },
  PRelu: { nodes: [node('PRelu', ['x', 's'])], inputs: { ...X, s: [3, 1] } },
  Relu: unary('Relu'),
  Sigmoid: unary('Sigmoid'),
  Softplus: unary('Softplus', FLOAT32_CURVE),
  Tanh: unary('Tanh'),
  'Softmax over the last axis': unary('Softmax'),
  'Softmax over an inner axis': { nodes: [node('Softmax', ['x'], 'y', { axis: 1 })], inputs: X },
  'Softmax of operator set 11 joins axes': {
    nodes: [node('Softmax', ['x'], 'y', { axis: 1 })],
    inputs: X,
    opset: 11,
  },
  LogSoftmax: { nodes: [node('LogSoftmax', ['x'], 'y', { axis: -2 })], inputs: X },
};

const reduction = (opType: string, extra: Partial<GradientCase> = {}): GradientCase => ({
  nodes: [node(opType, ['x', 'axes'], 'y', { keepdims: 0 })],
  inputs: X,
  weights: { axes: int64s(0, -1) },
  ...extra,
});

const REDUCTIONS: Cases = {
  ReduceL1: reduction('ReduceL1', { dtype: 'float32', step: 1e-3, tolerance: 1e-3 }),
  ReduceL2: reduction('ReduceL2', { dtype: 'float32', step: 1e-2, tolerance: 1e-3 }),
  ReduceLogSumExp: reduction('ReduceLogSumExp'),
  ReduceMax: reduction('ReduceMax'),
  ReduceMean: reduction('ReduceMean'),
  'ReduceMean by attribute': {
    nodes: [node('ReduceMean', ['x'], 'y', { axes: [1], keepdims: 1 })],
    inputs: X,
    opset: 13,
  },
  ReduceMin: reduction('ReduceMin'),
  ReduceSum: reduction('ReduceSum'),
  'ReduceSum of everything': { nodes: [node('ReduceSum', ['x'])], inputs: X },
  ReduceSumSquare: reduction('ReduceSumSquare'),
};

const MATRICES: Cases = {
  MatMul: { nodes: [node('MatMul', ['a', 'b'])], inputs: { a: [3, 4], b: [4, 5] } },
  'MatMul, one matrix on the right': {
    nodes: [node('MatMul', ['a', 'b'])],
    inputs: { a: [2, 3, 4], b: [4, 5] },
  },
  'MatMul, batches broadcast': {
    nodes: [node('MatMul', ['a', 'b'])],
    inputs: { a: [2, 1, 3, 4], b: [3, 4, 2] },
  },
  'MatMul of a row': { nodes: [node('MatMul', ['a', 'b'])], inputs: { a: [4], b: [2, 4, 3] } },
  'MatMul by a column': { nodes: [node('MatMul', ['a', 'b'])], inputs: { a: [2, 3, 4], b: [4] } },
  'MatMul of two vectors': { nodes: [node('MatMul', ['a', 'b'])], inputs: { a: [4], b: [4] } },
  Gemm: {
    nodes: [node('Gemm', ['a', 'b', 'c'], 'y', { alpha: { float: 0.5 }, beta: { float: 2 } })],
    inputs: { a: [3, 4], b: [4, 5], c: [5] },
  },
  'Gemm, transposed': {
    nodes: [node('Gemm', ['a', 'b'], 'y', { transA: 1, transB: 1 })],
    inputs: { a: [4, 3], b: [5, 4] },
  },
};

const conv = (
  w: number[],
  attributes: GradientCase['nodes'][0]['attributes'],
  x = [2, 4, 9, 8],
): GradientCase => ({
  nodes: [node('Conv', ['x', 'w', 'b'], 'y', attributes)],
  inputs: { x, w, b: [w[0]] },
  dtype: 'float32',
});
const transposed = (
  w: number[],
  channels: number,
  attributes: GradientCase['nodes'][0]['attributes'],
): GradientCase => ({
  nodes: [node('ConvTranspose', ['x', 'w', 'b'], 'y', attributes)],
  inputs: { x: [2, w[0], 5, 4], w, b: [channels] },
  dtype: 'float32',
});
/** The same with constant weights, which takes the way of flipped kernels. */
const frozen = (given: GradientCase): GradientCase => {
  const { x, w, b } = given.inputs;
  return { ...given, inputs: { x }, weights: { w: normals('float32', w, 7), b: normals('float32', b, 8) } };
};

const CONVOLUTIONS: Cases = {
  'Conv, no padding': conv([3, 4, 3, 3], {}),
  'Conv, uneven padding': conv([3, 4, 3, 2], { pads: [0, 1, 2, 1] }),
  'Conv, strides that leave rows out': conv([3, 4, 3, 3], { strides: [2, 3], pads: [1, 0, 1, 0] }),
  'Conv, dilated and strided': conv([3, 4, 3, 2], { strides: [2, 1], dilations: [2, 3], pads: [2, 2, 1, 1] }),
  'Conv, two groups': conv([6, 2, 3, 3], { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }),
  'Conv, depthwise': conv([4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }),
  'Conv, depthwise with a multiplier': conv([8, 1, 3, 3], { group: 4, strides: [2, 1], dilations: [1, 2] }),
  'Conv, same upper': conv([3, 4, 4, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  'Conv, same lower': conv([3, 4, 4, 3], { auto_pad: 'SAME_LOWER', strides: [1, 2] }),
  'Conv, one axis': conv([3, 4, 3], { strides: [2], pads: [1, 1] }, [2, 4, 9]),
  'Conv, three axes': conv(
    [3, 2, 2, 3, 2],
    { strides: [1, 2, 1], pads: [0, 1, 0, 0, 1, 0] },
    [1, 2, 4, 5, 4],
  ),
  'Conv, frozen, uneven padding': frozen(conv([3, 4, 3, 2], { pads: [0, 1, 2, 1] })),
  'Conv, frozen, more padding than the kernel': frozen(conv([3, 4, 2, 2], { pads: [3, 3, 3, 3] })),
  'Conv, frozen, dilated': frozen(conv([3, 4, 3, 3], { dilations: [2, 1], pads: [2, 1, 2, 1] })),
  'Conv, frozen, two groups': frozen(conv([6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] })),
  'Conv, frozen, depthwise': frozen(conv([4, 1, 5, 3], { group: 4, pads: [2, 1, 2, 1] })),
  'Conv, frozen, strided': frozen(conv([3, 4, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] })),
  ConvTranspose: transposed([3, 2, 3, 3], 2, {}),
  'ConvTranspose, strided with output padding': transposed([3, 2, 3, 3], 2, {
    strides: [2, 3],
    pads: [1, 0, 1, 1],
    output_padding: [1, 0],
  }),
  'ConvTranspose, dilated': transposed([3, 2, 2, 3], 2, { dilations: [3, 2], pads: [1, 1, 0, 0] }),
  'ConvTranspose, two groups': transposed([4, 3, 3, 3], 6, { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }),
};

const pool = (opType: string, attributes: GradientCase['nodes'][0]['attributes']): GradientCase => ({
  nodes: [node(opType, ['x'], 'y', attributes)],
  inputs: IMAGE,
  dtype: 'float32',
});
/** Steps so small that no maximum changes; float32 then leaves three digits. */
const MAXIMUM = { dtype: 'float64', step: 1e-6 } as const;

const POOLING: Cases = {
  AveragePool: pool('AveragePool', { kernel_shape: [2, 3], strides: [2, 2] }),
  'AveragePool, padding not counted': pool('AveragePool', {
    kernel_shape: [3, 3],
    strides: [2, 1],
    pads: [1, 1, 1, 1],
  }),
  'AveragePool, padding counted': pool('AveragePool', {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    count_include_pad: 1,
  }),
  'AveragePool, rounded up': pool('AveragePool', { kernel_shape: [3, 4], strides: [3, 3], ceil_mode: 1 }),
  GlobalAveragePool: pool('GlobalAveragePool', {}),
  GlobalMaxPool: { ...pool('GlobalMaxPool', {}), step: 1e-3, tolerance: 1e-3 },
  MaxPool: { ...pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }), ...MAXIMUM },
  'MaxPool, overlapping and padded': {
    ...pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 1], pads: [1, 1, 1, 1] }),
    ...MAXIMUM,
  },
  'MaxPool, dilated and rounded up': {
    ...pool('MaxPool', { kernel_shape: [2, 2], strides: [3, 2], dilations: [2, 1], ceil_mode: 1 }),
    ...MAXIMUM,
  },
};

const statistics = {
  mean: normals('float64', [3], 11),
  variance: tensor('float64', [3], Float64Array.of(0.5, 1, 2)),
};

const NORMALIZATION: Cases = {
  'BatchNormalization, frozen': {
    nodes: [
      node('BatchNormalization', ['x', 's', 'b', 'mean', 'variance'], 'y', { epsilon: { float: 0.01 } }),
    ],
    inputs: { x: [2, 3, 4], s: [3], b: [3] },
    weights: statistics,
  },
  'BatchNormalization, trained': {
    nodes: [
      node('BatchNormalization', ['x', 's', 'b', 'mean', 'variance'], ['y', 'm', 'v'], { training_mode: 1 }),
    ],
    inputs: { x: [4, 3, 2, 2], s: [3], b: [3] },
    weights: statistics,
    tolerance: 1e-6,
  },
  LayerNormalization: {
    nodes: [node('LayerNormalization', ['x', 's', 'b'], 'y', { epsilon: { float: 0.01 } })],
    inputs: { x: [2, 3, 5], s: [5], b: [5] },
    tolerance: 1e-6,
  },
  'LayerNormalization over two axes, without bias': {
    nodes: [node('LayerNormalization', ['x', 's'], 'y', { axis: 1 })],
    inputs: { x: [2, 3, 5], s: [3, 5] },
    tolerance: 1e-6,
  },
  InstanceNormalization: {
    nodes: [node('InstanceNormalization', ['x', 's', 'b'])],
    inputs: { x: [2, 3, 4, 2], s: [3], b: [3] },
    dtype: 'float32',
    step: 1e-2,
    tolerance: 2e-3,
  },
};

const slicing = (starts: number[], ends: number[], axes: number[], steps: number[]): GradientCase => ({
  nodes: [node('Slice', ['x', 'starts', 'ends', 'axes', 'steps'])],
  inputs: { x: [3, 7, 6] },
  weights: {
    starts: int64s(...starts),
    ends: int64s(...ends),
    axes: int64s(...axes),
    steps: int64s(...steps),
  },
});

const MOVEMENT: Cases = {
  'Concat along an inner axis': {
    nodes: [node('Concat', ['a', 'b', 'a'], 'y', { axis: -2 })],
    inputs: { a: [2, 3, 4], b: [2, 1, 4] },
  },
  'DepthToSpace, DCR': {
    nodes: [node('DepthToSpace', ['x'], 'y', { blocksize: 2 })],
    inputs: { x: [2, 8, 3, 2] },
  },
  'DepthToSpace, CRD': {
    nodes: [node('DepthToSpace', ['x'], 'y', { blocksize: 2, mode: 'CRD' })],
    inputs: { x: [2, 8, 3, 2] },
  },
  Expand: {
    nodes: [node('Expand', ['x', 'shape'])],
    inputs: { x: [3, 1] },
    weights: { shape: int64s(2, 1, 4) },
  },
  Flatten: { nodes: [node('Flatten', ['x'], 'h', { axis: 2 }), node('Exp', ['h'])], inputs: X },
  'Gather of repeated and negative places': {
    nodes: [node('Gather', ['x', 'i'], 'y', { axis: 1 })],
    inputs: { x: [2, 5, 3] },
    weights: { i: tensor('int64', [2, 2], BigInt64Array.of(0n, 4n, -1n, 0n)) },
  },
  'Gather of one place': {
    nodes: [node('Gather', ['x', 'i'], 'y', { axis: -1 })],
    inputs: X,
    weights: { i: tensor('int64', [], BigInt64Array.of(2n)) },
  },
  GatherElements: {
    nodes: [node('GatherElements', ['x', 'i'], 'y', { axis: 1 })],
    inputs: { x: [2, 3] },
    weights: { i: tensor('int64', [2, 4], BigInt64Array.of(0n, 0n, 2n, 1n, 2n, 2n, 2n, 0n)) },
  },
  Reshape: {
    nodes: [node('Reshape', ['x', 's'], 'h'), node('Exp', ['h'])],
    inputs: X,
    weights: { s: int64s(0, -1) },
  },
  'Slice of the middle': slicing([1, -4], [6, -1], [1, 2], [1, 1]),
  'Slice of every third, from beyond the start': slicing([-100], [100], [1], [3]),
  'Slice backwards': slicing([-1, 5], [-100, 0], [1, 2], [-2, -3]),
  SpaceToDepth: { nodes: [node('SpaceToDepth', ['x'], 'y', { blocksize: 2 })], inputs: { x: [2, 2, 4, 6] } },
  'Split with a part that the loss ignores': {
    nodes: [node('Split', ['x', 'parts'], ['y', 'h', 'z'], { axis: 1 }), node('Neg', ['h'], 'n')],
    inputs: { x: [2, 6, 3] },
    weights: { parts: int64s(1, 3, 2) },
    outputs: ['y', 'z'],
  },
  'Split of operator set 11': {
    nodes: [node('Split', ['x'], ['y', 'z'], { axis: -1 })],
    inputs: X,
    opset: 11,
    outputs: ['y', 'z'],
  },
  Squeeze: {
    nodes: [node('Squeeze', ['x'], 'h', { axes: [1] }), node('Exp', ['h'])],
    inputs: { x: [2, 1, 3] },
    opset: 11,
  },
  Tile: { nodes: [node('Tile', ['x', 'r'])], inputs: X, weights: { r: int64s(2, 1, 3) } },
  'Transpose by default': unary('Transpose'),
  'Transpose by axes': { nodes: [node('Transpose', ['x'], 'y', { perm: [2, 0, 1] })], inputs: X },
};

const resize = (
  attributes: GradientCase['nodes'][0]['attributes'],
  sizes: number[],
  opset = 18,
): GradientCase => ({
  nodes: [node('Resize', ['x', '', '', 'sizes'], 'y', attributes)],
  inputs: { x: [1, 2, 5, 6] },
  weights: { sizes: int64s(1, 2, ...sizes) },
  dtype: 'float32',
  opset,
});
const padding = (mode: string, pads: number[]): GradientCase => ({
  nodes: [node('Pad', ['x', 'pads'], 'y', { mode })],
  inputs: { x: [2, 4, 5] },
  weights: { pads: int64s(...pads) },
  opset: 19,
});

const SAMPLING: Cases = {
  'Pad with zeros, cutting the end': padding('constant', [1, 2, 0, 0, -1, 3]),
  'Pad of operator set 9': {
    nodes: [node('Pad', ['x'], 'y', { pads: [0, 1, 0, 2], value: { float: 3 } })],
    inputs: { x: [3, 4] },
    opset: 9,
    dtype: 'float32',
  },
  'Pad by reflection': padding('reflect', [0, 2, 3, 1, 3, 4]),
  'Pad by the edge': padding('edge', [0, 2, 0, 1, 6, 0]),
  'Pad around': padding('wrap', [0, 2, 3, 0, 1, 0]),
  'Resize, linear, half pixels': resize({ mode: 'linear' }, [9, 11]),
  'Resize, linear, smaller': resize(
    { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' },
    [3, 1],
  ),
  'Resize, linear, aligned corners': resize(
    { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
    [8, 13],
  ),
  'Resize, linear, asymmetric': resize(
    { mode: 'linear', coordinate_transformation_mode: 'asymmetric' },
    [10, 4],
  ),
  'Resize, nearest': resize({ mode: 'nearest' }, [7, 9]),
  'Resize, nearest, floor': resize(
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    [12, 4],
  ),
  'Resize, nearest, ceiling': resize(
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'ceil' },
    [10, 12],
  ),
  'Resize, cubic': resize({ mode: 'cubic' }, [9, 8]),
  'Resize, cubic, outside excluded': resize(
    { mode: 'cubic', exclude_outside: 1, cubic_coeff_a: { float: -0.5 } },
    [12, 4],
  ),
  'Resize by scales': {
    nodes: [node('Resize', ['x', '', 'scales'], 'y', { mode: 'linear' })],
    inputs: { x: [1, 2, 5, 6] },
    weights: { scales: tensor('float32', [4], Float32Array.of(1, 1, 1.7, 2)) },
    dtype: 'float32',
  },
  Upsample: {
    nodes: [node('Upsample', ['x', 'scales'], 'y', { mode: 'nearest' })],
    inputs: { x: [1, 2, 3, 4] },
    weights: { scales: tensor('float32', [4], Float32Array.of(1, 1, 2, 3)) },
    dtype: 'float32',
    opset: 9,
  },
};

const FAMILIES: Readonly<Record<string, Cases>> = {
  arithmetic: ARITHMETIC,
  activations: ACTIVATIONS,
  reductions: REDUCTIONS,
  matrices: MATRICES,
  convolutions: CONVOLUTIONS,
  pooling: POOLING,
  normalization: NORMALIZATION,
  movement: MOVEMENT,
  sampling: SAMPLING,
};

describe.each(Object.entries(FAMILIES))('gradients of %s', (_, cases) => {
  test.each(Object.entries(cases))('%s', async (_name, given) => {
    await checkGradient(given);
  });
});

test('every rule with a derivative is checked', () => {
  const checked = new Set(
    Object.values(FAMILIES).flatMap((cases) =>
      Object.values(cases).flatMap(({ nodes }) => nodes.map(({ opType }) => opType)),
    ),
  );
  // Piecewise constant functions have nothing that a difference could check.
  const flat = ['Ceil', 'Floor', 'Round', 'Sign'];
  expect(Object.keys(GRADIENT_RULES).filter((opType) => !checked.has(opType))).toEqual(flat);
});
