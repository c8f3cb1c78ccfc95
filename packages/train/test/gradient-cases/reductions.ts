import { type GradientCase, int64s, node } from '../check-gradient.js';
import { type Cases, X } from './cases.js';

const reduction = (opType: string, extra: Partial<GradientCase> = {}): GradientCase => ({
  nodes: [node(opType, ['x', 'axes'], 'y', { keepdims: 0 })],
  inputs: X,
  weights: { axes: int64s(0, -1) },
  ...extra,
});

export const REDUCTIONS: Cases = {
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
