/** Copying a part of a model: chosen nodes, the weights they read, and new inputs and outputs. */

import type { GraphIndex } from './graph.js';
import { FREE_INITIALIZERS_IR_VERSION, graphOf, withFields } from './model.js';
import type { ModelProto, NodeProto, TensorProto, ValueInfoProto } from './proto/onnx_pb.js';

/** What to copy out of a model. */
export interface Part {
  /** Appended to the graph's name. */
  readonly suffix: string;
  /** Positions of nodes in the index. */
  readonly nodes: ReadonlySet<number>;
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  /** Weights to add; they replace values of the same name. */
  readonly extraWeights: readonly TensorProto[];
  /** Nodes to put before all others. Default: none. */
  readonly extraNodes?: readonly NodeProto[];
}

/**
 * A model of the given part. Messages are shared with `model`, which is not changed. Initializers that the part
 * reads come along as plain weights: those that an old exporter listed as inputs are inputs no more.
 */
export function extractPart(model: ModelProto, index: GraphIndex, part: Part): ModelProto {
  const graph = graphOf(model);
  const positions = [...part.nodes].sort((a, b) => a - b);
  const read = new Set(positions.flatMap((position) => index.reads[position]));
  for (const { name } of part.outputs) read.add(name);
  const boundary = new Set([...part.inputs, ...part.outputs].map(({ name }) => name));
  const inside = new Set(positions.flatMap((position) => index.nodes[position].output));
  return withFields(model, {
    irVersion:
      model.irVersion < FREE_INITIALIZERS_IR_VERSION ? FREE_INITIALIZERS_IR_VERSION : model.irVersion,
    trainingInfo: [],
    graph: withFields(graph, {
      name: `${graph.name}${part.suffix}`,
      node: [...(part.extraNodes ?? []), ...positions.map((position) => index.nodes[position])],
      initializer: [...graph.initializer.filter(({ name }) => read.has(name)), ...part.extraWeights],
      sparseInitializer: graph.sparseInitializer.filter(({ values }) => read.has(values?.name ?? '')),
      input: [...part.inputs],
      output: [...part.outputs],
      valueInfo: graph.valueInfo.filter(({ name }) => inside.has(name) && !boundary.has(name)),
      quantizationAnnotation: graph.quantizationAnnotation.filter(({ tensorName }) => read.has(tensorName)),
    }),
  });
}
