/** Attributes of nodes: reading with a default, and making. */

import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from './proto/onnx_pb.js';

/** The attribute of that name, or undefined. */
export function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((candidate) => candidate.name === name);
}

/** An integer attribute, or `fallback` if the node does not carry it. */
export function intAttribute(node: NodeProto, name: string, fallback: number): number {
  const found = attribute(node, name);
  return found ? Number(found.i) : fallback;
}

/** A list of integers, or undefined if the node does not carry it. */
export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return attribute(node, name)?.ints.map(Number);
}

/** A string attribute, or undefined if the node does not carry it. */
export function stringAttribute(node: NodeProto, name: string): string | undefined {
  const found = attribute(node, name);
  return found && new TextDecoder().decode(found.s);
}

/** Every graph in the node's attributes: the bodies of If, Loop and Scan. */
export function bodiesOf(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap((entry) => (entry.g ? [entry.g, ...entry.graphs] : entry.graphs));
}

/** Makes an integer attribute. */
export function makeInt(name: string, value: number): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) });
}

/** Makes an attribute that is a list of integers. */
export function makeInts(name: string, values: readonly number[]): AttributeProto {
  const ints = values.map(BigInt);
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints });
}

/** Makes a tensor attribute. */
export function makeTensor(name: string, value: TensorProto): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.TENSOR, t: value });
}

/** Makes a graph attribute. */
export function makeGraph(name: string, value: GraphProto): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g: value });
}
