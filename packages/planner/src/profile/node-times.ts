/**
 * From the engine's steps back to the nodes of the graph. The engine joins nodes and adds steps of its own (reorderings of
 * memory), but names what it makes after a node that went in, or after the value that comes out: `conv1_nchwc`,
 * `add3/LayerNormFusion/`. A step that is named after the last of several joined nodes belongs to the one among them that
 * does what the step does; one that no name leads from belongs to the node of the step before it.
 */

import type { StepProfile } from '@featherwire/inference';

/** A node as steps are traced to it. */
export interface NamedNode {
  /** May be empty. */
  readonly name: string;
  readonly opType: string;
  /** Names of the values that it reads and makes. */
  readonly input: readonly string[];
  readonly output: readonly string[];
}

/** Times of nodes. */
export interface NodeTimes {
  /** Milliseconds by the position of the node; 0 for nodes that were joined into others or folded away. */
  readonly ms: Float64Array;
  /** Share of the steps' time whose steps could be traced by their names, from 0 to 1. */
  readonly namedShare: number;
}

/** What the engine puts before the names of joined nodes. */
const JOINED_PREFIX = 'fused ';
/** A convolution is joined with normalization, addition and activation behind it. */
const MAX_JOINED_DEPTH = 3;
/** Where additions to a node's name begin. */
const ADDITION_STARTS = '/_';

/**
 * Spreads the times of steps over nodes.
 * @param nodes - in the order of the model file; constants are not counted in the names that the engine gives to nodes without one
 * @param steps - in the order of execution
 */
export function nodeTimesOfSteps(nodes: readonly NamedNode[], steps: readonly StepProfile[]): NodeTimes {
  const positions = positionsByName(nodes);
  const producers = producersOf(nodes);
  const ms = new Float64Array(nodes.length);
  let namedMs = 0;
  let totalMs = 0;
  let waitingMs = 0; // of steps before the first that has a node
  let last: number | undefined;
  for (const step of steps) {
    totalMs += step.ms;
    const named = positionOfStep(step.name, positions);
    if (named !== undefined) {
      const position = headOfJoined(nodes, named, step.opType, producers);
      namedMs += step.ms;
      ms[position] += waitingMs;
      waitingMs = 0;
      last = position;
    }
    if (last === undefined) waitingMs += step.ms;
    else ms[last] += step.ms;
  }
  return { ms, namedShare: totalMs === 0 ? 1 : namedMs / totalMs };
}

/** What steps may be named after; a node's own name goes before the names of values. */
function positionsByName(nodes: readonly NamedNode[]): Map<string, number> {
  const positions = new Map<string, number>();
  for (const [position, { output }] of nodes.entries())
    for (const name of output) positions.set(name, position);
  let index = 0; // the engine takes Constant nodes out before it counts
  for (const [position, { name, opType }] of nodes.entries()) {
    positions.set(name === '' ? `${opType}_${index}` : name, position);
    if (opType !== 'Constant') index++;
  }
  return positions;
}

function producersOf(nodes: readonly NamedNode[]): Map<string, number> {
  return new Map(nodes.flatMap(({ output }, position) => output.map((name) => [name, position] as const)));
}

/** The nearest node before `position` that does what the step does; `position` itself if it or none near does. */
function headOfJoined(
  nodes: readonly NamedNode[],
  position: number,
  opType: string,
  producers: ReadonlyMap<string, number>,
): number {
  let layer = [position];
  for (let depth = 0; depth <= MAX_JOINED_DEPTH; depth++) {
    const found = layer.find((at) => nodes[at].opType === opType);
    if (found !== undefined) return found;
    layer = layer.flatMap((at) => nodes[at].input.flatMap((name) => producers.get(name) ?? []));
  }
  return position;
}

/** The longest beginning of the step's name that is a known name and ends where an addition may begin. */
function positionOfStep(name: string, positions: ReadonlyMap<string, number>): number | undefined {
  const own = name.startsWith(JOINED_PREFIX) ? name.slice(JOINED_PREFIX.length) : name;
  for (let end = own.length; end > 0; end--) {
    if (end < own.length && !ADDITION_STARTS.includes(own[end])) continue;
    const position = positions.get(own.slice(0, end));
    if (position !== undefined) return position;
  }
  return undefined;
}
