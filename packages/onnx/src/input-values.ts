/** Giving values to inputs of a model that are the same in every run, such as a sample rate: they become weights. */

import { allocateData, elementCount, float16Bits, type Tensor, tensor } from '@featherwire/tensor';
import { OnnxError } from './errors.js';
import { indexGraph } from './graph.js';
import { FREE_INITIALIZERS_IR_VERSION, graphOf, withFields } from './model.js';
import { nearNames } from './near-names.js';
import type { ModelProto, ValueInfoProto } from './proto/onnx_pb.js';
import { isStatic, tensorInfoOf } from './value-info.js';
import { tensorToProto } from './weights.js';

/** Elements by the name of a graph input, in row-major order. */
export type InputValues = Readonly<Record<string, readonly number[]>>;

/**
 * A model in which the named inputs are weights of the given values and no inputs any more. Element types are those
 * that the inputs declare, and so are shapes; elements for an input of one open dimension are a list.
 * @throws {OnnxError} `unknown-tensor` for a name that is no input; `unknown-type` for an input that is no tensor;
 *   `shape-mismatch` if the number of elements does not fit, or an element its type
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
  const given = graph.input.filter(({ name }) => Object.hasOwn(values, name));
  const weights = given.map((input) => tensorToProto(input.name, tensorOf(input, values[input.name])));
  return withFields(model, {
    irVersion:
      model.irVersion < FREE_INITIALIZERS_IR_VERSION ? FREE_INITIALIZERS_IR_VERSION : model.irVersion,
    graph: withFields(graph, {
      input: graph.input.filter((input) => !given.includes(input)),
      initializer: [...graph.initializer, ...weights],
    }),
  });
}

function tensorOf(input: ValueInfoProto, elements: readonly number[]): Tensor {
  const info = tensorInfoOf(input);
  if (!info) throw new OnnxError('unknown-type', `input '${input.name}' is not declared as a numeric tensor`);
  const { name, dtype, shape } = info;
  const filled = shape?.length === 1 && typeof shape[0] === 'string' ? [elements.length] : shape;
  if (!isStatic(filled) || elementCount(filled) !== elements.length) {
    throw new OnnxError(
      'shape-mismatch',
      `input '${name}' expected elements for shape [${shape?.join(', ') ?? '?'}], got ${elements.length}`,
    );
  }
  const data = allocateData(dtype, elements.length);
  for (const [i, element] of elements.entries()) {
    const isReal = dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
    if (data instanceof BigInt64Array || data instanceof BigUint64Array)
      data[i] = BigInt(Math.trunc(element));
    else data[i] = dtype === 'float16' ? float16Bits(element) : element;
    if (!isReal && Number(data[i]) !== element) {
      throw new OnnxError('shape-mismatch', `input '${name}' expected elements of ${dtype}, got ${element}`);
    }
  }
  // `never` joins the union of storages to the type that `dtype` names; tensor() checks that they agree.
  return tensor(dtype, filled, data as never) as Tensor;
}
