/**
 * Times of head and tail at any cut: sums over nodes, and the fixed cost of a run on each side. A node belongs to the head if
 * the cut's tensors follow from it, else to the tail; shape arithmetic that both sides repeat is counted once.
 */

import type { GraphIndex } from '@featherwire/onnx';

/** Predicted times of both sides, in milliseconds. */
export interface CutTimes {
  readonly headMs: number;
  readonly tailMs: number;
}

/** What a run takes, node by node. */
export interface RunTimes {
  /** By the position of the node in the index. */
  readonly nodeMs: Float64Array;
  /** Beside the nodes, once for each run. */
  readonly fixedMs: number;
}

/** Times of the whole network. */
export function wholeMs({ nodeMs, fixedMs }: RunTimes): number {
  return nodeMs.reduce((sum, ms) => sum + ms, fixedMs);
}

/**
 * Times of both sides of a cut.
 * @param tensors - names of the cut's tensors
 */
export function cutTimes(
  index: Pick<GraphIndex, 'reads' | 'producer'>,
  tensors: readonly string[],
  times: RunTimes,
): CutTimes {
  let headMs = 0;
  for (const position of ancestors(index, tensors)) headMs += times.nodeMs[position];
  return { headMs: headMs + times.fixedMs, tailMs: Math.max(0, wholeMs(times) - headMs) };
}

/** Positions of the nodes that values follow from, those that make them included. */
function ancestors(index: Pick<GraphIndex, 'reads' | 'producer'>, values: readonly string[]): Set<number> {
  const found = new Set<number>();
  const open = [...values];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const position = index.producer.get(name);
    if (position === undefined || found.has(position)) continue;
    found.add(position);
    open.push(...index.reads[position]);
  }
  return found;
}
