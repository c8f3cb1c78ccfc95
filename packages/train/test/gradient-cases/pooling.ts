import { type GradientCase, node } from '../check-gradient.js';
import { type Cases, IMAGE } from './cases.js';

const pool = (opType: string, attributes: GradientCase['nodes'][0]['attributes']): GradientCase => ({
  nodes: [node(opType, ['x'], 'y', attributes)],
  inputs: IMAGE,
  dtype: 'float32',
});
/** Steps so small that no maximum changes; float32 then leaves three digits. */
const MAXIMUM = { dtype: 'float64', step: 1e-6 } as const;

export const POOLING: Cases = {
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
