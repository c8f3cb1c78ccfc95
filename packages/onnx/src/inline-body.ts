/** The nodes of a body of control flow as nodes of the graph around it: inner names are made unique, outer ones stay. */

import { create } from '@bufbuild/protobuf';
import { withFields } from './model.js';
import {
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type SparseTensorProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto/onnx_pb.js';

/** A body's parts for the graph around it. */
export interface InlinedBody {
  readonly nodes: readonly NodeProto[];
  readonly weights: readonly TensorProto[];
  readonly sparse: readonly SparseTensorProto[];
  readonly valueInfo: readonly ValueInfoProto[];
}

type Rename = (name: string) => string;

/**
 * Inlines a body without inputs.
 * @param outputs - what the outer graph calls the body's outputs, `''` where it takes none
 * @param prefix - begins no name of the outer graph
 */
export function inlineBody(body: GraphProto, outputs: readonly string[], prefix: string): InlinedBody {
  const made = new Set(body.node.flatMap(({ output }) => output));
  const names = new Map([...definedIn(body)].map((name) => [name, prefix + name]));
  // A node's output takes the outer name by itself; what is captured, a weight, or given twice is copied under it.
  const copies: NodeProto[] = [];
  const given = new Set<string>();
  for (const [i, { name }] of body.output.entries()) {
    const outer = outputs[i];
    if (!outer) continue;
    if (made.has(name) && !given.has(name)) names.set(name, outer);
    else copies.push(identity(name, outer));
    given.add(name);
  }
  const rename: Rename = (name) => names.get(name) ?? name;
  const renamedCopies = copies.map((copy) => withFields(copy, { input: copy.input.map(rename) }));
  return {
    nodes: [...body.node.map((node) => renamedNode(node, rename, prefix)), ...renamedCopies],
    weights: body.initializer.map((weight) => withFields(weight, { name: rename(weight.name) })),
    sparse: body.sparseInitializer.map((weight) => renamedSparse(weight, rename)),
    valueInfo: body.valueInfo.map((value) => withFields(value, { name: rename(value.name) })),
  };
}

function identity(from: string, to: string): NodeProto {
  return create(NodeProtoSchema, { opType: 'Identity', name: to, input: [from], output: [to] });
}

/** Names that a graph gives to values of its own. */
function definedIn(graph: GraphProto): Set<string> {
  const names = [...graph.input, ...graph.initializer].map(({ name }) => name);
  for (const { values } of graph.sparseInitializer) names.push(values?.name ?? '');
  for (const { output } of graph.node) names.push(...output);
  return new Set(names.filter(Boolean));
}

function renamedNode(node: NodeProto, rename: Rename, prefix: string): NodeProto {
  return withFields(node, {
    name: node.name && prefix + node.name,
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.map((entry) => renamedAttribute(entry, rename)),
  });
}

/** Inner bodies keep their own names; what they take from around them is renamed. */
function renamedAttribute(entry: AttributeProto, rename: Rename): AttributeProto {
  if (!entry.g && entry.graphs.length === 0) return entry;
  return withFields(entry, {
    ...(entry.g && { g: withCaptures(entry.g, rename) }),
    graphs: entry.graphs.map((graph) => withCaptures(graph, rename)),
  });
}

function withCaptures(graph: GraphProto, rename: Rename): GraphProto {
  const own = definedIn(graph);
  const renameOuter: Rename = (name) => (own.has(name) ? name : rename(name));
  return withFields(graph, {
    node: graph.node.map((node) =>
      withFields(node, {
        input: node.input.map(renameOuter),
        attribute: node.attribute.map((entry) => renamedAttribute(entry, renameOuter)),
      }),
    ),
    output: graph.output.map((output) => withFields(output, { name: renameOuter(output.name) })),
  });
}

function renamedSparse(weight: SparseTensorProto, rename: Rename): SparseTensorProto {
  const values = weight.values && withFields(weight.values, { name: rename(weight.values.name) });
  return values ? withFields(weight, { values }) : weight;
}
