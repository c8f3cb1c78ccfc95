/**
 * The sets of `listCutSets` by trying all heads: for graphs of up to a score of nodes. Nothing here is shared with the
 * listing but the table of sizes.
 */

import { bodiesOf } from '../src/attributes.js';
import type { GraphProto, ModelProto, NodeProto } from '../src/proto/onnx_pb.js';

/** The best sets of one tensor. */
export interface SearchedTensor {
  /** Fewest bytes and, at these, fewest tensors. */
  readonly byBytes: readonly [bytes: number, tensors: number];
  /** Fewest tensors and, at these, fewest bytes. */
  readonly byTensors: readonly [tensors: number, bytes: number];
}

/** What trying all heads finds. */
export interface SearchedCuts {
  /** For each tensor that is computed and read as data. */
  readonly tensors: ReadonlyMap<string, SearchedTensor>;
  readonly headCount: number;
}

/** Tries all heads of a model whose nodes are in order. */
export function searchCuts(model: ModelProto, bytesOf: (name: string) => number): SearchedCuts {
  const graph = model.graph!;
  const nodes = dataNodes(graph);
  const needed = nodes.map((node) => nodes.flatMap((other, i) => (isBehind(graph, node, other) ? [i] : [])));
  const outputs = new Set(graph.output.map(({ name }) => name));
  const values = [
    ...graph.input.map(({ name }) => ({ name, maker: -1 })),
    ...nodes.flatMap(({ output }, maker) => output.map((name) => ({ name, maker }))),
  ].map((value) => ({
    ...value,
    readers: nodes.flatMap((node, i) => (readsOf(node).includes(value.name) ? [i] : [])),
    bytes: bytesOf(value.name),
  }));
  const best = new Map<string, { byBytes: [number, number]; byTensors: [number, number] }>();
  let headCount = 0;
  const consider = (head: readonly boolean[]): void => {
    headCount++;
    const crossing = values.filter(
      ({ name, maker, readers }) =>
        (maker < 0 || head[maker]) && (outputs.has(name) || readers.some((i) => !head[i])),
    );
    const bytes = crossing.reduce((sum, value) => sum + value.bytes, 0);
    for (const { name, maker, readers } of crossing) {
      if (maker < 0 || readers.every((i) => head[i])) continue;
      const known = best.get(name);
      best.set(name, {
        byBytes: lesser(known?.byBytes, [bytes, crossing.length]),
        byTensors: lesser(known?.byTensors, [crossing.length, bytes]),
      });
    }
  };
  const extend = (head: boolean[], i: number): void => {
    if (i === nodes.length) {
      consider(head);
      return;
    }
    extend([...head, false], i + 1);
    if (needed[i].every((behind) => head[behind])) extend([...head, true], i + 1);
  };
  extend([], 0);
  return { tensors: best, headCount };
}

function lesser(a: [number, number] | undefined, b: [number, number]): [number, number] {
  return a && (a[0] < b[0] || (a[0] === b[0] && a[1] <= b[1])) ? a : b;
}

/** Nodes on a way of data from an input to an output: shapes carry none. */
function dataNodes({ node: nodes, input, output }: GraphProto): NodeProto[] {
  const carrying = nodes.filter(({ opType }) => opType !== 'Shape' && opType !== 'Size');
  const forward = new Set(input.map(({ name }) => name));
  for (const node of carrying) {
    if (readsOf(node).some((name) => forward.has(name))) for (const name of node.output) forward.add(name);
  }
  const backward = new Set(output.map(({ name }) => name));
  const kept = [...carrying].reverse().filter((node) => {
    const wanted = node.output.some((name) => backward.has(name) && forward.has(name));
    if (wanted) for (const name of readsOf(node)) backward.add(name);
    return wanted;
  });
  return kept.reverse();
}

/** True if a node follows from another, over shapes too. */
function isBehind({ node: nodes }: GraphProto, node: NodeProto, other: NodeProto): boolean {
  const wanted = new Set(readsOf(node));
  for (const before of [...nodes].reverse()) {
    if (!before.output.some((name) => wanted.has(name))) continue;
    if (before === other) return true;
    for (const name of readsOf(before)) wanted.add(name);
  }
  return false;
}

function readsOf(node: NodeProto): string[] {
  const inner = bodiesOf(node).flatMap((body) => {
    const made = new Set(body.node.flatMap(({ output }) => output));
    return body.node.flatMap(readsOf).filter((name) => !made.has(name));
  });
  return [...node.input, ...inner].filter(Boolean);
}
