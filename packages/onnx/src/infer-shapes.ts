/**
 * Shape inference by the engine itself: every tensor becomes an output without a declared type, the engine loads that
 * model without optimising it, and says what it inferred. Large weights are replaced by inputs of their type and
 * shape, so that neither the size of the model nor where its weights are kept matters.
 */

import { create } from '@bufbuild/protobuf';
import type { ValueSpec } from '@featherwire/inference';
import { InferenceError } from '@featherwire/inference';
import { declaredShapes } from './declarations.js';
import { OnnxError } from './errors.js';
import { foldShapeArithmetic } from './fold-shapes.js';
import { type GraphIndex, indexGraph } from './graph.js';
import { type InputShapes, withInputShapes } from './input-shapes.js';
import { FREE_INITIALIZERS_IR_VERSION, graphOf, serializeModel, withFields } from './model.js';
import { type ModelProto, type NodeProto, NodeProtoSchema, type TensorProto } from './proto/onnx_pb.js';
import type { SessionFactory } from './sessions.js';
import { type TensorInfo, untypedValueInfo, valueInfoOf } from './value-info.js';
import { dimsOf, dtypeOf, isExternal, weightBytes } from './weights.js';

/**
 * Weights from this size become inputs. Below lie the ones whose values decide shapes (Reshape, Slice, Resize), which
 * hold a few numbers, and per-channel scales, which some kernels want as constants.
 */
const STRIP_FROM_BYTES = 65_536;

const SHAPE_SUFFIX = '__featherwire_shape';

/** Engine and known dimensions. */
export interface InferShapesOptions {
  readonly sessions: SessionFactory;
  /** Dimensions for graph inputs, as in `withInputShapes`; the table then holds for the model with these inputs. */
  readonly inputShapes?: InputShapes;
}

/** Folding makes shapes static, which makes more to fold; nesting deeper than this stays open. */
const MAX_FOLDING_ROUNDS = 32;

/**
 * Infers the element type and the shape of every tensor of the graph's top level. Shape arithmetic over known
 * dimensions is computed, so that with all inputs static nearly every tensor is.
 * @returns by name; values that are no tensors of a known type are left out
 * @throws {OnnxError} `inference-failed` if the engine refuses the model; as `withInputShapes`; `invalid-model`
 */
export async function inferShapes(
  model: ModelProto,
  { sessions, inputShapes = {} }: InferShapesOptions,
): Promise<Map<string, TensorInfo>> {
  const table = new Map<string, TensorInfo>();
  let current = withInputShapes(model, inputShapes);
  try {
    for (let round = 0; round < MAX_FOLDING_ROUNDS; round++) {
      for (const info of await inferOnce(current, sessions)) table.set(info.name, info);
      const folded = await foldShapeArithmetic(current, table, sessions);
      if (!folded) break;
      current = folded;
    }
  } catch (cause) {
    if (!(cause instanceof InferenceError)) throw cause;
    throw new OnnxError('inference-failed', `shape inference failed: ${cause.message}`, { cause });
  }
  return table;
}

/** One pass of the engine's inference over a model. */
async function inferOnce(model: ModelProto, sessions: SessionFactory): Promise<TensorInfo[]> {
  const index = indexGraph(model);
  const names = index.nodes
    .flatMap(({ output }) => output)
    .filter((name) => name !== '' && !index.weights.has(name));
  let loaded = stripWeights(model, index);
  let specs: readonly ValueSpec[];
  try {
    specs = await specsOf(loaded, names, sessions);
  } catch (error) {
    // Some kernels take their weights as constants only; with the weights in place they load.
    if (loaded === model || !isRejection(error)) throw error;
    loaded = model;
    specs = await specsOf(loaded, names, sessions).catch(() => Promise.reject(error));
  }
  const scalars = await scalarsAmong(loaded, specs, sessions);
  const inferred = specs.map(({ name, dtype, shape }) => ({
    name,
    dtype,
    shape: shape.length === 0 && !scalars.has(name) ? null : shape,
  }));
  return [...declaredInputs(model, index), ...inferred];
}

function isRejection(error: unknown): boolean {
  return error instanceof InferenceError && error.code === 'model-rejected';
}

/** What is known without an engine: graph inputs and weights. */
function declaredInputs(model: ModelProto, index: GraphIndex): TensorInfo[] {
  const declared = declaredShapes(model);
  const inputs = index.inputs.map((name) => declared.get(name));
  const weights = [...index.weights].map(([name, weight]) => weightInfo(name, weight));
  return [...inputs, ...weights].filter((info) => info !== undefined);
}

function weightInfo(name: string, weight: TensorProto): TensorInfo | undefined {
  const dtype = dtypeOf(weight.dataType);
  return dtype && { name, dtype, shape: dimsOf(weight) };
}

/** The model with its large and its external weights as inputs; the same object if there is none. */
function stripWeights(model: ModelProto, index: GraphIndex): ModelProto {
  const graph = graphOf(model);
  const stripped = new Map<string, TensorInfo>();
  for (const [name, weight] of index.weights) {
    const info = weightInfo(name, weight);
    if (info && (isExternal(weight) || (weightBytes(weight) ?? 0) >= STRIP_FROM_BYTES))
      stripped.set(name, info);
  }
  if (stripped.size === 0) return model;
  return withFields(model, {
    irVersion:
      model.irVersion < FREE_INITIALIZERS_IR_VERSION ? FREE_INITIALIZERS_IR_VERSION : model.irVersion,
    graph: withFields(graph, {
      node: graph.node.filter(({ output }) => !stripped.has(output[0])),
      initializer: graph.initializer.filter(({ name }) => !stripped.has(name)),
      input: [
        ...graph.input.filter(({ name }) => !stripped.has(name)),
        ...[...stripped.values()].map(valueInfoOf),
      ],
    }),
  });
}

/**
 * What the engine says of the named tensors when they are outputs. If it cannot state one of them (a sequence, a
 * string), the names are halved until the others are known.
 */
async function specsOf(
  model: ModelProto,
  names: readonly string[],
  sessions: SessionFactory,
): Promise<ValueSpec[]> {
  try {
    return [...(await outputSpecs(model, names, [], sessions))];
  } catch (error) {
    if (!isRejection(error)) throw error;
    // With its own outputs alone the model has to load; else it is refused for a reason of its own.
    const own = graphOf(model).output.map(({ name }) => name);
    await outputSpecs(model, own, [], sessions);
    return halved(model, names, sessions);
  }
}

async function halved(
  model: ModelProto,
  names: readonly string[],
  sessions: SessionFactory,
): Promise<ValueSpec[]> {
  if (names.length <= 1) return [];
  const middle = names.length >> 1;
  const specs: ValueSpec[] = [];
  for (const part of [names.slice(0, middle), names.slice(middle)]) {
    try {
      specs.push(...(await outputSpecs(model, part, [], sessions)));
    } catch (error) {
      if (!isRejection(error)) throw error;
      specs.push(...(await halved(model, part, sessions)));
    }
  }
  return specs;
}

/** Declared outputs of the model with other outputs and some nodes more. */
async function outputSpecs(
  model: ModelProto,
  names: readonly string[],
  extraNodes: readonly NodeProto[],
  sessions: SessionFactory,
): Promise<readonly ValueSpec[]> {
  const graph = graphOf(model);
  const probe = withFields(model, {
    graph: withFields(graph, {
      node: [...graph.node, ...extraNodes],
      output: names.map(untypedValueInfo),
      valueInfo: [],
    }),
  });
  const session = await sessions(serializeModel(probe), { graphOptimization: 'disabled' });
  try {
    return session.outputs;
  } finally {
    await session.close();
  }
}

/**
 * An empty shape means a scalar or an unknown rank. The Shape of a tensor tells them apart: its own shape is [0] for a
 * scalar, and open for an unknown rank.
 */
async function scalarsAmong(
  model: ModelProto,
  specs: readonly ValueSpec[],
  sessions: SessionFactory,
): Promise<Set<string>> {
  const doubtful = specs.filter(({ shape }) => shape.length === 0).map(({ name }) => name);
  if (doubtful.length === 0) return new Set();
  const nodes = doubtful.map((name) =>
    create(NodeProtoSchema, { opType: 'Shape', input: [name], output: [`${name}${SHAPE_SUFFIX}`] }),
  );
  const shapes = await outputSpecs(
    model,
    doubtful.map((name) => `${name}${SHAPE_SUFFIX}`),
    nodes,
    sessions,
  );
  const scalars = shapes.filter(({ shape }) => shape[0] === 0);
  return new Set(scalars.map(({ name }) => name.slice(0, -SHAPE_SUFFIX.length)));
}
