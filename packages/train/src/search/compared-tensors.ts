/** Where the answers with a unit are compared with those without: label-free distillation needs graded tensors. */

import { indexGraph, type ModelProto, type NodeProto, type ShapeTable } from '@featherwire/onnx';

/** Operators that hide how close an answer was; what they read is compared instead. */
const DECISIONS: readonly string[] = ['Softmax', 'LogSoftmax', 'ArgMax', 'Identity', 'Cast'];
/** Operators that take the places of a map together. */
const POOLINGS: readonly string[] = [
  'GlobalAveragePool',
  'AveragePool',
  'GlobalMaxPool',
  'MaxPool',
  'ReduceMean',
  'Flatten',
];
const MAP_RANK = 4;

/**
 * Tensors of a tail to compare: for each output the last one before any decision, and the last map before it is pooled,
 * from which a gradient says more than from a few scores.
 * @param tail - with static shapes, and these
 */
export function comparedTensors(tail: ModelProto, shapes: ShapeTable): string[] {
  const { nodes, outputs } = indexGraph(tail);
  const producers = producersOf(nodes);
  const names = new Set(outputs.map((output) => beforeDecisions(producers, output)));
  const pooling = nodes.findLast(
    ({ opType, input }) =>
      POOLINGS.includes(opType) &&
      shapes.get(input[0])?.shape?.length === MAP_RANK &&
      producers.has(input[0]),
  );
  if (pooling) names.add(pooling.input[0]);
  return [...names];
}

/** The scores that an output is decided by: the last tensor before a softmax or an index. */
export function scoresOf(tail: ModelProto, output: string): string {
  return beforeDecisions(producersOf(indexGraph(tail).nodes), output);
}

type Producers = ReadonlyMap<string, NodeProto>;

function producersOf(nodes: readonly NodeProto[]): Producers {
  return new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
}

function beforeDecisions(producers: Producers, output: string): string {
  let name = output;
  for (let node = producers.get(name); node && DECISIONS.includes(node.opType); node = producers.get(name))
    name = node.input[0];
  return name;
}
