/**
 * Graphs as plain records: nodes by names and attributes, weights as tensors. For packages that build or rewrite whole
 * graphs and have no wish to see protobuf messages. Bodies of control flow and sparse values have no record.
 */

import { create } from '@bufbuild/protobuf';
import type { Tensor } from '@featherwire/tensor';
import { makeInt, makeInts, makeTensor } from './attributes.js';
import { OnnxError } from './errors.js';
import { describeNode } from './model.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
} from './proto/onnx_pb.js';
import { type TensorInfo, untypedValueInfo, valueInfoOf } from './value-info.js';
import { tensorFromProto, tensorToProto } from './weights.js';

/** IR version of models made here; that of operator set 18 (ONNX Versioning.md). */
const IR_VERSION = 8n;

/** The value of an attribute. A plain number is an integer; real numbers say that they are. */
export type AttributeValue =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: Tensor };

/** Attributes of a node by name. */
export type AttributeRecord = Readonly<Record<string, AttributeValue>>;

/** A node of ONNX's own operator set. */
export interface NodeRecord {
  readonly opType: string;
  readonly name: string;
  /** Names of values; `''` for an optional input that is left out. */
  readonly inputs: readonly string[];
  /** Names of values; `''` for an optional output that is left out. */
  readonly outputs: readonly string[];
  readonly attributes: AttributeRecord;
}

/** A whole graph; nodes in topological order. */
export interface GraphRecord {
  readonly name: string;
  readonly opset: number;
  readonly inputs: readonly TensorInfo[];
  readonly nodes: readonly NodeRecord[];
  /** Declared outputs; those that are names alone stay without a type, which an engine infers. */
  readonly outputs: readonly (TensorInfo | string)[];
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** A model of a graph; weights are views of the tensors' memory. */
export function modelOfRecord({ name, opset, inputs, nodes, outputs, weights }: GraphRecord): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'featherwire',
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
    graph: create(GraphProtoSchema, {
      name,
      node: nodes.map(nodeOfRecord),
      input: inputs.map(valueInfoOf),
      output: outputs.map((output) =>
        typeof output === 'string' ? untypedValueInfo(output) : valueInfoOf(output),
      ),
      initializer: [...weights].map(([weightName, value]) => tensorToProto(weightName, value)),
    }),
  });
}

/**
 * The record of a node.
 * @throws {OnnxError} `unsupported-type` for attributes that are graphs, types, sparse or lists of strings or tensors
 */
export function recordOfNode(node: NodeProto): NodeRecord {
  const attributes: Record<string, AttributeValue> = {};
  for (const entry of node.attribute) attributes[entry.name] = attributeValue(entry, node);
  return {
    opType: node.opType,
    name: node.name || (node.output.find(Boolean) ?? ''),
    inputs: [...node.input],
    outputs: [...node.output],
    attributes,
  };
}

/** The message of a node. */
export function nodeOfRecord({ opType, name, inputs, outputs, attributes }: NodeRecord): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    name,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, value]) => attributeOfValue(key, value)),
  });
}

function attributeOfValue(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return makeInt(name, value);
  if (typeof value === 'string') {
    const s = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s });
  }
  if ('float' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value.float });
  }
  if ('floats' in value) {
    const floats = [...value.floats];
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOATS, floats });
  }
  if ('tensor' in value) return makeTensor(name, tensorToProto('', value.tensor));
  return makeInts(name, value);
}

/** What an attribute holds. Files of the first IR versions leave the type out; the filled field then tells it. */
function attributeValue(entry: AttributeProto, node: NodeProto): AttributeValue {
  const Type = AttributeProto_AttributeType;
  switch (entry.type === Type.UNDEFINED ? typeByField(entry) : entry.type) {
    case Type.INT:
      return Number(entry.i);
    case Type.INTS:
      return entry.ints.map(Number);
    case Type.FLOAT:
      return { float: entry.f };
    case Type.FLOATS:
      return { floats: [...entry.floats] };
    case Type.STRING:
      return new TextDecoder().decode(entry.s);
    case Type.TENSOR:
      if (entry.t) return { tensor: tensorFromProto(entry.t) };
      break;
  }
  throw new OnnxError(
    'unsupported-type',
    `attribute '${entry.name}' of ${describeNode(node)} expected numbers, a string or a tensor`,
  );
}

function typeByField(entry: AttributeProto): AttributeProto_AttributeType {
  const Type = AttributeProto_AttributeType;
  if (entry.t) return Type.TENSOR;
  if (entry.ints.length > 0) return Type.INTS;
  if (entry.floats.length > 0) return Type.FLOATS;
  if (entry.s.length > 0) return Type.STRING;
  return entry.f !== 0 ? Type.FLOAT : Type.INT;
}
