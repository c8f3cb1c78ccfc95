/**
 * What the tail of a split holds. The tail is what can be computed from the cut tensors and from free values
 * (dataflow.ts); shapes are constants or rebuilt from the shapes of cut tensors where they can be. Whatever else the
 * graph's outputs need has to cross as well, and is named.
 */

import type { Tensor } from '@featherwire/tensor';
import { isRandom, isShapeReader, staticShapeValue } from './dataflow.js';
import type { GraphIndex } from './graph.js';
import type { NodeProto, TensorProto } from './proto/onnx_pb.js';
import {
  type DimensionSources,
  dimensionSources,
  type RebuiltShape,
  rebuiltShape,
} from './rebuild-shapes.js';
import type { ShapeTable } from './value-info.js';
import { tensorToProto } from './weights.js';

/** What a walk back from the graph's outputs to the cut finds. */
export interface TailWalk {
  /** Positions of the tail's nodes. */
  readonly nodes: ReadonlySet<number>;
  /** Static shapes of head tensors, as weights under the name of the Shape node's output. */
  readonly folded: readonly TensorProto[];
  /** Open shapes of head tensors, from those of cut tensors. */
  readonly rebuilt: readonly RebuiltShape[];
  /** Values that have to cross and are not in the cut. */
  readonly missing: ReadonlySet<string>;
  /** Cut tensors that the tail reads or gives back. */
  readonly used: ReadonlySet<string>;
}

/** Positions of the nodes that the named values are computed by. */
export function headNodes(index: GraphIndex, names: readonly string[]): Set<number> {
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
 * Walks back from the graph's outputs to the cut, and notes what crosses beside it.
 * @param cut - names of values
 * @param head - positions of the nodes on the head's side: what they make crosses and is not computed again, unless it
 *   follows from the cut
 */
export function walkTail(
  index: GraphIndex,
  cut: ReadonlySet<string>,
  head: ReadonlySet<number>,
  shapes: ShapeTable,
): TailWalk {
  const originOf = tailOrigins(index, cut, head, shapes);
  const nodes = new Set<number>();
  const folded: TensorProto[] = [];
  const rebuilt: RebuiltShape[] = [];
  const missing = new Set<string>();
  const used = new Set<string>();
  const seen = new Set<string>();
  const stack = [...index.outputs];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const origin = originOf(name);
    switch (origin.kind) {
      case 'cut':
        used.add(name);
        break;
      case 'missing':
        missing.add(name);
        break;
      case 'folded':
        folded.push(tensorToProto(name, origin.value));
        break;
      case 'rebuilt':
        rebuilt.push(origin.shape);
        for (const source of origin.shape.sources) used.add(source);
        break;
      case 'computed':
        nodes.add(origin.position);
        stack.push(...index.reads[origin.position]);
        break;
      case 'weight':
        break;
      default:
        origin satisfies never;
    }
  }
  return { nodes, folded, rebuilt, missing, used };
}

/** How the tail gets at a value. */
type TailValue =
  | { readonly kind: 'cut' }
  | { readonly kind: 'weight' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'folded'; readonly value: Tensor }
  | { readonly kind: 'rebuilt'; readonly shape: RebuiltShape }
  | { readonly kind: 'computed'; readonly position: number };

/** Tells of each value that the tail asks for how it gets at it. */
function tailOrigins(
  index: GraphIndex,
  cut: ReadonlySet<string>,
  head: ReadonlySet<number>,
  shapes: ShapeTable,
): (name: string) => TailValue {
  const sources = dimensionSources(cut, shapes);
  const freeShape = (node: NodeProto): TailValue | undefined => freeShapeOf(node, shapes, sources);
  const needs = needsMap(index, cut, head, freeShape);
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
      const free = freeShape(node);
      if (free) return free;
      // Of a tensor whose shape alone is needed, the shape crosses: a few bytes in place of the tensor.
      if (onHeadSide(node.input[0])) return { kind: 'missing' };
    }
    if (needs.get(name) && onHeadSide(name)) return { kind: 'missing' };
    return { kind: 'computed', position };
  };
}

/** A shape that takes no tensor to be known; undefined for other nodes. */
function freeShapeOf(node: NodeProto, shapes: ShapeTable, sources: DimensionSources): TailValue | undefined {
  const value = staticShapeValue(node, shapes);
  if (value) return { kind: 'folded', value };
  const shape = rebuiltShape(node, shapes, sources);
  return shape && { kind: 'rebuilt', shape };
}

/**
 * For each value, whether computing it from the cut tensors still needs a graph input, or a random value that the
 * head has drawn already.
 */
function needsMap(
  index: GraphIndex,
  cut: ReadonlySet<string>,
  head: ReadonlySet<number>,
  freeShape: (node: NodeProto) => TailValue | undefined,
): Map<string, boolean> {
  const needs = new Map<string, boolean>(index.inputs.map((name) => [name, !cut.has(name)]));
  for (const [position, node] of index.nodes.entries()) {
    const drawn = head.has(position) && isRandom(node);
    const follows = drawn || index.reads[position].some((name) => needs.get(name));
    const needy = follows && freeShape(node) === undefined;
    for (const name of node.output) if (name) needs.set(name, needy && !cut.has(name));
  }
  return needs;
}
