/** The cost of both sides of a cut. A weight that nodes on both sides read counts on both. */

import { type Cost, nodeMacs, parametersOf } from '../cost.js';
import type { ShapeTable } from '../value-info.js';
import type { DataGraph } from './data-graph.js';

/** Costs of head and tail. */
export interface SideCosts {
  readonly head: Cost;
  readonly tail: Cost;
}

/** Gives the costs of a cut by what tells the live nodes of its head. */
export function sideCosts(
  graph: DataGraph,
  sizes: ShapeTable,
): (isHead: (position: number) => boolean) => SideCosts {
  const macs = macsOf(graph, sizes);
  const weights = countedWeights(graph);
  return (isHead) => {
    const count = { head: { macs: 0, parameters: 0 }, tail: { macs: 0, parameters: 0 } };
    for (const [position, isLive] of graph.live.entries()) {
      if (isLive) count[isHead(position) ? 'head' : 'tail'].macs += macs[position];
    }
    for (const { parameters, readers } of weights) {
      if (readers.some(isHead)) count.head.parameters += parameters;
      if (readers.some((position) => !isHead(position))) count.tail.parameters += parameters;
    }
    return { head: stated(count.head), tail: stated(count.tail) };
  };
}

/**
 * Gives the costs of the cuts whose head is all live nodes up to a position, from sums made once: linear in the graph
 * for all of them together.
 */
export function prefixCosts(graph: DataGraph, sizes: ShapeTable): (position: number) => SideCosts {
  const count = graph.live.length;
  const macs = macsOf(graph, sizes);
  const headMacs = new Float64Array(count + 1); // NaN once a cost is not known
  const tailMacs = new Float64Array(count + 1);
  for (let at = 0; at < count; at++) headMacs[at + 1] = headMacs[at] + macs[at];
  for (let at = count - 1; at >= 0; at--) tailMacs[at] = tailMacs[at + 1] + macs[at];
  const headParameters = new Float64Array(count + 1);
  const tailParameters = new Float64Array(count + 2);
  for (const { parameters, readers } of countedWeights(graph)) {
    const [first, last] = readers.reduce(
      ([low, high], reader) => [Math.min(low, reader), Math.max(high, reader)],
      [count, 0],
    );
    headParameters[first] += parameters;
    tailParameters[last] += parameters;
  }
  for (let at = 1; at <= count; at++) headParameters[at] += headParameters[at - 1];
  for (let at = count; at >= 0; at--) tailParameters[at] += tailParameters[at + 1];
  return (position) => ({
    head: stated({ macs: headMacs[position + 1], parameters: headParameters[position] }),
    tail: stated({ macs: tailMacs[position + 1], parameters: tailParameters[position + 1] }),
  });
}

/** MACs of each live node, NaN where they are not known; 0 for the others. */
function macsOf({ index, live }: DataGraph, sizes: ShapeTable): number[] {
  return index.nodes.map((node, at) => (live[at] ? (nodeMacs(index, node, sizes) ?? Number.NaN) : 0));
}

interface CountedWeight {
  readonly parameters: number;
  /** Live nodes that read it, directly or not; the number of nodes for a graph output. */
  readonly readers: readonly number[];
}

function countedWeights({ index, liveReaders }: DataGraph): CountedWeight[] {
  return [...index.weights].flatMap(([name, weight]) => {
    const readers = [...(liveReaders.get(name) ?? [])];
    const parameters = parametersOf(weight);
    return readers.length > 0 && parameters > 0 ? [{ parameters, readers }] : [];
  });
}

function stated({ macs, parameters }: { readonly macs: number; readonly parameters: number }): Cost {
  return { macs: Number.isNaN(macs) ? null : macs, parameters };
}
