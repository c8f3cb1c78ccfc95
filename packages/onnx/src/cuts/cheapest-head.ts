/**
 * The cheapest way to cut a graph between two of its nodes. A head is a set of live nodes that holds with each node
 * all that the node follows from; the values that it and the inputs hand to the other nodes cross. Which head crosses
 * least is a minimum cut: each value is a vertex behind its producer, reached at the cost of sending it, with its
 * readers behind that at no cost; edges without limit from each node back to what it follows from keep heads whole.
 *
 * The graph falls into segments between the single values that all data passes through (single-cuts.ts). A cut in the
 * middle of a segment never reaches beyond it, so that each segment is a network of its own.
 */

import type { DataGraph, DataValue } from './data-graph.js';
import { type FlowEdge, type FlowNetwork, layOutNetwork, minimumCut } from './minimum-cut.js';

/** Live nodes after one separator, up to and with the node that makes the next one. */
export interface Segment {
  /** Positions, ascending. */
  readonly nodes: readonly number[];
  /** Values that come in, and values made and read inside. */
  readonly values: readonly DataValue[];
}

/** A head within a segment: all live nodes before the segment, and some of its own. */
export interface Head {
  /** Positions of the segment's nodes in the head. */
  readonly nodes: ReadonlySet<number>;
  /** Sum over the crossing values; `Infinity` if there is no such head. */
  readonly weight: number;
}

/** Searches one segment. */
export interface SegmentSearch {
  /**
   * The head that holds node `inside` and not node `outside` and crosses least by the weights; of several the smallest.
   * @param weights - for each value of the segment, 0 … `Infinity`
   */
  cheapest(inside: number, outside: number, weights: Float64Array): Head;
  /** The values of the segment that cross. */
  crossing(head: ReadonlySet<number>): DataValue[];
}

/**
 * Cuts the graph into segments.
 * @param separators - positions of the nodes that make a value which all data passes through, ascending
 */
export function segmentsOf({ live, values }: DataGraph, separators: readonly number[]): Segment[] {
  const ends = [...separators, live.length - 1];
  const segments = ends.map(() => ({ nodes: [] as number[], values: [] as DataValue[] }));
  const segmentOf = new Int32Array(live.length);
  for (let position = 0, segment = 0; position < live.length; position++) {
    segmentOf[position] = segment;
    if (live[position]) segments[segment].nodes.push(position);
    if (position === ends[segment]) segment++;
  }
  for (const value of values) {
    const first = value.producer === undefined ? 0 : segmentOf[value.producer];
    segments[first].values.push(value);
    const next = value.readers.length > 0 ? segmentOf[value.readers[0]] : first;
    if (next !== first) segments[next].values.push(value);
  }
  return segments;
}

const SOURCE = 0;
const SINK = 1;
const FIRST_NODE = 2;

/** The network of a segment, and the edges that a search sets the capacities of. */
interface SegmentNetwork {
  readonly network: FlowNetwork;
  /** Capacities of a search that forces no node and sends all for nothing. */
  readonly capacities: Float64Array;
  /** Edges from the source to each node and from each node to the sink. */
  readonly forcedInside: readonly number[];
  readonly forcedOutside: readonly number[];
  /** The edge that a value crosses by. */
  readonly sending: readonly number[];
  /** For each node the nodes that it needs directly, and those that need it, all as indices of the segment's nodes. */
  readonly needed: readonly (readonly number[])[];
  readonly needing: readonly (readonly number[])[];
}

/** Prepares the search of a segment. */
export function searchSegment(graph: DataGraph, segment: Segment): SegmentSearch {
  const { nodes, values } = segment;
  const indexOf = new Map(nodes.map((position, i) => [position, i]));
  const { network, capacities: base, ...edges } = layOutSegment(graph, segment, indexOf);
  const nodeIndex = (position: number): number => {
    const index = indexOf.get(position);
    if (index !== undefined) return index;
    throw new RangeError(`node expected a position in the segment, got ${position}`);
  };
  return {
    cheapest(inside, outside, weights) {
      const capacities = base.slice();
      for (const [i, edge] of edges.sending.entries()) capacities[edge] = weights[i];
      // What follows by itself is forced too: flow then takes short ways, however deep the segment is.
      for (const i of reached(nodeIndex(inside), edges.needed)) {
        capacities[edges.forcedInside[i]] = Number.POSITIVE_INFINITY;
      }
      for (const i of reached(nodeIndex(outside), edges.needing)) {
        capacities[edges.forcedOutside[i]] = Number.POSITIVE_INFINITY;
      }
      const { value, sourceSide } = minimumCut(network, capacities, SOURCE, SINK);
      return { nodes: new Set(nodes.filter((_, i) => sourceSide[FIRST_NODE + i])), weight: value };
    },
    crossing(head) {
      const isInside = (position: number | undefined): boolean =>
        position === undefined || !indexOf.has(position) || head.has(position);
      return values.filter(
        ({ producer, readers, isOutput }) =>
          isInside(producer) && (isOutput || readers.some((reader) => !head.has(reader))),
      );
    },
  };
}

function layOutSegment(
  graph: DataGraph,
  { nodes, values }: Segment,
  indexOf: ReadonlyMap<number, number>,
): SegmentNetwork {
  const firstValue = FIRST_NODE + nodes.length;
  const edges: FlowEdge[] = [];
  const capacities: number[] = [];
  const connect = (from: number, to: number, capacity: number): number => {
    capacities.push(capacity);
    return edges.push({ from, to }) - 1;
  };
  const needed: number[][] = nodes.map(() => []);
  const needing: number[][] = nodes.map(() => []);
  const tie = (node: number, need: number): void => {
    connect(FIRST_NODE + node, FIRST_NODE + need, Number.POSITIVE_INFINITY);
    needed[node].push(need);
    needing[need].push(node);
  };
  const forcedInside = nodes.map((_, i) => connect(SOURCE, FIRST_NODE + i, 0));
  const forcedOutside = nodes.map((_, i) => connect(FIRST_NODE + i, SINK, 0));
  const sending = values.map(({ producer, readers, isOutput }, i) => {
    const origin = producer === undefined ? undefined : indexOf.get(producer);
    for (const reader of readers) {
      const node = indexOf.get(reader);
      // Nodes after the segment are outside of every head: the sink stands for them.
      connect(firstValue + i, node === undefined ? SINK : FIRST_NODE + node, Number.POSITIVE_INFINITY);
      if (origin !== undefined && node !== undefined) tie(node, origin);
    }
    if (isOutput) connect(firstValue + i, SINK, Number.POSITIVE_INFINITY);
    return connect(origin === undefined ? SOURCE : FIRST_NODE + origin, firstValue + i, 0);
  });
  for (const [i, position] of nodes.entries()) {
    for (const origin of graph.shapeOrigins.get(position) ?? []) {
      const node = indexOf.get(origin);
      if (node !== undefined) tie(i, node);
    }
  }
  for (const readers of graph.randomReaders) {
    const together = [...readers].flatMap((reader) => indexOf.get(reader) ?? []);
    for (const [i, node] of together.entries()) {
      const next = together[(i + 1) % together.length];
      if (next !== node) tie(node, next);
    }
    if (readers.includes(graph.live.length)) {
      for (const node of together) connect(FIRST_NODE + node, SINK, Number.POSITIVE_INFINITY);
    }
  }
  const network = layOutNetwork(firstValue + values.length, edges);
  return {
    network,
    capacities: Float64Array.from(capacities),
    forcedInside,
    forcedOutside,
    sending,
    needed,
    needing,
  };
}

/** A node and all that is reached from it. */
function reached(start: number, next: readonly (readonly number[])[]): Set<number> {
  const found = new Set([start]);
  for (const node of found) for (const other of next[node]) found.add(other);
  return found;
}
