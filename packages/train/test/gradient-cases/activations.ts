import { tensor } from '@featherwire/tensor';
import { node } from '../check-gradient.js';
import { type Cases, unary, X } from './cases.js';

const FLOAT32_CURVE = { dtype: 'float32', step: 1e-2, tolerance: 1e-3 } as const;
const bounds = {
  low: tensor('float64', [], Float64Array.of(-0.4)),
  high: tensor('float64', [], Float64Array.of(0.7)),
};

export const ACTIVATIONS: Cases = {
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
