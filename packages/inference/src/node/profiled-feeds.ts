/** What measurements feed a network with, and how often they run it. */

import { allocateData, elementCount, float16Bits, type Tensor } from '@featherwire/tensor';
import { InferenceError, type TensorMap, type ValueSpec } from '../session.js';

/** Runs before those that are timed, the fewest and the most that are, and the time for them if no other is given. */
export const PROFILED_RUNS = Object.freeze({ warmUp: 3, least: 5, most: 200, budgetMs: 2000 });

/** A value that keeps arithmetic away from denormals, which some processors are slow at, and from constant zeros. */
const FED_VALUE = 0.5;

/**
 * Feeds of one value.
 * @param shapes - of inputs with open dimensions; an open first dimension is 1 when not given
 * @throws {InferenceError} `input-mismatch` if another dimension is open and no shape is given
 */
export function profiledFeeds(
  inputs: readonly ValueSpec[],
  shapes: Readonly<Record<string, readonly number[]>>,
): TensorMap {
  return Object.fromEntries(inputs.map((spec) => [spec.name, fill(spec, shapes[spec.name])]));
}

function fill({ name, dtype, shape }: ValueSpec, given: readonly number[] | undefined): Tensor {
  const fixed = given ?? shape.map((dimension, axis) => fixedDimension(name, shape, dimension, axis));
  const data = allocateData(dtype, elementCount(fixed));
  if (dtype === 'float16') data.fill(float16Bits(FED_VALUE) as never);
  else if (dtype === 'float32' || dtype === 'float64') data.fill(FED_VALUE as never);
  return { dtype, shape: fixed, data } as Tensor;
}

function fixedDimension(
  name: string,
  shape: ValueSpec['shape'],
  dimension: number | string,
  axis: number,
): number {
  if (typeof dimension === 'number') return dimension;
  if (axis === 0) return 1;
  throw new InferenceError(
    'input-mismatch',
    `input '${name}' expected a given shape for [${shape.join(', ')}], got none`,
  );
}
