/**
 * Splitting a model in two at named tensors. The tail is what can be computed from the cut tensors and from free
 * values (dataflow.ts); whatever else the graph's outputs need has to cross as well, and is named. Nodes that both
 * sides need (weights, shape arithmetic, values that follow from cut tensors) are copied to both.
 */

import type { Tensor } from '@featherwire/tensor';
import { isRandom, isShapeReader, staticShapeValue } from './dataflow.js';
import { declaredShapes } from './declarations.js';
import { OnnxError } from './errors.js';
import { extractPart } from './extract.js';
import { type GraphIndex, hasTensor, indexGraph, unknownTensor } from './graph.js';
import { graphOf } from './model.js';
import type { ModelProto, TensorProto, ValueInfoProto } from './proto/onnx_pb.js';
import { type ShapeTable, type TensorInfo, valueInfoOf } from './value-info.js';
import { tensorToProto } from './weights.js';

/** What is known beside the model. */
export interface SplitOptions {
  /**
   * Types and shapes of tensors (from `inferShapes` of this very model: a number in a shape is taken as fixed).
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
 * @throws {OnnxError} `unknown-tensor`, `constant-tensor`, `not-a-cut` (with `missing`), `redundant-tensor`,
 *   `empty-side`, `unknown-type`, `invalid-model`
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
  const tail = walkTail(index, tensorNames, head, shapes);
  checkWalk(index, tensorNames, head, tail);
  const graph = graphOf(model);
  const crossing = cut.map(valueInfoOf);
  const crossed = new Set(tensorNames);
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
      extraWeights: tail.folded,
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
  const reachesInput = needsMap(index, new Set(), new Set(), new Map());
  return names.map((name) => {
    if (!reachesInput.get(name)) {
      throw new OnnxError('constant-tensor', `tensor '${name}' does not depend on an input of the graph`);
    }
    const info = shapes.get(name);
    if (!info) throw new OnnxError('unknown-type', `the element type of tensor '${name}' is not known`);
    return info;
  });
}

/** Positions of the nodes that the named tensors are computed by. */
function headNodes(index: GraphIndex, names: readonly string[]): Set<number> {
  const nodes = new Set<number>();
  const stack = [...names];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    const position = index.producer.get(name);
    if (position === undefined || nodes.has(position)) continue;
    nodes.add(position);
    stack.push(...index.reads[position]);
  }
  return nodes;
}

/**
 * For each value, whether computing it from the cut tensors still needs a graph input, or a random value that the
 * head has drawn already.
 */
function needsMap(
  index: GraphIndex,
  cut: ReadonlySet<string>,
  head: ReadonlySet<number>,
  shapes: ShapeTable,
): Map<string, boolean> {
  const needs = new Map<string, boolean>(index.inputs.map((name) => [name, !cut.has(name)]));
  for (const [position, node] of index.nodes.entries()) {
    const free = staticShapeValue(node, shapes) !== undefined;
    const drawn = head.has(position) && isRandom(node);
    const needy = !free && (drawn || index.reads[position].some((name) => needs.get(name)));
    for (const name of node.output) if (name) needs.set(name, needy && !cut.has(name));
  }
  return needs;
}

/** How the tail gets at a value. */
type TailValue =
  | { readonly kind: 'cut' }
  | { readonly kind: 'weight' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'folded'; readonly value: Tensor }
  | { readonly kind: 'computed'; readonly position: number };

interface TailWalk {
  readonly nodes: Set<number>;
  /** Static shapes of head tensors, as weights under the name of the Shape node's output. */
  readonly folded: TensorProto[];
  /** Values that have to cross and are not in the cut. */
  readonly missing: Set<string>;
  /** Cut tensors that the tail reads or gives back. */
  readonly used: Set<string>;
}

/** Walks back from the graph's outputs to the cut, and notes what crosses beside it. */
function walkTail(
  index: GraphIndex,
  names: readonly string[],
  head: ReadonlySet<number>,
  shapes: ShapeTable,
): TailWalk {
  const originOf = tailOrigins(index, new Set(names), head, shapes);
  const walk: TailWalk = { nodes: new Set(), folded: [], missing: new Set(), used: new Set() };
  const seen = new Set<string>();
  const stack = [...index.outputs];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const origin = originOf(name);
    switch (origin.kind) {
      case 'cut':
        walk.used.add(name);
        break;
      case 'missing':
        walk.missing.add(name);
        break;
      case 'folded':
        walk.folded.push(tensorToProto(name, origin.value));
        break;
      case 'computed':
        walk.nodes.add(origin.position);
        stack.push(...index.reads[origin.position]);
        break;
      case 'weight':
        break;
      default:
        origin satisfies never;
    }
  }
  return walk;
}

/** Tells of each value that the tail asks for how it gets at it. */
function tailOrigins(
  index: GraphIndex,
  cut: ReadonlySet<string>,
  head: ReadonlySet<number>,
  shapes: ShapeTable,
): (name: string) => TailValue {
  const needs = needsMap(index, cut, head, shapes);
  const onHeadSide = (name: string): boolean => {
    const position = index.producer.get(name);
    return position === undefined || head.has(position);
  };
  return (name) => {
    if (cut.has(name)) return { kind: 'cut' };
    const position = index.producer.get(name);
    if (position === undefined) return { kind: needs.get(name) ? 'missing' : 'weight' };
    const node = index.nodes[position];
    if (isShapeReader(node) && needs.get(node.input[0])) {
      const value = staticShapeValue(node, shapes);
      if (value) return { kind: 'folded', value };
      // Of a tensor whose shape alone is needed, the shape crosses: a few bytes in place of the tensor.
      if (onHeadSide(node.input[0])) return { kind: 'missing' };
    }
    if (needs.get(name) && onHeadSide(name)) return { kind: 'missing' };
    return { kind: 'computed', position };
  };
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
