/** Gradients of MatMul and Gemm. */

import { elementCount } from '@featherwire/tensor';
import { floatAttribute, intAttribute } from '../graph/attributes.js';
import type { Graph, Value } from '../graph/graph.js';
import { matMul, reshape, scale, sumToShape, transposeMatrix } from '../graph/operators.js';
import { type GradientRule, inputOf, ofFirstOutput } from './rule.js';

/** A vector on the left is a row, one on the right a column. */
const product: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [left, right] = [inputOf(operation, 0), inputOf(operation, 1)];
  const a = left.shape.length === 1 ? reshape(g, left, [1, left.shape[0]]) : left;
  const b = right.shape.length === 1 ? reshape(g, right, [right.shape[0], 1]) : right;
  const rows = a.shape[a.shape.length - 2];
  const columns = b.shape[b.shape.length - 1];
  const batch = dy.shape.slice(
    0,
    dy.shape.length - Number(left.shape.length > 1) - Number(right.shape.length > 1),
  );
  const matrix = reshape(g, dy, [...batch, rows, columns]);
  return [
    () => reshape(g, sumToShape(g, matMul(g, matrix, transposeMatrix(g, b)), a.shape), left.shape),
    () => reshape(g, rightGradient(g, a, b, matrix), right.shape),
  ];
});

/** One matrix on the right of many: rows of all of them are rows of one product. */
function rightGradient(g: Graph, a: Value, b: Value, dy: Value): Value {
  if (b.shape.length > 2) return sumToShape(g, matMul(g, transposeMatrix(g, a), dy), b.shape);
  const [inner, columns] = b.shape;
  const rows = elementCount(a.shape) / Math.max(1, inner);
  const flat = transposeMatrix(g, reshape(g, a, [rows, inner]));
  return matMul(g, flat, reshape(g, dy, [rows, columns]));
}

/** y = alpha A' B' + beta C, where ' may transpose. */
const gemm: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [a, b, c] = operation.inputs;
  const { attributes } = operation;
  const alpha = floatAttribute(attributes, 'alpha', 1);
  const beta = floatAttribute(attributes, 'beta', 1);
  const transA = intAttribute(attributes, 'transA', 0) === 1;
  const transB = intAttribute(attributes, 'transB', 0) === 1;
  const t = (value: Value, transposed: boolean): Value => (transposed ? transposeMatrix(g, value) : value);
  return [
    () => scale(g, t(matMul(g, dy, t(b!, !transB)), transA), alpha),
    () => scale(g, t(matMul(g, t(a!, !transA), dy), transB), alpha),
    c ? () => scale(g, sumToShape(g, dy, c.shape), beta) : null,
  ];
});

export const MATRIX_RULES: Readonly<Record<string, GradientRule>> = { Gemm: gemm, MatMul: product };
