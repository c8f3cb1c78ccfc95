/**
 * Listing the sets of tensors at which a model can be cut. There are too many to list them all; the list holds for
 * each tensor the best set that it is part of:
 *
 * - A *head* is a set of nodes that holds with each node all that the node follows from. What the head and the inputs
 *   hand to the other nodes, and graph outputs that the head makes, cross.
 * - For each tensor that is computed from data and read as data: of all heads by which it crosses to a reader, the one
 *   with the fewest bytes across; of equal ones that with the fewest tensors. Tensors of open size weigh more than all
 *   others together.
 * - If that takes more than `maxTensors` tensors, the one with the fewest tensors across, of equal ones the fewest
 *   bytes; if that has more too, the tensor is refused, with what it would take.
 *
 * Where a tensor is a cut by itself, that is its set. Shapes do not count as data: they are rebuilt, or a few integers
 * are carried beside the tensors (carried-shapes.ts); they count in the bytes stated but not in the choice.
 */

import type { Cost } from '../cost.js';
import { declaredShapes } from '../declarations.js';
import { indexGraph } from '../graph.js';
import { describeNode } from '../model.js';
import type { ModelProto } from '../proto/onnx_pb.js';
import { type ShapeTable, staticBytes, staticElementCount, type TensorInfo } from '../value-info.js';
import { type CarriedShapes, carriedShapes } from './carried-shapes.js';
import { type Segment, type SegmentSearch, searchSegment, segmentsOf } from './cheapest-head.js';
import { type DataGraph, type DataValue, dataGraph, isMade, type MadeValue } from './data-graph.js';
import { type SideCosts, sideCosts } from './side-costs.js';
import { type ListCutsOptions, separators } from './single-cuts.js';

/** Tensors of data in a set when no other limit is given. */
export const DEFAULT_MAX_TENSORS = 4;

/** What is known beside the model, and how large sets may be. */
export interface ListCutSetsOptions extends ListCutsOptions {
  /** Tensors of data in a set, from 1; shapes do not count. Default `DEFAULT_MAX_TENSORS`. */
  readonly maxTensors?: number;
}

/** One tensor of a set. */
export interface CutTensor {
  readonly name: string;
  /** Integers of a shape, or elements that follow from an input. */
  readonly content: 'data' | 'shape';
  /** Element type and shape; null if nothing is known of the tensor. */
  readonly tensor: TensorInfo | null;
  /** Elements, or null if a dimension is open. */
  readonly elements: number | null;
  /** Bytes of the uncoded elements, or null if a dimension is open. */
  readonly bytes: number | null;
}

/** Tensors at which a model can be cut. */
export interface CutSet {
  /** Data in the order of computation, inputs first, then shapes. */
  readonly tensors: readonly CutTensor[];
  /** Elements of all of them, or null if one is open. */
  readonly elements: number | null;
  /** Bytes of all of them, or null if one is open. */
  readonly bytes: number | null;
  /** Cost of all that the tensors are computed by. */
  readonly head: Cost;
  /** Cost of the rest. A weight that both sides read counts on both. */
  readonly tail: Cost;
}

/** A tensor at which the model is not cut. */
export interface RefusedTensor {
  readonly name: string;
  /** The node that makes it: its type and its name. */
  readonly node: string;
  /**
   * - `too-many-tensors`: every set with it has more than `maxTensors` tensors
   * - `no-tensor`: a value that would have to cross is no tensor of a known numeric type (a sequence, a string)
   * - `random-value`: nodes on both sides would read a random value that is drawn without an input
   */
  readonly reason: 'too-many-tensors' | 'no-tensor' | 'random-value';
  /** For `too-many-tensors` the smallest set, for `no-tensor` the values that are none. */
  readonly tensors: readonly string[];
}

/** Where a model can be cut, and where not. */
export interface CutSetList {
  /** In the order of computation; no set twice. */
  readonly sets: readonly CutSet[];
  /** In the order of computation. Tensors that are part of a listed set are not here. */
  readonly refused: readonly RefusedTensor[];
}

/**
 * The sets of tensors at which `splitModel` with the same shapes cuts this model, as said above.
 * @throws {OnnxError} `invalid-model`
 * @throws {RangeError} if `maxTensors` is not a whole number from 1
 */
export function listCutSets(model: ModelProto, options: ListCutSetsOptions = {}): CutSetList {
  const { maxTensors = DEFAULT_MAX_TENSORS } = options;
  if (!Number.isSafeInteger(maxTensors) || maxTensors < 1) {
    throw new RangeError(`maxTensors expected a whole number from 1, got ${maxTensors}`);
  }
  const graph = dataGraph(indexGraph(model));
  const shapes = options.shapes ?? declaredShapes(model);
  const sizes = options.sizes ?? shapes;
  const isTensor = (name: string): boolean => !options.shapes || shapes.has(name);
  const context: Context = {
    graph,
    sizes,
    isTensor,
    maxTensors,
    carried: carriedShapes(graph, shapes),
    costs: sideCosts(graph, sizes),
  };
  const parting = separators(graph);
  const found = new Map<string, Found>();
  const refused: RefusedTensor[] = [];
  for (const [i, segment] of segmentsOf(
    graph,
    parting.map(({ producer }) => producer),
  ).entries()) {
    for (const outcome of cutsOfSegment(context, segment, parting[i])) {
      if ('reason' in outcome) refused.push(outcome);
      else found.set(JSON.stringify(outcome.set.tensors.map(({ name }) => name)), outcome);
    }
  }
  const ordered = [...found.values()].sort((a, b) => a.headSize - b.headSize);
  const listed = new Set(ordered.flatMap(({ set }) => set.tensors.map(({ name }) => name)));
  return {
    sets: ordered.map(({ set }) => set),
    refused: refused.filter(({ name }) => !listed.has(name)),
  };
}

interface Context {
  readonly graph: DataGraph;
  readonly sizes: ShapeTable;
  readonly isTensor: (name: string) => boolean;
  readonly maxTensors: number;
  readonly carried: CarriedShapes;
  readonly costs: (isHead: (position: number) => boolean) => SideCosts;
}

interface Found {
  readonly set: CutSet;
  /** Live nodes in the head. */
  readonly headSize: number;
}

/** The set or the refusal of each tensor of a segment; `end` is the one that all data passes through at its end. */
function* cutsOfSegment(
  context: Context,
  segment: Segment,
  end: MadeValue | undefined,
): Generator<Found | RefusedTensor> {
  const { graph, maxTensors } = context;
  const inSegment = new Set(segment.nodes);
  const search = segment.nodes.length > 1 ? searchSegment(graph, segment) : undefined;
  const weights = weightsOf(context, segment.values);
  const before = segment.nodes[0] ?? 0;
  const found = (crossing: readonly DataValue[], head: ReadonlySet<number>): Found =>
    foundAt(context, crossing, (position) => position < before || head.has(position));
  for (const value of segment.values) {
    if (!isMade(value) || !inSegment.has(value.producer) || value.readers.length === 0) continue;
    if (value === end) {
      if (context.isTensor(value.name)) yield found([value], inSegment);
      else yield refusal(context, value, [value]);
      continue;
    }
    if (!search) continue;
    const cheapest = cheapestBy(search, value, weights.bytes);
    if (!cheapest) {
      yield refusal(context, value, search.crossing(ancestors(graph, value.producer)));
      continue;
    }
    let crossing = search.crossing(cheapest);
    let head = cheapest;
    if (crossing.length > maxTensors) {
      head = cheapestBy(search, value, weights.tensors) ?? cheapest;
      crossing = search.crossing(head);
    }
    if (crossing.length <= maxTensors) yield found(crossing, head);
    else
      yield {
        ...described(context, value),
        reason: 'too-many-tensors',
        tensors: crossing.map(({ name }) => name),
      };
  }
}

/** Of all heads by which the value crosses to one of its readers the lightest, of equal ones the smallest. */
function cheapestBy(
  search: SegmentSearch,
  { producer, readers }: MadeValue,
  weights: Float64Array,
): ReadonlySet<number> | undefined {
  let best: { nodes: ReadonlySet<number>; weight: number } | undefined;
  for (const reader of readers) {
    const head = search.cheapest(producer, reader, weights);
    if (head.weight === Number.POSITIVE_INFINITY) continue;
    const better =
      !best ||
      head.weight < best.weight ||
      (head.weight === best.weight && head.nodes.size < best.nodes.size);
    if (better) best = head;
  }
  return best?.nodes;
}

/** What values weigh when bytes decide first, and when their number does. Two orders in one number: see `listCutSets`. */
function weightsOf(
  { sizes, isTensor }: Context,
  values: readonly DataValue[],
): { bytes: Float64Array; tensors: Float64Array } {
  const known = values.map(({ name }) => bytesOf(sizes.get(name)));
  const allBytes = known.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  const openBytes = allBytes + 1;
  const crossable = (weight: number, i: number): number =>
    isTensor(values[i].name) ? weight : Number.POSITIVE_INFINITY;
  const bytes = known.map((size) => (size ?? openBytes) * (values.length + 1) + 1);
  const tensors = known.map((size) => openBytes * (values.length + 1) + (size ?? openBytes));
  return {
    bytes: Float64Array.from(bytes.map(crossable)),
    tensors: Float64Array.from(tensors.map(crossable)),
  };
}

function foundAt(
  { graph, sizes, carried, costs }: Context,
  crossing: readonly DataValue[],
  isHead: (position: number) => boolean,
): Found {
  const names = crossing.map(({ name }) => name);
  const tensors = [
    ...names.map((name) => cutTensor(name, 'data', sizes)),
    ...carried(names, isHead).map((name) => cutTensor(name, 'shape', sizes)),
  ];
  const headSize = graph.live.reduce(
    (count, live, position) => count + (live && isHead(position) ? 1 : 0),
    0,
  );
  const set: CutSet = {
    tensors,
    elements: total(tensors.map(({ elements }) => elements)),
    bytes: total(tensors.map(({ bytes }) => bytes)),
    ...costs(isHead),
  };
  return { set, headSize };
}

function cutTensor(name: string, content: CutTensor['content'], sizes: ShapeTable): CutTensor {
  const tensor = sizes.get(name) ?? null;
  return {
    name,
    content,
    tensor,
    elements: tensor && staticElementCount(tensor.shape),
    bytes: bytesOf(tensor),
  };
}

function bytesOf(info: TensorInfo | null | undefined): number | null {
  return info ? staticBytes(info) : null;
}

function total(parts: readonly (number | null)[]): number | null {
  return parts.reduce((sum, part) => (sum === null || part === null ? null : sum + part), 0);
}

function described({ graph }: Context, { name, producer }: MadeValue): { name: string; node: string } {
  return { name, node: describeNode(graph.index.nodes[producer]) };
}

/** Why no head lets the value cross. */
function refusal(context: Context, value: MadeValue, crossing: readonly DataValue[]): RefusedTensor {
  const tensors = crossing.flatMap(({ name }) => (context.isTensor(name) ? [] : [name]));
  const reason = tensors.length > 0 ? 'no-tensor' : 'random-value';
  return { ...described(context, value), reason, tensors };
}

/** The node and all live nodes that it follows from. */
function ancestors({ index, live }: DataGraph, position: number): Set<number> {
  const found = new Set([position]);
  for (const at of found) {
    for (const name of index.reads[at]) {
      const producer = index.producer.get(name);
      if (producer !== undefined && live[producer]) found.add(producer);
    }
  }
  return found;
}
