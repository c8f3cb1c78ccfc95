/**
 * Gradients against central differences. The loss is a fixed random projection of all outputs, summed in double
 * precision outside of the engine; directions are random too. Where the engine computes an operator in float64,
 * everything is float64. Linear operators of float32 are checked with a large step, at which differences are exact.
 */

import { createLocalSession } from '@featherwire/inference/node';
import {
  type AttributeRecord,
  inferShapes,
  type ModelProto,
  modelOfRecord,
  type NodeRecord,
  serializeModel,
} from '@featherwire/onnx';
import { createRandom, type DType, elementCount, type Shape, type Tensor, tensor } from '@featherwire/tensor';
import { expect } from 'vitest';
import { gradient } from '../src/autodiff/gradient.js';
import type { Graph, Value } from '../src/graph/graph.js';
import { createGraph, importModel, outputsOf } from '../src/graph/import-model.js';
import { add, mul, reduceSum } from '../src/graph/operators.js';
import { allAxes } from '../src/graph/shapes.js';

/** A graph to check. */
export interface GradientCase {
  readonly nodes: readonly NodeRecord[];
  /** Differentiable inputs. */
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly weights?: Readonly<Record<string, Tensor>>;
  /** Names of outputs; `y` by default. */
  readonly outputs?: readonly string[];
  readonly opset?: number;
  /** float64 by default; float32 where the engine knows no other. */
  readonly dtype?: 'float32' | 'float64';
  /** Step of the difference; by default 1e-5, for float32 1 (exact for linear operators). */
  readonly step?: number;
  /** Largest error over the size of the gradient; by default 1e-7, for float32 1e-5. */
  readonly tolerance?: number;
  /** Values of inputs are `center` plus `spread` times a standard normal number; 0 and 1 by default. */
  readonly center?: number;
  readonly spread?: number;
  readonly seed?: number;
}

const DIRECTIONS = 3;

/** A node by type, names and attributes. */
export function node(
  opType: string,
  inputs: readonly string[],
  outputs: string | readonly string[] = 'y',
  attributes: AttributeRecord = {},
): NodeRecord {
  const names = typeof outputs === 'string' ? [outputs] : outputs;
  return { opType, name: `${opType} of ${names[0]}`, inputs, outputs: names, attributes };
}

/** A vector of int64. */
export function int64s(...numbers: number[]): Tensor {
  return tensor('int64', [numbers.length], BigInt64Array.from(numbers, BigInt));
}

/** Seeded normal numbers. */
export function normals(dtype: DType, shape: Shape, seed: number, center = 0, spread = 1): Tensor {
  const random = createRandom(seed);
  const numbers = Float64Array.from(
    { length: elementCount(shape) },
    () => center + spread * random.nextNormal(),
  );
  return dtype === 'float64'
    ? tensor('float64', shape, numbers)
    : tensor('float32', shape, Float32Array.from(numbers));
}

/** The model of a case. */
export function modelOfCase({
  nodes,
  inputs,
  weights = {},
  outputs = ['y'],
  opset = 18,
  ...rest
}: GradientCase): ModelProto {
  const { dtype = 'float64' } = rest;
  const declared = Object.entries(inputs).map(([name, shape]) => ({ name, dtype, shape }));
  const weightMap = new Map(Object.entries(weights));
  return modelOfRecord({ name: 'case', opset, inputs: declared, nodes, outputs, weights: weightMap });
}

/** Checks the gradient with respect to every input of a case. */
export async function checkGradient(given: GradientCase): Promise<void> {
  const { dtype = 'float64', seed = 1, center = 0, spread = 1 } = given;
  const { step = dtype === 'float64' ? 1e-5 : 1, tolerance = dtype === 'float64' ? 1e-7 : 1e-5 } = given;
  const model = modelOfCase(given);
  const names = Object.keys(given.inputs);
  const shapes = await inferShapes(model, { sessions: createLocalSession });
  const g = createGraph(model);
  const values = importModel(g, model, { shapes });
  const outputs = outputsOf(model, values);
  const projections = outputs.map((output, i) => normals(dtype, output.shape, 1000 + seed + i));
  const loss = projected(g, outputs, projections);
  const wrt = names.map((name) => values.get(name) as Value);
  const gradients = gradient(g, loss, wrt);
  const session = await createLocalSession(serializeModel(g.toModel([...outputs, ...gradients])), {
    graphOptimization: 'basic',
  });
  try {
    const point = Object.fromEntries(
      names.map((name, i) => [name, normals(dtype, given.inputs[name], seed + i, center, spread)]),
    );
    const lossAt = async (feeds: Readonly<Record<string, Tensor>>): Promise<number> => {
      const { outputs: results } = await session.run(feeds);
      return outputs.reduce((sum, { name }, i) => sum + dot(results[name], projections[i]), 0);
    };
    const { outputs: atPoint } = await session.run(point);
    for (const [i, name] of names.entries()) {
      const computed = atPoint[gradients[i].name];
      expect(computed.shape).toEqual(given.inputs[name]);
      for (let trial = 0; trial < DIRECTIONS; trial++) {
        const direction = normals(dtype, given.inputs[name], 100 * (trial + 1) + seed);
        const ahead = await lossAt({ ...point, [name]: moved(point[name], direction, step) });
        const behind = await lossAt({ ...point, [name]: moved(point[name], direction, -step) });
        const numeric = (ahead - behind) / (2 * step);
        const size = Math.max(norm(computed) * norm(direction), 1e-3);
        const error = Math.abs(numeric - dot(computed, direction)) / size;
        const message = `${name}: ${dot(computed, direction)} against ${numeric}, seed ${seed}`;
        expect(error, message).toBeLessThan(tolerance);
      }
    }
  } finally {
    await session.close();
  }
}

function projected(g: Graph, outputs: readonly Value[], projections: readonly Tensor[]): Value {
  const terms = outputs.map((output, i) =>
    reduceSum(g, mul(g, output, g.constant(projections[i])), allAxes(output.shape.length), false),
  );
  return terms.reduce((sum, term) => add(g, sum, term));
}

function moved(value: Tensor, direction: Tensor, step: number): Tensor {
  const data = Float64Array.from(direction.data as Float64Array, (v, i) => Number(value.data[i]) + step * v);
  return value.dtype === 'float64'
    ? tensor('float64', value.shape, data)
    : tensor('float32', value.shape, Float32Array.from(data));
}

function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Number(a.data[i]) * Number(b.data[i]);
  return sum;
}

function norm(a: Tensor): number {
  return Math.sqrt(dot(a, a));
}
