/**
 * Listing the single tensors at which a model can be cut. A tensor is a cut if all ways of data from an input to an
 * output pass through it. In a graph trimmed to the nodes on such ways, all nodes before a cut in topological
 * order are its ancestors and all after it its descendants, so one sweep that counts the values still open finds
 * every cut, in time linear in the size of the graph.
 */

import type { Cost } from '../cost.js';
import { declaredShapes } from '../declarations.js';
import { indexGraph } from '../graph.js';
import type { ModelProto } from '../proto/onnx_pb.js';
import { type ShapeTable, staticBytes, staticElementCount, type TensorInfo } from '../value-info.js';
import { carriedShapes } from './carried-shapes.js';
import { type DataGraph, dataGraph, isMade, type MadeValue } from './data-graph.js';
import { prefixCosts } from './side-costs.js';

/** A tensor at which a model can be cut. */
export interface Cut {
  readonly name: string;
  /** Element type and shape; null if nothing is known of the tensor. */
  readonly tensor: TensorInfo | null;
  /** Elements, or null if a dimension is open. */
  readonly elements: number | null;
  /** Bytes of the uncoded elements, or null if a dimension is open. */
  readonly bytes: number | null;
  /** Cost of all that is computed up to the tensor, itself included. */
  readonly head: Cost;
  /** Cost of the rest. A weight that both sides read counts on both. */
  readonly tail: Cost;
}

/** What is known beside the model. */
export interface ListCutsOptions {
  /**
   * Types and shapes from `inferShapes` of this very model: a number in a shape is taken as fixed, a symbol as one
   * number wherever it stands. Values that it does not hold (sequences, strings) are not listed.
   * Default: the types that the model declares itself; tensors without one are listed all the same.
   */
  readonly shapes?: ShapeTable;
  /** Shapes to state sizes and costs for, where open dimensions have been given numbers. Default: `shapes`. */
  readonly sizes?: ShapeTable;
}

/**
 * The single tensors at which `splitModel` with the same shapes cuts this model, in the order of computation.
 * Graph inputs, tensors after which nothing is computed, and shapes are not among them.
 * @throws {OnnxError} `invalid-model`
 */
export function listCuts(model: ModelProto, options: ListCutsOptions = {}): Cut[] {
  const graph = dataGraph(indexGraph(model));
  const shapes = options.shapes ?? declaredShapes(model);
  const sizes = options.sizes ?? shapes;
  const costs = prefixCosts(graph, sizes);
  const carried = carriedShapes(graph, shapes);
  const cuts: Cut[] = [];
  for (const { name, producer } of separators(graph)) {
    if (options.shapes && !shapes.has(name)) continue;
    if (carried([name], (position) => position <= producer).length > 0) continue;
    const tensor = sizes.get(name) ?? null;
    cuts.push({
      name,
      tensor,
      elements: tensor && staticElementCount(tensor.shape),
      bytes: tensor && staticBytes(tensor),
      ...costs(producer),
    });
  }
  return cuts;
}

/**
 * The values that all data passes through and that something is computed from, in the order of computation; beside
 * some of them shapes have to be carried.
 *
 * `closing[p]` counts the open values whose last reader is node p; a value made by a node is open from there to its
 * last reader, a graph input from the start, a random value from its first reader (drawn before the cut or after it, it
 * crosses only if read on both sides).
 */
export function separators({ index, values, randomReaders }: DataGraph): MadeValue[] {
  const end = index.nodes.length;
  const opening = new Int32Array(end + 1);
  const closing = new Int32Array(end + 1);
  const made = new Map<number, MadeValue[]>();
  for (const value of values) {
    opening[value.producer ?? 0]++;
    closing[value.isOutput ? end : value.readers[value.readers.length - 1]]++;
    if (!isMade(value)) continue;
    const beside = made.get(value.producer);
    if (beside) beside.push(value);
    else made.set(value.producer, [value]);
  }
  for (const readers of randomReaders) {
    opening[readers.reduce((least, reader) => Math.min(least, reader))]++;
    closing[readers.reduce((most, reader) => Math.max(most, reader))]++;
  }
  const found: MadeValue[] = [];
  for (let position = 0, open = 0; position < end; position++) {
    open += opening[position] - closing[position];
    const [value, ...others] = made.get(position) ?? [];
    if (value && others.length === 0 && open === 1 && value.readers.length > 0) found.push(value);
  }
  return found;
}
