/**
 * Inlining branches: an If whose condition is the same in every run (it follows from weights and from shapes that are
 * known numbers) is replaced by the nodes of the branch that it takes, so that a cut can go through them. Loop, Scan
 * and other Ifs stay single nodes.
 */

import { InferenceError } from '@featherwire/inference';
import { attribute, bodiesOf } from './attributes.js';
import { computeConstants } from './compute-constants.js';
import { isRandom, staticShapeValue } from './dataflow.js';
import { OnnxError } from './errors.js';
import { staticReaders } from './fold-shapes.js';
import { type GraphIndex, indexGraph } from './graph.js';
import { inferShapes } from './infer-shapes.js';
import { inlineBody } from './inline-body.js';
import { describeNode, graphOf, isStandardDomain, withFields } from './model.js';
import type { GraphProto, ModelProto, NodeProto, TensorProto } from './proto/onnx_pb.js';
import type { SessionFactory } from './sessions.js';
import { headNodes } from './tail-walk.js';
import type { ShapeTable } from './value-info.js';
import { tensorFromProto } from './weights.js';

/**
 * Inlines every If of the graph's top level whose condition is constant, those in inlined branches included.
 * @returns the same model if there is none
 * @throws {OnnxError} `inference-failed` if the engine refuses the model or cannot compute a condition
 */
export async function inlineBranches(
  model: ModelProto,
  { sessions }: { readonly sessions: SessionFactory },
): Promise<ModelProto> {
  for (let current = model; ; ) {
    if (!graphOf(current).node.some(isBranching)) return current;
    const taken = await takenBranches(current, sessions);
    if (taken.size === 0) return current;
    current = withBranches(current, taken);
  }
}

/** A node of control flow, which no cut goes through. */
export interface ControlFlow {
  /** Its type and its name. */
  readonly node: string;
  /** For If, the graph inputs that its condition follows from; empty for Loop and Scan. */
  readonly conditionInputs: readonly string[];
}

/** The If, Loop and Scan nodes of the graph's top level. */
export function controlFlowOf(model: ModelProto): ControlFlow[] {
  const index = indexGraph(model);
  return index.nodes.flatMap((node) => {
    if (bodiesOf(node).length === 0) return [];
    const conditionInputs = isBranching(node) ? inputsBehind(index, node.input[0]) : [];
    return [{ node: describeNode(node), conditionInputs }];
  });
}

function inputsBehind(index: GraphIndex, name: string): string[] {
  const positions = headNodes(index, [name]);
  const read = new Set([name, ...[...positions].flatMap((position) => index.reads[position])]);
  return index.inputs.filter((input) => read.has(input));
}

function isBranching(node: NodeProto): boolean {
  return isStandardDomain(node) && node.opType === 'If';
}

/** The branches that Ifs with a constant condition take. */
async function takenBranches(
  model: ModelProto,
  sessions: SessionFactory,
): Promise<Map<NodeProto, GraphProto>> {
  const index = indexGraph(model);
  const shapes = await inferShapes(model, { sessions });
  const constant = constantValues(index, shapes);
  const branching = index.nodes.filter((node) => isBranching(node) && constant(node.input[0]));
  const targets = [...new Set(branching.map(({ input }) => input[0]))];
  const known = [...staticReaders(index, shapes).values()];
  const values = targets.length === 0 ? [] : await conditions(model, index, { targets, known, sessions });
  const isTrue = new Map(targets.map((name, i) => [name, tensorFromProto(values[i]).data[0] !== 0]));
  return new Map(
    branching.flatMap((node) => {
      const branch = attribute(node, isTrue.get(node.input[0]) ? 'then_branch' : 'else_branch')?.g;
      return branch ? [[node, branch]] : [];
    }),
  );
}

async function conditions(...request: Parameters<typeof computeConstants>): Promise<TensorProto[]> {
  try {
    return await computeConstants(...request);
  } catch (cause) {
    if (!(cause instanceof InferenceError)) throw cause;
    throw new OnnxError('inference-failed', `a condition of If was not computed: ${cause.message}`, {
      cause,
    });
  }
}

/** Tells whether a value is the same in every run. */
function constantValues(index: GraphIndex, shapes: ShapeTable): (name: string) => boolean {
  const varying = new Set(index.inputs);
  for (const [position, node] of index.nodes.entries()) {
    if (staticShapeValue(node, shapes)) continue;
    const follows = index.reads[position].some((name) => varying.has(name));
    if (follows || isRandom(node)) for (const name of node.output) varying.add(name);
  }
  return (name) => !varying.has(name);
}

/** The model with Ifs replaced by the branches they take. */
function withBranches(model: ModelProto, taken: ReadonlyMap<NodeProto, GraphProto>): ModelProto {
  const graph = graphOf(model);
  const names = allNames(graph);
  const inlined = new Map(
    [...taken].map(([node, branch]) => [
      node,
      inlineBody(branch, node.output, freePrefix(node.name || node.output[0], names)),
    ]),
  );
  const bodies = [...inlined.values()];
  return withFields(model, {
    graph: withFields(graph, {
      node: graph.node.flatMap((node) => inlined.get(node)?.nodes ?? [node]),
      initializer: [...graph.initializer, ...bodies.flatMap(({ weights }) => weights)],
      sparseInitializer: [...graph.sparseInitializer, ...bodies.flatMap(({ sparse }) => sparse)],
      valueInfo: [...graph.valueInfo, ...bodies.flatMap(({ valueInfo }) => valueInfo)],
    }),
  });
}

/** A prefix that no name begins with; it is added to the names. */
function freePrefix(name: string, names: Set<string>): string {
  let prefix = `${name}/`;
  while ([...names].some((taken) => taken.startsWith(prefix))) prefix = `${prefix}_`;
  names.add(prefix);
  return prefix;
}

/** Names of all values, in bodies too. */
function allNames(graph: GraphProto): Set<string> {
  const names = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  for (const { values } of graph.sparseInitializer) names.add(values?.name ?? '');
  for (const node of graph.node) {
    for (const name of node.output) names.add(name);
    for (const body of bodiesOf(node)) for (const name of allNames(body)) names.add(name);
  }
  return names;
}
