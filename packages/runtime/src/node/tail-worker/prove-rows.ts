/**
 * Finds out whether a network treats its rows apart from each other, so that requests may share a run: one that
 * normalizes over the batch, or multiplies across it, declares the same open dimension.
 */

import type { BundleManifest } from '@featherwire/bundle';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import { createRandom, type RandomSource, type Tensor, tensor } from '@featherwire/tensor';
import { declaresRows, stackRows, unstackRows } from './rows.js';

/** Rows that are run alone and together. */
const PROOF_ROWS = 3;
const SEED = 1;
/** For open dimensions other than the first. */
const OPEN_DIMENSION = 64;

/**
 * Runs rows of noise alone and together. Where the manifest has a fixed first dimension, or a cut tensor that is not float32
 * (noise in integers would be no valid input of most networks), nothing is run.
 * @returns whether results stay within the bundle's tolerance, as a share of the largest output; false if there is no telling
 */
export async function provesRows(tail: ModelSession, manifest: BundleManifest): Promise<boolean> {
  const { cut, verification } = manifest;
  if (!declaresRows(manifest) || cut.some(({ dtype }) => dtype !== 'float32')) return false;
  const random = createRandom(SEED);
  const rows = Array.from({ length: PROOF_ROWS }, () => rowOfNoise(cut, random));
  try {
    const together = await tail.run(stackRows(rows));
    const apart = unstackRows(together.outputs, new Array(PROOF_ROWS).fill(1));
    if (!apart) return false;
    for (const [i, row] of rows.entries()) {
      const { outputs } = await tail.run(row);
      if (
        !Object.keys(outputs).every((name) => isClose(apart[i][name], outputs[name], verification.tolerance))
      ) {
        return false;
      }
    }
    return true;
  } catch {
    return false; // a network that cannot be run on several rows, or on noise, is run on requests one by one
  }
}

function rowOfNoise(cut: BundleManifest['cut'], random: RandomSource): TensorMap {
  return Object.fromEntries(
    cut.map(({ name, shape }) => {
      const rest = shape.slice(1).map((size) => (typeof size === 'number' ? size : OPEN_DIMENSION));
      const length = rest.reduce((product, size) => product * size, 1);
      const noise = Float32Array.from({ length }, () => random.nextUniform());
      return [name, tensor('float32', [1, ...rest], noise)];
    }),
  );
}

function isClose(got: Tensor, expected: Tensor, tolerance: number): boolean {
  if (got.shape.join() !== expected.shape.join()) return false;
  if (got.data instanceof BigInt64Array || got.data instanceof BigUint64Array) {
    const values = expected.data as BigInt64Array;
    return got.data.every((value, i) => value === values[i]);
  }
  const values = expected.data as Float32Array;
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return (got.data as Float32Array).every((value, i) => Math.abs(value - values[i]) <= tolerance * largest);
}
