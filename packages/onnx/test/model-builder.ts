/** Small models for tests: a few words per node, weights from tensors, types by inference. */

import { create } from '@bufbuild/protobuf';
import { type DType, type Tensor, tensor } from '@featherwire/tensor';
import {
  type AttributeProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
} from '../src/proto/onnx_pb.js';
import { type Dimension, untypedValueInfo, valueInfoOf } from '../src/value-info.js';
import { tensorToProto } from '../src/weights.js';

/** A node. Its name is that of its first output. */
export function op(
  opType: string,
  input: readonly string[],
  output: string | readonly string[],
  attribute: readonly AttributeProto[] = [],
): NodeProto {
  const outputs = typeof output === 'string' ? [output] : [...output];
  return create(NodeProtoSchema, {
    opType,
    name: outputs[0],
    input: [...input],
    output: outputs,
    attribute: [...attribute],
  });
}

/** A declared input: name, dimensions and, if not float32, element type. */
export interface Declared {
  readonly name: string;
  readonly shape: readonly Dimension[] | null;
  readonly dtype?: DType;
}

export interface ModelParts {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: readonly Declared[];
  /** Names alone stay without a type. */
  readonly outputs: readonly (string | Declared)[];
  readonly weights?: Readonly<Record<string, Tensor>>;
  readonly opset?: number;
  readonly irVersion?: number;
}

export function buildGraph({ nodes, inputs = [], outputs, weights = {} }: ModelParts): GraphProto {
  const declare = ({ name, shape, dtype = 'float32' }: Declared) => valueInfoOf({ name, shape, dtype });
  return create(GraphProtoSchema, {
    name: 'test',
    node: [...nodes],
    input: inputs.map(declare),
    output: outputs.map((output) =>
      typeof output === 'string' ? untypedValueInfo(output) : declare(output),
    ),
    initializer: Object.entries(weights).map(([name, value]) => tensorToProto(name, value)),
  });
}

export function buildModel(parts: ModelParts): ModelProto {
  const { opset = 13, irVersion = 8 } = parts;
  return create(ModelProtoSchema, {
    irVersion: BigInt(irVersion),
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
    graph: buildGraph(parts),
  });
}

/** A float32 weight filled by a rule that needs no generator: small, signed, no two alike nearby. */
export function weight(...shape: number[]): Tensor {
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i * 1.7) / 2),
  );
}

export function int64s(...values: number[]): Tensor {
  return tensor('int64', [values.length], BigInt64Array.from(values, BigInt));
}
