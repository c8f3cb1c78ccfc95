/** Letting a model answer with the index of the largest score in place of the scores. */

import { create } from '@bufbuild/protobuf';
import type { DType } from '@featherwire/tensor';
import { makeInt } from './attributes.js';
import { OnnxError } from './errors.js';
import { hasTensor, indexGraph } from './graph.js';
import { graphOf, opsetVersion, withFields } from './model.js';
import { nearNames } from './near-names.js';
import { type ModelProto, type NodeProto, NodeProtoSchema, type ValueInfoProto } from './proto/onnx_pb.js';
import { type Dimension, type ShapeTable, type TensorInfo, tensorInfoOf, valueInfoOf } from './value-info.js';
import { elementTypeOf } from './weights.js';

/** First operator set whose Cast names the type by number and in which this package's forms hold. */
const MIN_OPSET = 6;
/** First operator set whose ArgMax takes a negative axis. */
const NEGATIVE_AXIS_OPSET = 11;

/** Types that engines' ArgMax takes as they are; others are cast to the type named here first. */
const ARG_MAX_TYPE: { readonly [D in DType]: DType } = {
  float32: 'float32',
  float64: 'float64',
  float16: 'float32',
  int8: 'int32',
  uint8: 'int32',
  int16: 'int32',
  uint16: 'int32',
  int32: 'int32',
  uint32: 'float64',
  // float64 holds integers up to 2^53 exactly; larger ones may tie.
  int64: 'float64',
  uint64: 'float64',
  bool: 'int32',
};

/** Which axis, and what is known beside the model. */
export interface ArgMaxOptions {
  /** Axis of the scores; negative counts from the last. */
  readonly axis: number;
  /** Types and shapes of tensors, for outputs whose declaration lacks them. */
  readonly shapes?: ShapeTable;
}

/**
 * Replaces one output of a model by the index of its largest element along an axis.
 * @returns a model whose output `<outputName>_argmax`, int32, stands in the place of `outputName`, with that axis
 *   taken out of its shape; of equal elements the first counts
 * @throws {OnnxError} `unknown-tensor` if there is no such output; `unknown-type` if its element type, or for old
 *   operator sets its rank, is not known; `name-taken`; `shape-mismatch` if the axis is outside the rank;
 *   `unsupported-type` for operator sets before 6
 */
export function appendArgMax(model: ModelProto, outputName: string, options: ArgMaxOptions): ModelProto {
  const graph = graphOf(model);
  const opset = opsetVersion(model) ?? 1;
  if (opset < MIN_OPSET) {
    throw new OnnxError('unsupported-type', `operator set expected at least ${MIN_OPSET}, got ${opset}`);
  }
  const output = graph.output.find(({ name }) => name === outputName);
  if (!output) throw unknownOutput(graph.output, outputName);
  const info = options.shapes?.get(outputName) ?? tensorInfoOf(output);
  if (!info) throw new OnnxError('unknown-type', `the element type of output '${outputName}' is not known`);
  const axis = resolveAxis(info, options.axis, opset);
  const replaced = valueInfoOf({
    name: `${outputName}_argmax`,
    dtype: 'int32',
    shape: info.shape && withoutAxis(info.shape, axis),
  });
  return withFields(model, {
    graph: withFields(graph, {
      node: [...graph.node, ...argMaxNodes(model, info, axis)],
      output: graph.output.map((candidate) => (candidate === output ? replaced : candidate)),
    }),
  });
}

function argMaxNodes(model: ModelProto, { name, dtype }: TensorInfo, axis: number): NodeProto[] {
  const scoresType = ARG_MAX_TYPE[dtype];
  const scores = scoresType === dtype ? name : `${name}_argmax_scores`;
  const nodes = [
    argMaxNode(scores, `${name}_argmax_int64`, axis),
    castNode(`${name}_argmax_int64`, `${name}_argmax`, 'int32'),
  ];
  if (scores !== name) nodes.unshift(castNode(name, scores, scoresType));
  const index = indexGraph(model);
  const taken = nodes.flatMap(({ output }) => output).find((candidate) => hasTensor(index, candidate));
  if (taken) throw new OnnxError('name-taken', `the graph already holds a tensor '${taken}'`);
  return nodes;
}

function argMaxNode(input: string, output: string, axis: number): NodeProto {
  const attribute = [makeInt('axis', axis), makeInt('keepdims', 0)];
  return create(NodeProtoSchema, {
    opType: 'ArgMax',
    name: output,
    input: [input],
    output: [output],
    attribute,
  });
}

function castNode(input: string, output: string, to: DType): NodeProto {
  const attribute = [makeInt('to', elementTypeOf(to))];
  return create(NodeProtoSchema, {
    opType: 'Cast',
    name: output,
    input: [input],
    output: [output],
    attribute,
  });
}

/** The axis as this operator set can state it. */
function resolveAxis({ name, shape }: TensorInfo, axis: number, opset: number): number {
  if (!Number.isSafeInteger(axis)) throw new RangeError(`axis expected an integer, got ${axis}`);
  if (shape) {
    if (axis < -shape.length || axis >= shape.length) {
      throw new OnnxError(
        'shape-mismatch',
        `axis of '${name}' expected -${shape.length} to ${shape.length - 1}, got ${axis}`,
      );
    }
    return axis < 0 ? axis + shape.length : axis;
  }
  if (axis < 0 && opset < NEGATIVE_AXIS_OPSET) {
    throw new OnnxError('unknown-type', `the rank of output '${name}' is not known, and axis is ${axis}`);
  }
  return axis;
}

function withoutAxis(shape: readonly Dimension[], axis: number): Dimension[] {
  return shape.filter((_, position) => position !== axis);
}

function unknownOutput(outputs: readonly ValueInfoProto[], name: string): OnnxError {
  const names = outputs.map((output) => output.name);
  return new OnnxError('unknown-tensor', `output expected one of ${names.join(', ')}, got '${name}'`, {
    suggestions: nearNames(name, names),
  });
}
