/**
 * A linear classifier on a tensor of a network: the network up to that tensor, its places averaged, and a matrix. What comes
 * after the tensor is left out.
 */

import { create } from '@bufbuild/protobuf';
import { type TensorOf, tensor } from '@featherwire/tensor';
import { makeInt, makeInts } from './attributes.js';
import { OnnxError } from './errors.js';
import { extractPart } from './extract.js';
import { type GraphIndex, hasTensor, indexGraph, unknownTensor } from './graph.js';
import { graphOf, opsetVersion, withFields } from './model.js';
import { type AttributeProto, type ModelProto, type NodeProto, NodeProtoSchema } from './proto/onnx_pb.js';
import { headNodes } from './tail-walk.js';
import { type Dimension, type ShapeTable, type TensorInfo, valueInfoOf } from './value-info.js';
import { tensorToProto } from './weights.js';

/** First operator set in which Gemm broadcasts its bias by itself. */
const MIN_OPSET = 7;
/** First operator set whose ReduceMean takes its axes as an input. */
const AXES_INPUT_OPSET = 18;

/** A linear map to the scores of classes. */
export interface LinearMap {
  /** [inputs, classes] */
  readonly weights: TensorOf<'float32'>;
  /** [classes] */
  readonly bias: TensorOf<'float32'>;
}

/** Where pooled features go. */
export interface PoolingOptions {
  /** Name of the only output, float32 [N, C], or [N, C * grid * grid]. */
  readonly output: string;
  /** Of the model; the tensor's is needed. */
  readonly shapes: ShapeTable;
  /** Cells in a row and in a column of a map that means are taken of, in the place of one mean; 1 by default. */
  readonly grid?: number;
}

/**
 * A model from the inputs to the means of a tensor over its places: of maps [N, C, H, W] over rows and columns, of sequences
 * [N, T, C] over steps; [N, C] is taken as it is.
 * @throws {OnnxError} `unknown-tensor`; `unknown-type` if its shape is not known; `shape-mismatch` for other ranks, and for a grid
 *   that does not divide rows and columns; `name-taken`; `unsupported-type` for other types and operator sets before 7
 */
export function withPooledOutput(
  model: ModelProto,
  tensorName: string,
  { output, shapes, grid = 1 }: PoolingOptions,
): ModelProto {
  const index = indexGraph(model);
  if (!hasTensor(index, tensorName)) throw unknownTensor(index, tensorName);
  const { dtype, shape } = shapes.get(tensorName) ?? {};
  if (!dtype || !shape)
    throw new OnnxError('unknown-type', `tensor '${tensorName}' expected a known shape, got none`);
  const opset = opsetVersion(model) ?? 1;
  if (dtype !== 'float32' || opset < MIN_OPSET)
    throw new OnnxError(
      'unsupported-type',
      `tensor '${tensorName}' expected float32 and an operator set from ${MIN_OPSET}, got ${dtype} and ${opset}`,
    );
  const nodes = headNodes(index, [tensorName]);
  const read = new Set([...nodes].flatMap((position) => index.reads[position]).concat(tensorName));
  const cell = grid === 1 ? null : cellOf(tensorName, shape, grid);
  const channels = shape[shape.length === 3 ? 2 : 1];
  const features = typeof channels === 'number' ? channels * grid * grid : channels;
  const pooled: TensorInfo = { name: output, dtype, shape: [shape[0], features] };
  const part = extractPart(model, index, {
    suffix: '_pooled',
    nodes,
    inputs: graphOf(model).input.filter(({ name }) => index.inputs.includes(name) && read.has(name)),
    outputs: [valueInfoOf(pooled)],
    extraWeights: opset >= AXES_INPUT_OPSET && shape.length === 3 ? [stepAxis(output)] : [],
  });
  const added = poolingNodes(tensorName, output, { rank: shape.length, opset, cell });
  checkFree(index, added);
  return withNodes(part, added);
}

/**
 * Puts a linear map behind the only output of a model, float32 [N, inputs of the map].
 * @param output - name of the scores, float32 [N, classes], the new output
 * @throws {OnnxError} `name-taken`
 */
export function withLinearOutput(
  model: ModelProto,
  { weights, bias }: LinearMap,
  output: string,
): ModelProto {
  const [{ name: pooled }] = graphOf(model).output;
  const names = { weights: `${output}_weights`, bias: `${output}_bias` };
  const added = [nodeOf('Gemm', [pooled, names.weights, names.bias], output)];
  checkFree(indexGraph(model), added);
  const extended = withNodes(model, added);
  const extendedGraph = graphOf(extended);
  return withFields(extended, {
    graph: withFields(extendedGraph, {
      initializer: [
        ...extendedGraph.initializer,
        tensorToProto(names.weights, weights),
        tensorToProto(names.bias, bias),
      ],
      output: [valueInfoOf({ name: output, dtype: 'float32', shape: ['N', bias.shape[0]] })],
    }),
  });
}

/** Rows and columns of a cell of a grid. @throws {OnnxError} `shape-mismatch` */
function cellOf(name: string, shape: readonly Dimension[], grid: number): number[] {
  const places = shape.length === 4 ? shape.slice(2) : [];
  const cell = places.flatMap((size) => (typeof size === 'number' && size % grid === 0 ? [size / grid] : []));
  if (cell.length === 2 && Number.isInteger(grid) && grid > 0) return cell;
  throw new OnnxError(
    'shape-mismatch',
    `tensor '${name}' expected rows and columns that ${grid} divides, got [${shape.join(', ')}]`,
  );
}

interface Pooling {
  readonly rank: number;
  readonly opset: number;
  /** Null for one mean of all places. */
  readonly cell: readonly number[] | null;
}

function poolingNodes(input: string, output: string, { rank, opset, cell }: Pooling): NodeProto[] {
  switch (rank) {
    case 2:
      return [nodeOf('Identity', [input], output)];
    case 3:
      return opset >= AXES_INPUT_OPSET
        ? [nodeOf('ReduceMean', [input, `${output}_axis`], output, [makeInt('keepdims', 0)])]
        : [nodeOf('ReduceMean', [input], output, [makeInts('axes', [1]), makeInt('keepdims', 0)])];
    case 4:
      return [
        cell
          ? nodeOf('AveragePool', [input], `${output}_places`, [
              makeInts('kernel_shape', cell),
              makeInts('strides', cell),
            ])
          : nodeOf('GlobalAveragePool', [input], `${output}_places`),
        nodeOf('Flatten', [`${output}_places`], output),
      ];
    default:
      throw new OnnxError('shape-mismatch', `tensor '${input}' expected 2 to 4 dimensions, got ${rank}`);
  }
}

/** Axes as newer operator sets want them. */
function stepAxis(output: string): ReturnType<typeof tensorToProto> {
  return tensorToProto(`${output}_axis`, tensor('int64', [1], BigInt64Array.of(1n)));
}

function nodeOf(
  opType: string,
  input: string[],
  output: string,
  attribute: AttributeProto[] = [],
): NodeProto {
  return create(NodeProtoSchema, { opType, name: output, input, output: [output], attribute });
}

function checkFree(index: GraphIndex, nodes: readonly NodeProto[]): void {
  const taken = nodes.flatMap(({ output }) => output).find((name) => hasTensor(index, name));
  if (taken) throw new OnnxError('name-taken', `the graph already holds a tensor '${taken}'`);
}

function withNodes(model: ModelProto, nodes: readonly NodeProto[]): ModelProto {
  const graph = graphOf(model);
  return withFields(model, { graph: withFields(graph, { node: [...graph.node, ...nodes] }) });
}
