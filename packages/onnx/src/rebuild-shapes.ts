/**
 * Shapes rebuilt on the other side of a cut. Where a dimension is open it often is a dimension of a tensor that crosses
 * too, under the same symbol: then the output of a Shape or Size node needs no transfer, it is put together from known
 * numbers and from the shapes of cut tensors.
 */

import { create } from '@bufbuild/protobuf';
import { tensor } from '@featherwire/tensor';
import { makeInt } from './attributes.js';
import { isShapeReader, selectedDimensions } from './dataflow.js';
import { type NodeProto, NodeProtoSchema, type TensorProto } from './proto/onnx_pb.js';
import { type Dimension, type ShapeTable, UNNAMED_DIMENSION } from './value-info.js';
import { tensorToProto } from './weights.js';

/** Where the value of a symbol can be read: a tensor and an axis of it. */
export type DimensionSources = ReadonlyMap<string, { readonly name: string; readonly axis: number }>;

/** The output of a Shape or Size node, made from cut tensors. */
export interface RebuiltShape {
  /** Opset 9 and newer; the last one makes the value. */
  readonly nodes: readonly NodeProto[];
  readonly weights: readonly TensorProto[];
  /** Names of the cut tensors whose shapes are read. */
  readonly sources: readonly string[];
}

/** The symbols in the shapes of cut tensors, each at its first place. */
export function dimensionSources(cut: Iterable<string>, shapes: ShapeTable): DimensionSources {
  const sources = new Map<string, { name: string; axis: number }>();
  for (const name of cut) {
    for (const [axis, dimension] of (shapes.get(name)?.shape ?? []).entries()) {
      if (typeof dimension !== 'string' || dimension === UNNAMED_DIMENSION || sources.has(dimension))
        continue;
      sources.set(dimension, { name, axis });
    }
  }
  return sources;
}

/**
 * Rebuilds what a Shape or Size node gives.
 * @returns undefined for other nodes, and if a dimension is neither a number nor found in `sources`
 */
export function rebuiltShape(
  node: NodeProto,
  shapes: ShapeTable,
  sources: DimensionSources,
): RebuiltShape | undefined {
  if (!isShapeReader(node) || sources.size === 0) return undefined;
  const dimensions = selectedDimensions(node, shapes);
  if (!dimensions || dimensions.length === 0) return undefined;
  const known = (dimension: Dimension): boolean => typeof dimension === 'number' || sources.has(dimension);
  return dimensions.every(known) ? rebuild(node, dimensions, sources) : undefined;
}

/** One element for each dimension, joined; for Size, multiplied. */
function rebuild(node: NodeProto, dimensions: readonly Dimension[], sources: DimensionSources): RebuiltShape {
  const [output] = node.output;
  const nodes: NodeProto[] = [];
  const weights: TensorProto[] = [];
  const weight = (name: string, value: number): string => {
    weights.push(tensorToProto(name, tensor('int64', [1], BigInt64Array.of(BigInt(value)))));
    return name;
  };
  const add = (
    opType: string,
    input: string[],
    name: string,
    attributes: Record<string, number> = {},
  ): string => {
    const attribute = Object.entries(attributes).map(([key, value]) => makeInt(key, value));
    nodes.push(create(NodeProtoSchema, { opType, name, input, output: [name], attribute }));
    return name;
  };
  const used = new Set<string>();
  const elements = dimensions.map((dimension, i) => {
    const part = `${output}__featherwire_dimension_${i}`;
    const source = typeof dimension === 'string' ? sources.get(dimension) : undefined;
    if (!source) return weight(part, Number(dimension));
    used.add(source.name);
    const shape = add('Shape', [source.name], `${part}_shape`);
    return add('Gather', [shape, weight(`${part}_axis`, source.axis)], part, { axis: 0 });
  });
  if (node.opType === 'Shape') add('Concat', elements, output, { axis: 0 });
  else {
    const joined = add('Concat', elements, `${output}__featherwire_dimensions`, { axis: 0 });
    add('ReduceProd', [joined], output, { keepdims: 0 });
  }
  return { nodes, weights, sources: [...used] };
}
