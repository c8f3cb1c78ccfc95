/**
 * Trained parameters lie one after another in one float32 vector. A training step then moves three vectors (parameters
 * and two moments) whatever the unit, and a checkpoint is those vectors.
 */

import { createRandom, elementCount, type Shape, tensor } from '@featherwire/tensor';
import type { Graph, Value } from '../graph/graph.js';
import { reshape, slice } from '../graph/operators.js';

/** One trained tensor. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  /** Standard deviation of the normal numbers it starts from; 0 for none. */
  readonly deviation: number;
  /** Mean of the numbers it starts from; 0 by default. */
  readonly mean?: number;
}

/** Trained tensors as values of a graph, by name. */
export type Parameters = ReadonlyMap<string, Value>;

/** Elements of all parameters. */
export function parameterCount(specs: readonly ParameterSpec[]): number {
  return specs.reduce((count, { shape }) => count + elementCount(shape), 0);
}

/**
 * The vector that training starts from.
 * @param seed - the same seed gives the same vector
 */
export function initialParameters(specs: readonly ParameterSpec[], seed: number): Float32Array<ArrayBuffer> {
  const random = createRandom(seed);
  const vector = new Float32Array(parameterCount(specs));
  let at = 0;
  for (const { shape, deviation, mean = 0 } of specs) {
    const end = at + elementCount(shape);
    for (; at < end; at++) vector[at] = mean + (deviation === 0 ? 0 : deviation * random.nextNormal());
  }
  return vector;
}

/** Cuts the vector, a value of the graph, into its tensors. */
export function splitParameters(g: Graph, vector: Value, specs: readonly ParameterSpec[]): Parameters {
  let end = 0;
  return new Map(
    specs.map(({ name, shape }) => {
      const start = end;
      end += elementCount(shape);
      return [name, reshape(g, slice(g, vector, 0, start, end), shape)];
    }),
  );
}

/** The tensors of a trained vector as constants. */
export function constantParameters(
  g: Graph,
  vector: Float32Array,
  specs: readonly ParameterSpec[],
): Parameters {
  let end = 0;
  return new Map(
    specs.map(({ name, shape }) => {
      const start = end;
      end += elementCount(shape);
      return [name, g.constant(tensor('float32', shape, vector.slice(start, end)), name)];
    }),
  );
}

/** A parameter by name. @throws {RangeError} if there is none */
export function parameterOf(parameters: Parameters, name: string): Value {
  const value = parameters.get(name);
  if (!value) throw new RangeError(`parameter expected one of ${[...parameters.keys()]}, got '${name}'`);
  return value;
}
