/**
 * Models as protobuf messages: reading and writing bytes, and changing messages without touching the original.
 * Weights that live outside the model stay references here; `node/` reads and writes those files.
 */

import { fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { OnnxError } from './errors.js';
import { type GraphProto, type ModelProto, ModelProtoSchema, type NodeProto } from './proto/onnx_pb.js';

/** Protobuf's own limit: lengths are signed 32-bit numbers. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

/** Lowest IR version in which an initializer need not be listed among the graph's inputs (ONNX IR.md). */
export const FREE_INITIALIZERS_IR_VERSION = 4n;

/**
 * Reads a model. Weights are views of `bytes`, so `bytes` must stay unchanged while the model is used.
 * @param bytes - a whole ModelProto message
 * @throws {OnnxError} `invalid-protobuf` if the bytes are no message of the schema, `invalid-model` if the
 *   message holds no graph with outputs
 */
export function parseModel(bytes: Uint8Array): ModelProto {
  // A Buffer would give weights as Buffers, whose slice() shares memory; a plain view does not.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, plain);
  } catch (cause) {
    throw new OnnxError(
      'invalid-protobuf',
      `model expected ONNX protobuf, got ${bytes.byteLength} bytes that are not: ${reason(cause)}`,
      { cause },
    );
  }
  if (!model.graph || model.graph.output.length === 0) {
    const lacks = model.graph ? 'no graph output' : 'no graph';
    throw new OnnxError('invalid-model', `model expected a graph with outputs, got ${lacks}`);
  }
  return model;
}

/**
 * Writes a model as one protobuf message.
 * @throws {OnnxError} `too-large` above 2 GiB; such a model is written with external data
 */
export function serializeModel(model: ModelProto): Uint8Array {
  const weightBytes = inlineBytes(graphOf(model));
  if (weightBytes > MAX_MODEL_BYTES) {
    throw new OnnxError('too-large', `model expected at most ${MAX_MODEL_BYTES} bytes, got ${weightBytes}`);
  }
  const bytes = toBinary(ModelProtoSchema, model);
  if (bytes.byteLength > MAX_MODEL_BYTES) {
    throw new OnnxError(
      'too-large',
      `model expected at most ${MAX_MODEL_BYTES} bytes, got ${bytes.byteLength}`,
    );
  }
  return bytes;
}

/** The model's graph. @throws {OnnxError} `invalid-model` if there is none */
export function graphOf(model: ModelProto): GraphProto {
  if (!model.graph) throw new OnnxError('invalid-model', 'model expected a graph, got none');
  return model.graph;
}

/** A copy of `message` with some fields replaced; nested messages are shared, the original is not changed. */
export function withFields<M extends Message>(message: M, fields: Partial<M>): M {
  // The prototype carries proto2's default values, so it has to be kept.
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields);
}

/**
 * Version of an operator set that the model imports.
 * @param domain - `''` is ONNX's own
 * @returns undefined if the model does not import it
 */
export function opsetVersion(model: ModelProto, domain = ''): number | undefined {
  const wanted = domain === 'ai.onnx' ? '' : domain;
  const entry = model.opsetImport.find(
    (opset) => (opset.domain === 'ai.onnx' ? '' : opset.domain) === wanted,
  );
  return entry && Number(entry.version);
}

/** True if a node is of ONNX's own operator set. */
export function isStandardDomain(node: NodeProto): boolean {
  return node.domain === '' || node.domain === 'ai.onnx';
}

/** A node for messages: its type, and its name or first output. */
export function describeNode(node: NodeProto): string {
  return `${node.opType} '${node.name || node.output.find(Boolean) || '?'}'`;
}

/** Lower bound of the message's size: the raw weights in initializers and in Constant nodes. */
function inlineBytes(graph: GraphProto): number {
  let total = 0;
  for (const weight of graph.initializer) total += weight.rawData.byteLength;
  for (const node of graph.node) {
    for (const attribute of node.attribute) total += attribute.t?.rawData.byteLength ?? 0;
  }
  return total;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
