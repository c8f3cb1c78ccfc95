import { tensor } from '@featherwire/tensor';
import { node, normals } from '../check-gradient.js';
import type { Cases } from './cases.js';

const statistics = {
  mean: normals('float64', [3], 11),
  variance: tensor('float64', [3], Float64Array.of(0.5, 1, 2)),
};

export const NORMALIZATION: Cases = {
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
