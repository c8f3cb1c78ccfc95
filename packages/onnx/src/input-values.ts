/** Giving values to inputs of a model that are the same in every run, such as a sample rate: they become weights. */

import type { Tensor } from '@featherwire/tensor';
import { OnnxError } from './errors.js';
import { indexGraph } from './graph.js';
import { FREE_INITIALIZERS_IR_VERSION, graphOf, withFields } from './model.js';
import { nearNames } from './near-names.js';
import type { ModelProto } from './proto/onnx_pb.js';
import { type TensorInfo, tensorInfoOf } from './value-info.js';
import { tensorToProto } from './weights.js';

/** Values by the name of a graph input. */
export type InputValues = Readonly<Record<string, Tensor>>;

/**
 * A model in which the named inputs are weights of the given values and no inputs any more.
 * @throws {OnnxError} `unknown-tensor` for a name that is no input; `shape-mismatch` if a value has another element
 *   type or shape than the input declares
 */
export function withInputValues(model: ModelProto, values: InputValues): ModelProto {
  const names = Object.keys(values);
  if (names.length === 0) return model;
  const graph = graphOf(model);
  const { inputs } = indexGraph(model);
  const unknown = names.find((name) => !inputs.includes(name));
  if (unknown !== undefined) {
    throw new OnnxError('unknown-tensor', `input expected one of ${inputs.join(', ')}, got '${unknown}'`, {
      suggestions: nearNames(unknown, inputs),
    });
  }
  for (const input of graph.input) {
    const info = tensorInfoOf(input);
    if (info && Object.hasOwn(values, input.name)) checkValue(info, values[input.name]);
  }
  return withFields(model, {
    irVersion:
      model.irVersion < FREE_INITIALIZERS_IR_VERSION ? FREE_INITIALIZERS_IR_VERSION : model.irVersion,
    graph: withFields(graph, {
      input: graph.input.filter(({ name }) => !Object.hasOwn(values, name)),
      initializer: [...graph.initializer, ...names.map((name) => tensorToProto(name, values[name]))],
    }),
  });
}

function checkValue({ name, dtype, shape }: TensorInfo, value: Tensor): void {
  const fits =
    dtype === value.dtype &&
    (!shape ||
      (shape.length === value.shape.length &&
        shape.every((dimension, axis) => typeof dimension === 'string' || dimension === value.shape[axis])));
  if (fits) return;
  throw new OnnxError(
    'shape-mismatch',
    `input '${name}' expected ${dtype} [${shape?.join(', ') ?? '?'}], got ${value.dtype} [${value.shape.join(', ')}]`,
  );
}
