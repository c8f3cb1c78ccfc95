/**
 * Importing a model: its operations are applied to a graph one by one. Shapes come from the engine (`inferShapes`),
 * older forms of operators are brought to those of the graph's operator set (normal-forms.ts).
 */

import {
  graphOf,
  indexGraph,
  isStatic,
  type ModelProto,
  opsetVersion,
  recordOfNode,
  type ShapeTable,
  tensorFromProto,
} from '@featherwire/onnx';
import { TrainError } from '../errors.js';
import { Graph, OPSET, type OutputSpec, type Value } from './graph.js';
import { applyNormalForm } from './normal-forms.js';

/** Oldest operator set whose arithmetic broadcasts as today's. */
const MIN_OPSET = 7;

/** What is known beside the model. */
export interface ImportOptions {
  /** Types and static shapes of all tensors that are not constants, from `inferShapes` of this very model. */
  readonly shapes: ShapeTable;
  /** Values of the graph that take the place of the model's inputs; inputs without one become the graph's. */
  readonly bindings?: ReadonlyMap<string, Value>;
}

/** A graph whose operator set can hold the operations of these models. */
export function createGraph(...models: readonly ModelProto[]): Graph {
  return new Graph(Math.max(OPSET, ...models.map((model) => opsetVersion(model) ?? 1)));
}

/**
 * Applies a model's operations.
 * @param g - of an operator set not below the model's
 * @returns every value of the model by its name there
 * @throws {TrainError} `unsupported-operator`, `open-shape`, `not-constant`
 * @throws {OnnxError} `invalid-model`
 */
export function importModel(g: Graph, model: ModelProto, options: ImportOptions): Map<string, Value> {
  const opset = opsetVersion(model) ?? 1;
  if (opset < MIN_OPSET || opset > g.opset) {
    throw new TrainError(
      'unsupported-operator',
      `operator set expected ${MIN_OPSET} to ${g.opset}, got ${opset}`,
    );
  }
  const index = indexGraph(model);
  const values = new Map<string, Value>();
  for (const name of index.inputs) {
    const { dtype, shape } = specOf(name, options.shapes);
    values.set(name, options.bindings?.get(name) ?? g.input(name, shape, dtype));
  }
  const read = new Set([...index.reads.flat(), ...index.outputs]);
  for (const [name, weight] of index.weights) {
    if (read.has(name)) values.set(name, g.constant(tensorFromProto(weight), name));
  }
  for (const node of index.nodes) {
    if (node.opType === 'Constant' && index.weights.has(node.output[0])) continue;
    if (node.domain !== '' && node.domain !== 'ai.onnx') {
      throw new TrainError(
        'unsupported-operator',
        `operator ${node.domain}.${node.opType} is not ONNX's own`,
      );
    }
    const record = recordOfNode(node);
    const inputs = record.inputs.map((name) => (name === '' ? null : (values.get(name) as Value)));
    const outputs = record.outputs.map((name) => (name === '' ? null : specOf(name, options.shapes)));
    const made = applyNormalForm(g, { ...record, inputs, outputs }, opset);
    // A normal form may have fewer outputs: those that are for training elsewhere.
    for (const [position, value] of made.entries()) values.set(record.outputs[position], value);
  }
  return values;
}

/** Values of a model's outputs, in declared order. */
export function outputsOf(model: ModelProto, values: ReadonlyMap<string, Value>): Value[] {
  return graphOf(model).output.map(({ name }) => values.get(name) as Value);
}

function specOf(name: string, shapes: ShapeTable): Required<OutputSpec> {
  const info = shapes.get(name);
  if (!info || !isStatic(info.shape)) {
    const known = info?.shape ? `[${info.shape.join(', ')}]` : 'none';
    throw new TrainError('open-shape', `tensor '${name}' expected a static shape, got ${known}`);
  }
  return { name, dtype: info.dtype, shape: info.shape };
}
