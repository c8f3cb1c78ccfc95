/**
 * Listing the single tensors at which a model can be cut. A tensor is a cut if every path from an input to an
 * output passes through it. In a graph trimmed to the nodes on such paths, all nodes before a cut in topological
 * order are its ancestors and all after it its descendants, so one sweep that counts the values still open finds
 * every cut, in time linear in the size of the graph.
 */

import { type Cost, nodeMacs, parametersOf } from './cost.js';
import { dependsOnInputs, isRandom } from './dataflow.js';
import { declaredShapes } from './declarations.js';
import { type GraphIndex, indexGraph } from './graph.js';
import type { ModelProto } from './proto/onnx_pb.js';
import { type ShapeTable, staticBytes, staticElementCount, type TensorInfo } from './value-info.js';

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
   * Types and shapes from `inferShapes` of this very model: a number in a shape is taken as fixed. Values that it does
   * not hold (sequences, strings) are not listed.
   * Default: the types that the model declares itself; tensors without one are listed all the same.
   */
  readonly shapes?: ShapeTable;
  /** Shapes to state sizes and costs for, where open dimensions have been given numbers. Default: `shapes`. */
  readonly sizes?: ShapeTable;
}

/**
 * The single tensors at which `splitModel` with the same shapes cuts this model, in the order of computation.
 * Graph inputs, and tensors after which nothing is computed, are not among them.
 * @throws {OnnxError} `invalid-model`
 */
export function listCuts(model: ModelProto, options: ListCutsOptions = {}): Cut[] {
  const index = indexGraph(model);
  const shapes = options.shapes ?? declaredShapes(model);
  const sizes = options.sizes ?? shapes;
  const live = liveNodes(index, shapes);
  const spans = readerSpans(index, live);
  const costs = cumulativeCosts(index, sizes, live, spans);
  const lastLive = live.lastIndexOf(true);
  const cuts: Cut[] = [];
  for (const [position, name] of sweep(index, live, spans)) {
    if (position === lastLive || (options.shapes && !shapes.has(name))) continue;
    const tensor = sizes.get(name) ?? null;
    cuts.push({
      name,
      tensor,
      elements: tensor && staticElementCount(tensor.shape),
      bytes: tensor && staticBytes(tensor),
      ...costs(position),
    });
  }
  return cuts;
}

/** For each node, whether it lies on a path from an input to an output. */
function liveNodes(index: GraphIndex, shapes: ShapeTable): boolean[] {
  const live = dependsOnInputs(index, shapes);
  const wanted = new Set(index.outputs);
  for (let position = index.nodes.length - 1; position >= 0; position--) {
    live[position] &&= index.nodes[position].output.some((name) => wanted.has(name));
    if (live[position]) for (const name of index.reads[position]) wanted.add(name);
  }
  return live;
}

/** Position of the last live node that reads a value; graph outputs are read after the last node. */
function lastReads(index: GraphIndex, live: readonly boolean[]): Map<string, number> {
  const lastRead = new Map<string, number>();
  for (const [position, names] of index.reads.entries()) {
    if (live[position]) for (const name of names) lastRead.set(name, position);
  }
  for (const name of index.outputs) lastRead.set(name, index.nodes.length);
  return lastRead;
}

/**
 * Gives each cut with the position of the node that makes it. `closing[p]` counts the open values whose last reader
 * is node p; a value made by a live node is open from there to its last reader, a graph input from the start,
 * a random value from its first reader (drawn before the cut or after it, it crosses only if read on both sides).
 */
function* sweep(
  index: GraphIndex,
  live: readonly boolean[],
  spans: ReadonlyMap<string, Span>,
): Generator<[number, string]> {
  const lastRead = lastReads(index, live);
  const opening = new Int32Array(index.nodes.length + 1);
  const closing = new Int32Array(index.nodes.length + 1);
  const keepOpen = (from: number, to: number | undefined): void => {
    if (to === undefined) return;
    opening[from]++;
    closing[to]++;
  };
  for (const name of index.inputs) keepOpen(0, lastRead.get(name));
  for (const { first, last } of randomSpans(index, live, spans)) keepOpen(first, last);
  let open = 0;
  for (const [position, node] of index.nodes.entries()) {
    const made = live[position] ? node.output.filter((name) => lastRead.has(name)) : [];
    for (const name of made) keepOpen(position, lastRead.get(name));
    open += opening[position] - closing[position];
    if (made.length === 1 && open === 1) yield [position, made[0]];
  }
}

interface Span {
  readonly first: number;
  readonly last: number;
}

/** First and last live reader of what is random and does not follow from an input. */
function randomSpans(index: GraphIndex, live: readonly boolean[], spans: ReadonlyMap<string, Span>): Span[] {
  return index.nodes.flatMap((node, position) =>
    !live[position] && isRandom(node) ? node.output.flatMap((name) => spans.get(name) ?? []) : [],
  );
}

/**
 * First and last live node that reads each value, directly or through nodes that are not live (constant arithmetic).
 * A graph output counts as read after the last node.
 */
function readerSpans(index: GraphIndex, live: readonly boolean[]): Map<string, Span> {
  const spans = new Map<string, Span>();
  const widen = (name: string, { first, last }: Span): void => {
    const known = spans.get(name);
    spans.set(name, {
      first: Math.min(first, known?.first ?? first),
      last: Math.max(last, known?.last ?? last),
    });
  };
  const end = index.nodes.length;
  for (const name of index.outputs) widen(name, { first: end, last: end });
  for (let position = end - 1; position >= 0; position--) {
    const own = live[position] ? { first: position, last: position } : undefined;
    const inherited = own ? [own] : index.nodes[position].output.flatMap((name) => spans.get(name) ?? []);
    for (const name of index.reads[position]) for (const span of inherited) widen(name, span);
  }
  return spans;
}

/** Gives the cost of both sides of a cut by the position of the node that makes the tensor. */
function cumulativeCosts(
  index: GraphIndex,
  shapes: ShapeTable,
  live: readonly boolean[],
  spans: ReadonlyMap<string, Span>,
): (position: number) => { head: Cost; tail: Cost } {
  const count = index.nodes.length;
  const headMacs = new Float64Array(count + 1); // NaN once a cost is not known
  const tailMacs = new Float64Array(count + 1);
  const macs = index.nodes.map((node, at) => (live[at] ? (nodeMacs(index, node, shapes) ?? Number.NaN) : 0));
  for (let at = 0; at < count; at++) headMacs[at + 1] = headMacs[at] + macs[at];
  for (let at = count - 1; at >= 0; at--) tailMacs[at] = tailMacs[at + 1] + macs[at];
  const headParameters = new Float64Array(count + 1);
  const tailParameters = new Float64Array(count + 2);
  for (const [name, weight] of index.weights) {
    const span = spans.get(name);
    if (!span) continue;
    headParameters[span.first] += parametersOf(weight);
    tailParameters[span.last] += parametersOf(weight);
  }
  for (let at = 1; at <= count; at++) headParameters[at] += headParameters[at - 1];
  for (let at = count; at >= 0; at--) tailParameters[at] += tailParameters[at + 1];
  const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return (position) => ({
    head: { macs: known(headMacs[position + 1]), parameters: headParameters[position] },
    tail: { macs: known(tailMacs[position + 1]), parameters: tailParameters[position + 1] },
  });
}
