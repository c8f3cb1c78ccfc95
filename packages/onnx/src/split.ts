/**
 * Splitting a model in two at named tensors. The head is what computes them; the tail is what follows from them and
 * from free values (tail-walk.ts). Nodes that both sides need (weights, shape arithmetic, values that follow from cut
 * tensors) are copied to both.
 */

import { dependsOnInputs } from './dataflow.js';
import { declaredShapes } from './declarations.js';
import { OnnxError } from './errors.js';
import { extractPart } from './extract.js';
import { type GraphIndex, hasTensor, indexGraph, unknownTensor } from './graph.js';
import { describeNode, graphOf } from './model.js';
import type { ModelProto, ValueInfoProto } from './proto/onnx_pb.js';
import { headNodes, type TailWalk, walkTail } from './tail-walk.js';
import { type ShapeTable, type TensorInfo, valueInfoOf } from './value-info.js';

/** What is known beside the model. */
export interface SplitOptions {
  /**
   * Types and shapes of tensors (from `inferShapes` of this very model: a number in a shape is taken as fixed, and a
   * symbol as one number wherever it stands).
   * Default: the types that the model declares itself.
   */
  readonly shapes?: ShapeTable;
}

/** A model in two parts. */
export interface SplitModel {
  /** From the graph's inputs to the cut tensors, in the order in which they were named. */
  readonly head: ModelProto;
  /** From the cut tensors to the graph's outputs. */
  readonly tail: ModelProto;
  /** The cut tensors. */
  readonly cut: readonly TensorInfo[];
}

/**
 * Splits a model at one or several tensors.
 * @param tensorNames - at least one name of a value of the graph's top level; a graph input may be among them
 * @returns models that share their weights with `model`
 * @throws {OnnxError} `unknown-tensor`, `constant-tensor`, `random-value`, `not-a-cut` (with `missing`),
 *   `redundant-tensor`, `empty-side`, `unknown-type`, `invalid-model`
 * @throws {RangeError} if no name is given, or one twice
 */
export function splitModel(
  model: ModelProto,
  tensorNames: readonly string[],
  options: SplitOptions = {},
): SplitModel {
  const index = indexGraph(model);
  const shapes = options.shapes ?? declaredShapes(model);
  const cut = cutInfos(index, tensorNames, shapes);
  const head = headNodes(index, tensorNames);
  const crossed = new Set(tensorNames);
  const tail = walkTail(index, crossed, head, shapes);
  checkWalk(index, tensorNames, head, tail);
  const graph = graphOf(model);
  const crossing = cut.map(valueInfoOf);
  const headReads = new Set([...head].flatMap((position) => index.reads[position]));
  const real = new Set(index.inputs.filter((name) => headReads.has(name) || crossed.has(name)));
  return {
    head: extractPart(model, index, {
      suffix: '_head',
      nodes: head,
      inputs: graph.input.filter(({ name }) => real.has(name)),
      outputs: crossing,
      extraWeights: [],
    }),
    tail: extractPart(model, index, {
      suffix: '_tail',
      nodes: tail.nodes,
      inputs: crossing,
      outputs: graph.output.map((output) => withoutClash(output, crossing)),
      extraWeights: [...tail.folded, ...tail.rebuilt.flatMap(({ weights }) => weights)],
      extraNodes: tail.rebuilt.flatMap(({ nodes }) => nodes),
    }),
    cut,
  };
}

function cutInfos(index: GraphIndex, names: readonly string[], shapes: ShapeTable): TensorInfo[] {
  if (names.length === 0) throw new RangeError('tensorNames expected at least one name, got none');
  if (new Set(names).size < names.length) {
    throw new RangeError(`tensorNames expected distinct names, got ${names.join(', ')}`);
  }
  const unknown = names.find((name) => !hasTensor(index, name));
  if (unknown !== undefined) throw unknownTensor(index, unknown);
  const depends = dependsOnInputs(index, new Map());
  return names.map((name) => {
    const position = index.producer.get(name);
    if (position === undefined ? !index.inputs.includes(name) : !depends[position]) {
      throw new OnnxError('constant-tensor', `tensor '${name}' does not depend on an input of the graph`);
    }
    const info = shapes.get(name);
    if (!info) throw unknownType(index, name);
    return info;
  });
}

function unknownType(index: GraphIndex, name: string): OnnxError {
  const position = index.producer.get(name);
  const origin = position === undefined ? 'an input' : `made by ${describeNode(index.nodes[position])}`;
  return new OnnxError(
    'unknown-type',
    `tensor '${name}', ${origin}, expected a known numeric element type, got none (a sequence, a string, or not inferred)`,
  );
}

function checkWalk(
  index: GraphIndex,
  names: readonly string[],
  head: ReadonlySet<number>,
  tail: TailWalk,
): void {
  const at = names.map((name) => `'${name}'`).join(', ');
  if (tail.missing.size > 0) {
    const missing = [...tail.missing].sort((a, b) => positionOf(index, a) - positionOf(index, b));
    checkRandom(index, at, missing);
    throw new OnnxError('not-a-cut', `${at} is not a cut: also crossing ${missing.join(', ')}`, { missing });
  }
  const redundant = names.filter((name) => !tail.used.has(name));
  if (redundant.length > 0) {
    throw new OnnxError('redundant-tensor', `the tail at ${at} does not read ${redundant.join(', ')}`);
  }
  if (head.size === 0) throw new OnnxError('empty-side', `the head at ${at} holds no node`);
  if (!computesFrom(index, names, tail.nodes)) {
    throw new OnnxError('empty-side', `the tail at ${at} computes nothing from it`);
  }
}

/** What is drawn without an input would have to be drawn once for both sides. */
function checkRandom(index: GraphIndex, at: string, missing: readonly string[]): void {
  const depends = dependsOnInputs(index, new Map());
  for (const name of missing) {
    const position = index.producer.get(name);
    if (position === undefined || depends[position]) continue;
    throw new OnnxError(
      'random-value',
      `${at} is not a cut: both sides read random values, made by ${describeNode(index.nodes[position])}`,
      { missing },
    );
  }
}

/** True if one of the nodes follows from the named tensors. */
function computesFrom(index: GraphIndex, names: readonly string[], nodes: ReadonlySet<number>): boolean {
  const given = new Set(names);
  return [...nodes].some((position) => index.reads[position].some((name) => given.has(name)));
}

function positionOf(index: GraphIndex, name: string): number {
  return index.producer.get(name) ?? -1;
}

/** A graph output that is a cut tensor passes through the tail: input and output then are one declaration. */
function withoutClash(output: ValueInfoProto, crossing: readonly ValueInfoProto[]): ValueInfoProto {
  return crossing.find(({ name }) => name === output.name) ?? output;
}
