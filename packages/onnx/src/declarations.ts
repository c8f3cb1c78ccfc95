/** What a model declares of its values by itself, without an engine. */

import { indexGraph } from './graph.js';
import { graphOf } from './model.js';
import type { ModelProto, ValueInfoProto } from './proto/onnx_pb.js';
import { type TensorInfo, tensorInfoOf } from './value-info.js';

/** The types that a model declares: inputs, outputs and `value_info`. */
export function declaredShapes(model: ModelProto): Map<string, TensorInfo> {
  const graph = graphOf(model);
  return new Map(tensorInfos([...graph.valueInfo, ...graph.output, ...graph.input]));
}

/**
 * The model's inputs as declared, in order, without the initializers that old exporters list among them. Inputs that
 * are no tensors of a known type are left out.
 * @throws {OnnxError} `invalid-model`
 */
export function declaredInputs(model: ModelProto): TensorInfo[] {
  const inputs = new Set(indexGraph(model).inputs);
  return tensorInfos(graphOf(model).input.filter(({ name }) => inputs.has(name))).map(([, info]) => info);
}

/** The model's outputs as declared, in order. Outputs without a type are left out. */
export function declaredOutputs(model: ModelProto): TensorInfo[] {
  return tensorInfos(graphOf(model).output).map(([, info]) => info);
}

function tensorInfos(values: readonly ValueInfoProto[]): [string, TensorInfo][] {
  return values.flatMap((value) => {
    const info = tensorInfoOf(value);
    return info ? [[value.name, info]] : [];
  });
}
