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
import { type FlowEdge, layOutNetwork, minimumCut } from './minimum-cut.js';

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

/** Lays out the network of a segment. */
export function searchSegment(graph: DataGraph, { nodes, values }: Segment): SegmentSearch {
  const vertexOf = new Map(nodes.map((position, i) => [position, FIRST_NODE + i]));
  const firstValue = FIRST_NODE + nodes.length;
  const edges: FlowEdge[] = [];
  const limits: number[] = [];
  const connect = (from: number, to: number, limit: number): number => {
    limits.push(limit);
    return edges.push({ from, to }) - 1;
  };
  const tie = (node: number, needed: number): void => {
    connect(node, needed, Number.POSITIVE_INFINITY);
  };
  // Nodes after the segment are outside of every head: the sink stands for them.
  const nodeOrSink = (position: number): number => vertexOf.get(position) ?? SINK;
  const forcedInside = nodes.map((_, i) => connect(SOURCE, FIRST_NODE + i, 0));
  const forcedOutside = nodes.map((_, i) => connect(FIRST_NODE + i, SINK, 0));
  const sending = values.map(({ producer }, i) => {
    const origin = producer === undefined ? undefined : vertexOf.get(producer);
    return connect(origin ?? SOURCE, firstValue + i, 0);
  });
  for (const [i, { producer, readers, isOutput }] of values.entries()) {
    const origin = producer === undefined ? undefined : vertexOf.get(producer);
    for (const reader of readers) {
      const vertex = nodeOrSink(reader);
      tie(firstValue + i, vertex);
      if (origin !== undefined && vertex !== SINK) tie(vertex, origin);
    }
    if (isOutput) tie(firstValue + i, SINK);
  }
  for (const position of nodes) {
    for (const origin of graph.shapeOrigins.get(position) ?? []) {
      const vertex = vertexOf.get(origin);
      if (vertex !== undefined) tie(nodeOrSink(position), vertex);
    }
  }
  for (const readers of graph.randomReaders) {
    const vertices = [...readers].flatMap(
      (reader) => vertexOf.get(reader) ?? (reader === graph.live.length ? [SINK] : []),
    );
    for (const [i, vertex] of vertices.entries()) {
      const next = vertices[(i + 1) % vertices.length];
      if (next !== vertex) tie(vertex, next);
    }
  }
  const network = layOutNetwork(firstValue + values.length, edges);
  const base = Float64Array.from(limits);

  return {
    cheapest(inside, outside, weights) {
      const capacities = base.slice();
      for (const [i, edge] of sending.entries()) capacities[edge] = weights[i];
      const vertexInside = vertexOf.get(inside);
      const vertexOutside = vertexOf.get(outside);
      if (vertexInside === undefined || vertexOutside === undefined) {
        throw new RangeError(
          `inside and outside expected nodes of the segment, got ${inside} and ${outside}`,
        );
      }
      capacities[forcedInside[vertexInside - FIRST_NODE]] = Number.POSITIVE_INFINITY;
      capacities[forcedOutside[vertexOutside - FIRST_NODE]] = Number.POSITIVE_INFINITY;
      const { value, sourceSide } = minimumCut(network, capacities, SOURCE, SINK);
      return { nodes: new Set(nodes.filter((_, i) => sourceSide[FIRST_NODE + i])), weight: value };
    },
    crossing(head) {
      const isInside = (position: number | undefined): boolean =>
        position === undefined || !vertexOf.has(position) || head.has(position);
      return values.filter(
        ({ producer, readers, isOutput }) =>
          isInside(producer) && (isOutput || readers.some((reader) => !head.has(reader))),
      );
    },
  };
}
