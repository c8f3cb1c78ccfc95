/**
 * Which values a cut has to care about. A value is *free* if it can be had on either side without anything
 * crossing the link: weights, whatever is computed from weights alone, and shapes that are known numbers
 * (Shape and Size of tensors whose shape is static). Everything else carries information from an input.
 */

import { type Tensor, tensor } from '@featherwire/tensor';
import { bodiesOf, intAttribute } from './attributes.js';
import type { GraphIndex } from './graph.js';
import { isStandardDomain } from './model.js';
import type { NodeProto } from './proto/onnx_pb.js';
import { type Dimension, isStatic, type ShapeTable } from './value-info.js';

/** Operators of ONNX whose result differs from run to run. */
const RANDOM_OPERATORS: ReadonlySet<string> = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
]);

/** True for a node whose result differs from run to run, in itself or in a body. */
export function isRandom(node: NodeProto): boolean {
  if (isStandardDomain(node) && RANDOM_OPERATORS.has(node.opType)) return true;
  return bodiesOf(node).some((body) => body.node.some(isRandom));
}

/** True for Shape and Size, which read the dimensions of their input and not its elements. */
export function isShapeReader(node: NodeProto): boolean {
  return isStandardDomain(node) && (node.opType === 'Shape' || node.opType === 'Size');
}

/**
 * The result of a Shape or Size node whose input has a static shape.
 * @returns int64, [count] for Shape and [] for Size; undefined for other nodes and for open dimensions
 */
export function staticShapeValue(node: NodeProto, shapes: ShapeTable): Tensor | undefined {
  if (!isShapeReader(node)) return undefined;
  const selected = selectedDimensions(node, shapes);
  if (!isStatic(selected)) return undefined;
  if (node.opType === 'Shape')
    return tensor('int64', [selected.length], BigInt64Array.from(selected, BigInt));
  const size = selected.reduce((product, dimension) => product * BigInt(dimension), 1n);
  return tensor('int64', [], BigInt64Array.of(size));
}

/** The dimensions that a Shape or Size node reads; undefined if the rank of its input is not known. */
export function selectedDimensions(node: NodeProto, shapes: ShapeTable): readonly Dimension[] | undefined {
  const shape = shapes.get(node.input[0])?.shape ?? undefined;
  if (node.opType === 'Size') return shape;
  // Since opset 15, `start` and `end` select axes; slice() clamps and counts from the end as ONNX does.
  return shape?.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', shape.length));
}

/** For each node, whether its outputs depend on a graph input through something other than a static shape. */
export function dependsOnInputs(index: GraphIndex, shapes: ShapeTable): boolean[] {
  return followsFromInputs(index, (node) => staticShapeValue(node, shapes) !== undefined);
}

/**
 * For each node, whether its outputs depend on elements of a graph input. What depends on shapes alone, static or open,
 * does not.
 */
export function carriesData(index: GraphIndex): boolean[] {
  return followsFromInputs(index, isShapeReader);
}

function followsFromInputs(index: GraphIndex, isFree: (node: NodeProto) => boolean): boolean[] {
  const dependent = new Set(index.inputs);
  return index.nodes.map((node, position) => {
    const depends = index.reads[position].some((name) => dependent.has(name)) && !isFree(node);
    if (depends) for (const name of node.output) if (name) dependent.add(name);
    return depends;
  });
}
