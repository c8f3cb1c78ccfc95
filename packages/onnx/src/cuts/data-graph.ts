/**
 * The part of a graph that a cut goes through: nodes on a way from an element of an input to an output, and the values
 * between them. Weights and what follows from them, and shapes, are left out: both sides have them or rebuild them, or
 * carry a few integers (carried-shapes.ts).
 */

import { carriesData, isRandom, isShapeReader } from '../dataflow.js';
import type { GraphIndex } from '../graph.js';

/** A value that carries data. */
export interface DataValue {
  readonly name: string;
  /** Position of the node that makes it; undefined for a graph input. */
  readonly producer: number | undefined;
  /** Positions of the live nodes that read its elements, ascending. */
  readonly readers: readonly number[];
  /** True for a graph output: it is read after the last node too. */
  readonly isOutput: boolean;
}

/** A value that a node makes. */
export interface MadeValue extends DataValue {
  readonly producer: number;
}

/** True for all values but graph inputs. */
export function isMade(value: DataValue): value is MadeValue {
  return value.producer !== undefined;
}

/** Live nodes and the values between them. */
export interface DataGraph {
  readonly index: GraphIndex;
  /** For each node, whether it lies on a way of data from an input to an output. */
  readonly live: readonly boolean[];
  /** Inputs first, then in the order of computation; only values that a live node reads or that are graph outputs. */
  readonly values: readonly DataValue[];
  /** For live nodes whose reads follow from shapes: the live nodes that make the tensors with these shapes. */
  readonly shapeOrigins: ReadonlyMap<number, readonly number[]>;
  /**
   * Positions of the live nodes that read a value, directly or through nodes that are not live; the number of nodes
   * stands for a graph output.
   */
  readonly liveReaders: ReadonlyMap<string, ReadonlySet<number>>;
  /**
   * For each random value that is drawn without an input, its live readers. It cannot be drawn twice, so that these
   * nodes have to be on one side.
   */
  readonly randomReaders: readonly (readonly number[])[];
}

/** Finds the nodes and values that carry data. */
export function dataGraph(index: GraphIndex): DataGraph {
  const live = liveNodes(index);
  const outputs = new Set(index.outputs);
  const readersOf = dataReaders(index, live);
  const liveReaders = liveReadersOf(index, live);
  const made = index.nodes.flatMap((node, producer) =>
    live[producer] ? node.output.filter(Boolean).map((name) => ({ name, producer })) : [],
  );
  const named: { name: string; producer: number | undefined }[] = [
    ...index.inputs.map((name) => ({ name, producer: undefined })),
    ...made,
  ];
  const values = named.map(({ name, producer }) => ({
    name,
    producer,
    readers: readersOf.get(name) ?? [],
    isOutput: outputs.has(name),
  }));
  return {
    index,
    live,
    values: values.filter(({ readers, isOutput }) => readers.length > 0 || isOutput),
    shapeOrigins: shapeOriginsOf(index, live),
    liveReaders,
    randomReaders: randomReadersOf(index, live, liveReaders),
  };
}

function liveNodes(index: GraphIndex): boolean[] {
  const live = carriesData(index);
  const wanted = new Set(index.outputs);
  for (let position = index.nodes.length - 1; position >= 0; position--) {
    live[position] &&= index.nodes[position].output.some((name) => wanted.has(name));
    if (live[position]) for (const name of index.reads[position]) wanted.add(name);
  }
  return live;
}

function dataReaders(index: GraphIndex, live: readonly boolean[]): Map<string, number[]> {
  const readers = new Map<string, number[]>();
  for (const [name, consumers] of index.consumers) {
    const reading = consumers.filter((position) => live[position]);
    if (reading.length > 0) readers.set(name, reading);
  }
  return readers;
}

/** Follows what is not live from Shape and Size nodes to the live nodes that read it. */
function shapeOriginsOf(index: GraphIndex, live: readonly boolean[]): Map<number, number[]> {
  const origins = new Map<number, number[]>();
  const behind = new Map<string, ReadonlySet<number>>(); // live nodes behind values that are not live
  for (const [position, node] of index.nodes.entries()) {
    const found = new Set<number>();
    for (const name of index.reads[position]) {
      const producer = index.producer.get(name);
      const makes = producer !== undefined && live[producer];
      if (makes && (isShapeReader(node) || !live[position])) found.add(producer);
      for (const origin of behind.get(name) ?? []) found.add(origin);
    }
    if (found.size === 0) continue;
    if (live[position]) origins.set(position, [...found]);
    else for (const name of node.output) behind.set(name, found);
  }
  return origins;
}

/** For each name, the live nodes that read it, directly or through nodes that are not live. */
function liveReadersOf(index: GraphIndex, live: readonly boolean[]): Map<string, Set<number>> {
  const end = index.nodes.length;
  const readers = new Map<string, Set<number>>(index.outputs.map((name) => [name, new Set([end])]));
  for (let position = end - 1; position >= 0; position--) {
    const behind = live[position]
      ? [position]
      : index.nodes[position].output.flatMap((name) => [...(readers.get(name) ?? [])]);
    if (behind.length === 0) continue;
    for (const name of index.reads[position]) {
      const known = readers.get(name);
      if (known) for (const reader of behind) known.add(reader);
      else readers.set(name, new Set(behind));
    }
  }
  return readers;
}

function randomReadersOf(
  index: GraphIndex,
  live: readonly boolean[],
  readers: ReadonlyMap<string, ReadonlySet<number>>,
): number[][] {
  return index.nodes.flatMap((node, position) => {
    if (live[position] || !isRandom(node)) return [];
    const reading = new Set(node.output.flatMap((name) => [...(readers.get(name) ?? [])]));
    return reading.size === 0 ? [] : [[...reading]];
  });
}
