import { node } from '../check-gradient.js';
import type { Cases } from './cases.js';

export const MATRICES: Cases = {
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
