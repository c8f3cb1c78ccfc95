/**
 * Models of a linear exit: means of a tensor that crosses the cut, a matrix, and how sure the answer is. The confidence is the
 * largest probability of the classes, by the softmax of their scores.
 */

import { type LinearMap, withLinearOutput, withPooledOutput } from './linear-probe.js';
import { graphOf, withFields } from './model.js';
import type { ModelProto } from './proto/onnx_pb.js';
import { modelOfRecord, type NodeRecord, nodeOfRecord } from './records.js';
import { type TensorInfo, valueInfoOf } from './value-info.js';

/** Softmax and the reductions have their present form from here on, with axes as attributes to 17. */
const OPSET = 13;

/** How the tensor is averaged. */
export interface ExitPooling {
  /** Cells in a row and in a column, as `withPooledOutput` takes them. */
  readonly grid: number;
  /** Name of the features, float32 [N, features]. */
  readonly features: string;
}

/**
 * A model from a tensor to the features of an exit.
 * @throws {OnnxError} as `withPooledOutput`
 */
export function exitFeatures(input: TensorInfo, { grid, features }: ExitPooling): ModelProto {
  const bare = modelOfRecord({
    ...{ name: 'exit', opset: OPSET, inputs: [input], nodes: [], outputs: [input] },
    weights: new Map(),
  });
  const shapes = new Map([[input.name, input]]);
  return withPooledOutput(bare, input.name, { output: features, shapes, grid });
}

/** Names of what an exit gives. */
export interface ExitOutputs {
  /** Of the answer, float32 [N, classes]. */
  readonly answer: string;
  /** Of the largest probability, float32 [N]. */
  readonly confidence: string;
  /** Whether the answer is probabilities, as a network that ends in a softmax gives them, or the scores before it. */
  readonly answers: 'scores' | 'probabilities';
}

/**
 * The whole exit.
 * @param model - of `exitFeatures`
 * @param map - to scores whose softmax is the probability of the classes
 * @throws {OnnxError} `name-taken`
 */
export function linearExit(
  model: ModelProto,
  map: LinearMap,
  { answer, confidence, answers }: ExitOutputs,
): ModelProto {
  const scores = answers === 'scores' ? answer : `${answer}_scores`;
  const probabilities = answers === 'scores' ? `${answer}_probabilities` : answer;
  const scored = withLinearOutput(model, map, scores);
  const graph = graphOf(scored);
  const nodes: NodeRecord[] = [
    operation('Softmax', scores, probabilities, { axis: 1 }),
    operation('ReduceMax', probabilities, confidence, { axes: [1], keepdims: 0 }),
  ];
  const [classes] = map.bias.shape;
  const outputs: TensorInfo[] = [
    { name: answer, dtype: 'float32', shape: ['N', classes] },
    { name: confidence, dtype: 'float32', shape: ['N'] },
  ];
  return withFields(scored, {
    graph: withFields(graph, {
      node: [...graph.node, ...nodes.map(nodeOfRecord)],
      output: outputs.map(valueInfoOf),
    }),
  });
}

function operation(
  opType: string,
  input: string,
  output: string,
  attributes: NodeRecord['attributes'],
): NodeRecord {
  return { opType, name: output, inputs: [input], outputs: [output], attributes };
}
