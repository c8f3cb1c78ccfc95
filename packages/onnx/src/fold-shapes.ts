/**
 * Folding shape arithmetic: once the dimensions that a Shape or Size node reads are known, what is computed from them
 * (Slice, Cast, Concat, … up to the second input of a Reshape) is a constant. So is arithmetic on a few integers among
 * the weights, from which exporters make pads and axes. The engine computes these constants in a small model of their
 * own, and they take the place of their nodes.
 */

import { computeConstants } from './compute-constants.js';
import { dependsOnInputs, isRandom, staticShapeValue } from './dataflow.js';
import { type GraphIndex, indexGraph } from './graph.js';
import { graphOf, withFields } from './model.js';
import { type ModelProto, type NodeProto, type TensorProto, TensorProto_DataType } from './proto/onnx_pb.js';
import type { SessionFactory } from './sessions.js';
import { type ShapeTable, staticElementCount } from './value-info.js';
import { dimsOf, isExternal, tensorToProto } from './weights.js';

/**
 * The model with its static shape arithmetic replaced by weights under the same names.
 * @param shapes - of this very model
 * @returns undefined if there is nothing to fold
 * @throws {InferenceError} if the engine cannot compute a constant
 */
export async function foldShapeArithmetic(
  model: ModelProto,
  shapes: ShapeTable,
  sessions: SessionFactory,
): Promise<ModelProto | undefined> {
  const index = indexGraph(model);
  const readers = staticReaders(index, shapes);
  const arithmetic = arithmeticNodes(index, shapes, readers);
  if (readers.size + arithmetic.size === 0) return undefined;
  const known = [...readers.values()];
  const targets = boundaryOf(index, arithmetic);
  const computed =
    targets.length === 0 ? [] : await computeConstants(model, index, { targets, known, sessions });
  const removed = new Set([...readers.keys(), ...arithmetic].map((position) => index.nodes[position]));
  const graph = graphOf(model);
  return withFields(model, {
    graph: withFields(graph, {
      node: graph.node.filter((node) => !removed.has(node)),
      initializer: [...graph.initializer, ...known, ...computed],
    }),
  });
}

/** Positions of the nodes that read a static shape, with what they give. */
export function staticReaders(index: GraphIndex, shapes: ShapeTable): Map<number, TensorProto> {
  const readers = new Map<number, TensorProto>();
  for (const [position, node] of index.nodes.entries()) {
    const value = staticShapeValue(node, shapes);
    if (value) readers.set(position, tensorToProto(node.output[0], value));
  }
  return readers;
}

/** Elements of a weight that shape arithmetic may begin with: axes, pads and the like. */
const MAX_ARITHMETIC_ELEMENTS = 64;

/** Nodes that follow from static shapes and weights alone, or from a few integers alone. */
function arithmeticNodes(
  index: GraphIndex,
  shapes: ShapeTable,
  readers: ReadonlyMap<number, TensorProto>,
): Set<number> {
  const depends = dependsOnInputs(index, shapes);
  const follows = new Set([...readers.values()].map(({ name }) => name));
  const integers = fewIntegers(index);
  const random = new Set<string>();
  const nodes = new Set<number>();
  for (const [position, node] of index.nodes.entries()) {
    const reads = index.reads[position];
    if (isRandom(node) || reads.some((name) => random.has(name))) {
      for (const name of node.output) random.add(name);
      continue;
    }
    const isInteger = reads.length > 0 && reads.every((name) => integers.has(name)) && isTensor(node, shapes);
    if (isInteger) for (const name of node.output) integers.add(name);
    if (isInteger || (!depends[position] && reads.some((name) => follows.has(name)))) {
      nodes.add(position);
      for (const name of node.output) if (name) follows.add(name);
    }
  }
  return nodes;
}

/** Names of weights inside the model that hold a few integers. */
function fewIntegers(index: GraphIndex): Set<string> {
  const names = new Set<string>();
  for (const [name, weight] of index.weights) {
    const isInteger =
      weight.dataType === TensorProto_DataType.INT64 || weight.dataType === TensorProto_DataType.INT32;
    const elements = staticElementCount(dimsOf(weight)) ?? 0;
    if (isInteger && !isExternal(weight) && elements <= MAX_ARITHMETIC_ELEMENTS) names.add(name);
  }
  return names;
}

function isTensor(node: NodeProto, shapes: ShapeTable): boolean {
  return node.output.every((name) => !name || shapes.has(name));
}

/** Values of the nodes that something outside of them reads. */
function boundaryOf(index: GraphIndex, nodes: ReadonlySet<number>): string[] {
  const names = [...nodes].flatMap((position) => index.nodes[position].output).filter(Boolean);
  const outputs = new Set(index.outputs);
  const readOutside = (name: string): boolean =>
    outputs.has(name) || (index.consumers.get(name) ?? []).some((position) => !nodes.has(position));
  return names.filter(readOutside);
}
