/**
 * Folding shape arithmetic: once the dimensions that a Shape or Size node reads are known, what is computed from them
 * (Slice, Cast, Concat, … up to the second input of a Reshape) is a constant. The engine computes these constants in
 * a small model of their own, and they take the place of their nodes.
 */

import { dependsOnInputs, isRandom, staticShapeValue } from './dataflow.js';
import { extractPart } from './extract.js';
import { type GraphIndex, indexGraph } from './graph.js';
import { graphOf, serializeModel, withFields } from './model.js';
import type { ModelProto, TensorProto } from './proto/onnx_pb.js';
import type { SessionFactory } from './sessions.js';
import { type ShapeTable, untypedValueInfo } from './value-info.js';
import { tensorToProto } from './weights.js';

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
  if (readers.size === 0) return undefined;
  const arithmetic = arithmeticNodes(index, shapes, readers);
  const known = [...readers.values()];
  const targets = boundaryOf(index, arithmetic);
  const computed = targets.length === 0 ? [] : await compute(model, index, targets, known, sessions);
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
function staticReaders(index: GraphIndex, shapes: ShapeTable): Map<number, TensorProto> {
  const readers = new Map<number, TensorProto>();
  for (const [position, node] of index.nodes.entries()) {
    const value = staticShapeValue(node, shapes);
    if (value) readers.set(position, tensorToProto(node.output[0], value));
  }
  return readers;
}

/** Nodes that follow from static shapes and weights alone. */
function arithmeticNodes(
  index: GraphIndex,
  shapes: ShapeTable,
  readers: ReadonlyMap<number, TensorProto>,
): Set<number> {
  const depends = dependsOnInputs(index, shapes);
  const follows = new Set([...readers.values()].map(({ name }) => name));
  const random = new Set<string>();
  const nodes = new Set<number>();
  for (const [position, node] of index.nodes.entries()) {
    const reads = index.reads[position];
    if (isRandom(node) || reads.some((name) => random.has(name))) {
      for (const name of node.output) random.add(name);
    } else if (!depends[position] && reads.some((name) => follows.has(name))) {
      nodes.add(position);
      for (const name of node.output) if (name) follows.add(name);
    }
  }
  return nodes;
}

/** Values of the nodes that something outside of them reads. */
function boundaryOf(index: GraphIndex, nodes: ReadonlySet<number>): string[] {
  const names = [...nodes].flatMap((position) => index.nodes[position].output).filter(Boolean);
  const outputs = new Set(index.outputs);
  const readOutside = (name: string): boolean =>
    outputs.has(name) || (index.consumers.get(name) ?? []).some((position) => !nodes.has(position));
  return names.filter(readOutside);
}

async function compute(
  model: ModelProto,
  index: GraphIndex,
  targets: readonly string[],
  known: readonly TensorProto[],
  sessions: SessionFactory,
): Promise<TensorProto[]> {
  const given = new Set(known.map(({ name }) => name));
  const nodes = new Set<number>();
  const stack = [...targets];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    const position = index.producer.get(name);
    if (given.has(name) || position === undefined || nodes.has(position)) continue;
    nodes.add(position);
    stack.push(...index.reads[position]);
  }
  const part = extractPart(model, index, {
    suffix: '_shapes',
    nodes,
    inputs: [],
    outputs: targets.map(untypedValueInfo),
    extraWeights: known,
  });
  const session = await sessions(serializeModel(part), { graphOptimization: 'disabled' });
  try {
    const { outputs } = await session.run({});
    return targets.map((name) => tensorToProto(name, outputs[name]));
  } finally {
    await session.close();
  }
}
