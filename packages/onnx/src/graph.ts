/**
 * The index of a graph: who makes and who reads each value. Nodes are put in topological order; names that the
 * bodies of If, Loop and Scan take from the graph around them count as reads of the node that owns the body.
 */

import { bodiesOf } from './attributes.js';
import { OnnxError } from './errors.js';
import { describeNode, graphOf } from './model.js';
import { nearNames } from './near-names.js';
import type { GraphProto, ModelProto, NodeProto, TensorProto } from './proto/onnx_pb.js';
import { weightOfConstant } from './weights.js';

/** A graph's values and nodes by name and position. Only the top level: bodies are part of their nodes. */
export interface GraphIndex {
  /** In topological order; file order where that already is one. */
  readonly nodes: readonly NodeProto[];
  /** For each node, the names it reads, each once, those captured by its bodies included. */
  readonly reads: readonly (readonly string[])[];
  /** Position in `nodes` of the node that makes a value. */
  readonly producer: ReadonlyMap<string, number>;
  /** Positions in `nodes` of the nodes that read a value, ascending; no entry for values nobody reads. */
  readonly consumers: ReadonlyMap<string, readonly number[]>;
  /** Weights: initializers, and tensors of Constant nodes under the name of their output. */
  readonly weights: ReadonlyMap<string, TensorProto>;
  /** Names of initializers, sparse ones included. */
  readonly initializers: ReadonlySet<string>;
  /** Graph inputs in declared order, without the initializers that old exporters list among them. */
  readonly inputs: readonly string[];
  /** Graph outputs in declared order. */
  readonly outputs: readonly string[];
  /** True for a node that calls a function of the model. */
  readonly isCall: (node: NodeProto) => boolean;
}

/**
 * Indexes a model's graph.
 * @throws {OnnxError} `invalid-model` if a name is made twice, read and never made, or the nodes form a cycle
 */
export function indexGraph(model: ModelProto): GraphIndex {
  const graph = graphOf(model);
  const initializers = initializerNames(graph);
  const inputs = graph.input.map(({ name }) => name).filter((name) => !initializers.has(name));
  const reads = graph.node.map(readsOf);
  const made = producersOf(graph.node, new Set([...initializers, ...inputs]));
  checkReads(graph, reads, new Set([...made.keys(), ...initializers, ...inputs]));
  const order = topologicalOrder(graph.node, reads, made);
  const nodes = order.map((position) => graph.node[position]);
  const orderedReads = order.map((position) => reads[position]);
  return {
    nodes,
    reads: orderedReads,
    producer: producersOf(nodes, new Set()),
    consumers: consumersOf(orderedReads),
    weights: weightsOf(graph),
    initializers,
    inputs,
    outputs: graph.output.map(({ name }) => name),
    isCall: callsOf(model),
  };
}

/** True if the graph's top level holds a value of that name. */
export function hasTensor(index: GraphIndex, name: string): boolean {
  return index.producer.has(name) || index.initializers.has(name) || index.inputs.includes(name);
}

/** The error for a name that the graph does not hold, with near names. */
export function unknownTensor(index: GraphIndex, name: string): OnnxError {
  const suggestions = nearNames(name, new Set([...index.producer.keys(), ...index.inputs]));
  const hint = suggestions.length > 0 ? `; near names: ${suggestions.join(', ')}` : '';
  return new OnnxError('unknown-tensor', `tensor expected a name of the graph, got '${name}'${hint}`, {
    suggestions,
  });
}

function callsOf({ functions }: ModelProto): (node: NodeProto) => boolean {
  const keyOf = (domain: string, name: string): string => JSON.stringify([domain, name]);
  const names = new Set(functions.map(({ domain, name }) => keyOf(domain, name)));
  return ({ domain, opType }) => names.has(keyOf(domain, opType));
}

/** The distinct names a node reads, those captured by its bodies included; optional inputs left out are not names. */
export function readsOf(node: NodeProto): string[] {
  const names = new Set(node.input.filter(Boolean));
  for (const body of bodiesOf(node)) {
    for (const name of capturedBy(body)) names.add(name);
  }
  return [...names];
}

/** Names that a body reads and does not define itself. */
function capturedBy(body: GraphProto): Set<string> {
  const defined = new Set([...body.input.map(({ name }) => name), ...initializerNames(body)]);
  for (const node of body.node) for (const name of node.output) defined.add(name);
  const captured = new Set<string>();
  for (const node of body.node) for (const name of readsOf(node)) if (!defined.has(name)) captured.add(name);
  for (const { name } of body.output) if (!defined.has(name)) captured.add(name);
  return captured;
}

function initializerNames(graph: GraphProto): Set<string> {
  const names = graph.initializer.map(({ name }) => name);
  for (const sparse of graph.sparseInitializer) names.push(sparse.values?.name ?? '');
  return new Set(names);
}

function weightsOf(graph: GraphProto): Map<string, TensorProto> {
  const weights = new Map(graph.initializer.map((weight) => [weight.name, weight]));
  for (const node of graph.node) {
    const weight = weightOfConstant(node);
    if (weight) weights.set(weight.name, weight);
  }
  return weights;
}

function producersOf(nodes: readonly NodeProto[], taken: ReadonlySet<string>): Map<string, number> {
  const producer = new Map<string, number>();
  for (const [position, node] of nodes.entries()) {
    for (const name of node.output) {
      if (!name) continue;
      if (producer.has(name) || taken.has(name)) {
        throw new OnnxError(
          'invalid-model',
          `value '${name}' expected one origin, got another in ${describeNode(node)}`,
        );
      }
      producer.set(name, position);
    }
  }
  return producer;
}

function consumersOf(reads: readonly (readonly string[])[]): Map<string, number[]> {
  const consumers = new Map<string, number[]>();
  for (const [position, names] of reads.entries()) {
    for (const name of names) {
      const readers = consumers.get(name);
      if (readers) readers.push(position);
      else consumers.set(name, [position]);
    }
  }
  return consumers;
}

function checkReads(graph: GraphProto, reads: readonly (readonly string[])[], known: Set<string>): void {
  for (const [position, names] of reads.entries()) {
    const unmade = names.find((name) => !known.has(name));
    if (unmade !== undefined) {
      const reader = describeNode(graph.node[position]);
      throw new OnnxError('invalid-model', `${reader} reads '${unmade}', which nothing makes`);
    }
  }
  for (const { name } of graph.output) {
    if (!known.has(name)) throw new OnnxError('invalid-model', `graph output '${name}' is made by nothing`);
  }
}

const UNTOUCHED = 0;
const OPEN = 1;
const DONE = 2;

/** Depth first from each node in file order, so an ordered file keeps its order. Iterative: graphs are deep. */
function topologicalOrder(
  nodes: readonly NodeProto[],
  reads: readonly (readonly string[])[],
  producer: ReadonlyMap<string, number>,
): number[] {
  const state = new Uint8Array(nodes.length);
  const order: number[] = [];
  const openNode = (position: number, stack: number[]): void => {
    state[position] = OPEN;
    for (const name of reads[position]) {
      const before = producer.get(name);
      if (before === undefined || state[before] === DONE) continue;
      if (state[before] === OPEN) {
        throw new OnnxError('invalid-model', `the nodes form a cycle through ${describeNode(nodes[before])}`);
      }
      stack.push(before);
    }
  };
  for (let root = 0; root < nodes.length; root++) {
    const stack = [root];
    while (stack.length > 0) {
      const position = stack[stack.length - 1];
      if (state[position] === UNTOUCHED) {
        openNode(position, stack);
        continue;
      }
      stack.pop();
      if (state[position] === OPEN) {
        state[position] = DONE;
        order.push(position);
      }
    }
  }
  return order;
}
