/** Computing values that follow from weights alone, by the engine, in a small model of their own. */

import { extractPart } from './extract.js';
import type { GraphIndex } from './graph.js';
import { serializeModel } from './model.js';
import type { ModelProto, TensorProto } from './proto/onnx_pb.js';
import type { SessionFactory } from './sessions.js';
import { untypedValueInfo } from './value-info.js';
import { tensorToProto } from './weights.js';

/** What to compute from what. */
export interface ConstantRequest {
  /** Names of values; none may follow from a graph input. */
  readonly targets: readonly string[];
  /** Values to take as given, in place of the nodes that make them. */
  readonly known: readonly TensorProto[];
  readonly sessions: SessionFactory;
}

/**
 * Runs the part of a model that makes the targets.
 * @returns the targets as weights under their names, in their order
 * @throws {InferenceError} if the engine refuses or fails
 */
export async function computeConstants(
  model: ModelProto,
  index: GraphIndex,
  { targets, known, sessions }: ConstantRequest,
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
