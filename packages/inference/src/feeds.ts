/**
 * The check that every session makes before it runs: names, element types, ranks, fixed dimensions and
 * data lengths. Symbolic dimensions take any size; whether sizes fit each other the engine finds out.
 */

import { allocateData, elementCount, type Tensor } from '@featherwire/tensor';
import { InferenceError, type TensorMap, type ValueSpec } from './session.js';

/** What values are, wherever their elements may be. */
export type ValueMap = Readonly<Record<string, Pick<Tensor, 'dtype' | 'shape'>>>;

/**
 * Checks tensors against the declared inputs.
 * @throws {InferenceError} `input-mismatch`, naming what was expected and what came
 */
export function checkFeeds(inputs: readonly ValueSpec[], feeds: TensorMap): void {
  checkValues(inputs, feeds);
  for (const { name } of inputs) checkData(name, feeds[name]);
}

/** As `checkFeeds`, for values whose elements are elsewhere. */
export function checkValues(inputs: readonly ValueSpec[], values: ValueMap): void {
  const expectedNames = inputs.map((spec) => spec.name);
  const givenNames = Object.keys(values);
  for (const spec of inputs) {
    if (!Object.hasOwn(values, spec.name)) {
      throw mismatch(`inputs expected ${list(expectedNames)}, got ${list(givenNames)}`);
    }
    checkValue(spec, values[spec.name]);
  }
  if (givenNames.length !== inputs.length) {
    throw mismatch(`inputs expected ${list(expectedNames)}, got ${list(givenNames)}`);
  }
}

function checkValue(spec: ValueSpec, given: ValueMap[string]): void {
  const shapeFits =
    spec.shape.length === 0 || // a scalar or an undeclared rank
    (spec.shape.length === given.shape.length &&
      spec.shape.every(
        (dimension, axis) => typeof dimension === 'string' || dimension === given.shape[axis],
      ));
  if (spec.dtype !== given.dtype || !shapeFits) {
    throw mismatch(
      `input '${spec.name}' expected ${describe(spec.dtype, spec.shape)}, got ${describe(given.dtype, given.shape)}`,
    );
  }
}

/** A tensor record may be made by hand: its storage and length are checked too, before native code sees them. */
function checkData(name: string, given: Tensor): void {
  const storage = allocateData(given.dtype, 0).constructor.name;
  if (given.data.constructor.name !== storage) {
    throw mismatch(
      `input '${name}' expected data in ${storage} for ${given.dtype}, got ${given.data.constructor.name}`,
    );
  }
  let expected: number;
  try {
    expected = elementCount(given.shape);
  } catch (cause) {
    throw new InferenceError('input-mismatch', `input '${name}': ${(cause as Error).message}`, { cause });
  }
  if (given.data.length !== expected) {
    throw mismatch(
      `input '${name}' expected ${expected} elements for shape [${given.shape.join(', ')}], got ${given.data.length}`,
    );
  }
}

function mismatch(message: string): InferenceError {
  return new InferenceError('input-mismatch', message);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `'${name}'`).join(', ');
}

function describe(dtype: string, shape: readonly (number | string)[]): string {
  return `${dtype} [${shape.join(', ')}]`;
}
