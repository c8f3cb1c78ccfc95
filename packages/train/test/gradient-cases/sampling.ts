import { tensor } from '@featherwire/tensor';
import { type GradientCase, int64s, node } from '../check-gradient.js';
import type { Cases } from './cases.js';

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

export const SAMPLING: Cases = {
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
