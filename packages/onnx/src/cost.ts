/**
 * What a model costs: multiply-accumulate operations (MACs) and parameters.
 *
 * One MAC is one multiplication with the addition that takes it up, for one run. Counted are Conv, ConvTranspose,
 * Gemm, MatMul, Einsum of two operands, LSTM, GRU and RNN, with their quantized and fused forms; everything else
 * (activations, normalisation, pooling, element-wise arithmetic, the gates' activations) counts as zero. Multiplications
 * with padding count as if they were made. Bodies of control flow that hold counted operators, and calls of the model's own
 * functions, have no stated cost.
 */

import { bodiesOf, intAttribute, stringAttribute } from './attributes.js';
import { type GraphIndex, indexGraph } from './graph.js';
import type { ModelProto, NodeProto, TensorProto } from './proto/onnx_pb.js';
import { TensorProto_DataType } from './proto/onnx_pb.js';
import { isStatic, type ShapeTable, staticElementCount } from './value-info.js';
import { dimsOf } from './weights.js';

/** Cost of a model or of one side of it. */
export interface Cost {
  /** Multiply-accumulate operations of one run; null if a shape that decides them is not static. */
  readonly macs: number | null;
  /** Elements of the weights, each weight once; 64-bit integers, booleans and strings (shapes, axes, masks) are not counted. */
  readonly parameters: number;
}

/** Cost of one node. */
export interface NodeCost extends Cost {
  readonly name: string;
  readonly opType: string;
  readonly outputs: readonly string[];
}

/** Cost of a model with its parts. A weight that several nodes read is in the cost of each, and once in the sum. */
export interface ModelCost extends Cost {
  readonly nodes: readonly NodeCost[];
}

/**
 * Counts a model's MACs and parameters.
 * @param shapes - of this model's tensors, or of the whole that it was cut from; see `inferShapes`
 * @throws {OnnxError} `invalid-model`
 */
export function modelCost(model: ModelProto, shapes: ShapeTable): ModelCost {
  const index = indexGraph(model);
  const nodes = index.nodes.map((node, position) => nodeCost(index, position, node, shapes));
  let parameters = 0;
  for (const [name, weight] of index.weights) {
    if (index.consumers.has(name)) parameters += parametersOf(weight);
  }
  return { macs: sumMacs(nodes), parameters, nodes };
}

/** Elements of a weight if it counts as parameters, else 0. */
export function parametersOf(weight: TensorProto): number {
  switch (weight.dataType) {
    case TensorProto_DataType.INT64:
    case TensorProto_DataType.BOOL:
    case TensorProto_DataType.STRING:
      return 0;
    default:
      return dimsOf(weight).reduce((product, dimension) => product * dimension, 1);
  }
}

/**
 * MACs of one node.
 * @returns null if a shape that decides them is not known
 */
export function nodeMacs(index: GraphIndex, node: NodeProto, shapes: ShapeTable): number | null {
  const shapeOf = (name: string | undefined): readonly number[] | null => {
    const weight = name ? index.weights.get(name) : undefined;
    const shape = weight ? dimsOf(weight) : name ? shapes.get(name)?.shape : null;
    return isStatic(shape) ? shape : null;
  };
  if (index.isCall(node)) return null;
  const count = COUNTERS.get(node.opType);
  if (count) return count(node, shapeOf);
  const nested = bodiesOf(node).some(holdsCounted);
  return nested ? null : 0;
}

function nodeCost(index: GraphIndex, position: number, node: NodeProto, shapes: ShapeTable): NodeCost {
  let parameters = 0;
  for (const name of index.reads[position]) {
    const weight = index.weights.get(name);
    if (weight) parameters += parametersOf(weight);
  }
  const macs = nodeMacs(index, node, shapes);
  return { name: node.name, opType: node.opType, outputs: node.output.filter(Boolean), macs, parameters };
}

function sumMacs(nodes: readonly NodeCost[]): number | null {
  return nodes.reduce<number | null>(
    (sum, { macs }) => (sum === null || macs === null ? null : sum + macs),
    0,
  );
}

function holdsCounted(body: { readonly node: readonly NodeProto[] }): boolean {
  return body.node.some((node) => COUNTERS.has(node.opType) || bodiesOf(node).some(holdsCounted));
}

type ShapeOf = (name: string | undefined) => readonly number[] | null;
type Counter = (node: NodeProto, shapeOf: ShapeOf) => number | null;

/** Product of the dimensions of each shape; null if one is unknown. */
function product(...shapes: (readonly number[] | null)[]): number | null {
  let total = 1;
  for (const shape of shapes) {
    const count = staticElementCount(shape);
    if (count === null) return null;
    total *= count;
  }
  return total;
}

/** Conv: every output element takes one kernel of all channels of its group; the weight is [O, I / group, k…]. */
const convolution =
  (weightInput: number): Counter =>
  (node, shapeOf) =>
    product(shapeOf(node.output[0]), shapeOf(node.input[weightInput])?.slice(1) ?? null);

/** ConvTranspose: every input element is spread by one kernel; the weight is [I, O / group, k…]. */
const transposedConvolution: Counter = (node, shapeOf) =>
  product(shapeOf(node.input[0]), shapeOf(node.input[1])?.slice(1) ?? null);

const gemm: Counter = (node, shapeOf) => {
  const a = shapeOf(node.input[0]);
  const depth = a?.[intAttribute(node, 'transA', 0) ? 0 : 1];
  return product(shapeOf(node.output[0]), depth === undefined ? null : [depth]);
};

/** MatMul: every output element is a dot product over the last axis of the first operand. */
const matrixProduct: Counter = (node, shapeOf) =>
  product(shapeOf(node.output[0]), shapeOf(node.input[0])?.slice(-1) ?? null);

/** Recurrent layers: each step of each sequence takes all of W [directions, gates·H, I] and R [directions, gates·H, H]. */
const recurrent: Counter = (node, shapeOf) => {
  const steps = product(shapeOf(node.input[0])?.slice(0, 2) ?? null); // sequence length × batch, in either layout
  const input = product(shapeOf(node.input[1]));
  const recurrence = product(shapeOf(node.input[2]));
  if (steps === null || input === null || recurrence === null) return null;
  return steps * (input + recurrence);
};

/** Einsum of two operands: the product of all distinct indices; other forms have no stated cost. */
const einsum: Counter = (node, shapeOf) => {
  const terms = (stringAttribute(node, 'equation') ?? '').replaceAll(/\s/g, '').split('->')[0].split(',');
  if (terms.length !== 2 || terms.some((term) => term.includes('.'))) return null;
  const sizes = new Map<string, number>();
  for (const [operand, term] of terms.entries()) {
    const shape = shapeOf(node.input[operand]);
    if (shape?.length !== term.length) return null;
    for (const [axis, letter] of [...term].entries()) {
      sizes.set(letter, Math.max(shape[axis], sizes.get(letter) ?? 1));
    }
  }
  return product([...sizes.values()]);
};

const COUNTERS: ReadonlyMap<string, Counter> = new Map([
  ['Conv', convolution(1)],
  ['FusedConv', convolution(1)],
  ['ConvInteger', convolution(1)],
  ['QLinearConv', convolution(3)],
  ['ConvTranspose', transposedConvolution],
  ['Gemm', gemm],
  ['FusedGemm', gemm],
  ['MatMul', matrixProduct],
  ['FusedMatMul', matrixProduct],
  ['MatMulInteger', matrixProduct],
  ['QLinearMatMul', matrixProduct],
  ['Einsum', einsum],
  ['LSTM', recurrent],
  ['GRU', recurrent],
  ['RNN', recurrent],
]);
