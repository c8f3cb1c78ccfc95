/** A bundle with a ladder of bottleneck units whose results are known by hand. */

import path from 'node:path';
import { addOperatingPoints, type NodeBundle, type UnitSource, writeBundle } from '@featherwire/bundle/node';
import { type CodingProfile, designTensorProfile, referenceBackend, writeProfile } from '@featherwire/codec';
import { type TinyValue, tinyOnnx } from '../../../test-support/tiny-onnx.js';
import { ladderInput, RUNG_COUNT, LADDER_SHAPE as SHAPE } from './unit-tensors.js';

export { ladderInput, ladderOutput, RUNG_COUNT } from './unit-tensors.js';

/** Integers from 0 that a latent may be. */
const LEVEL_COUNT = 64;

const value = (name: string, shape: readonly (number | string)[] = SHAPE) =>
  ({ name, dtype: 'float32', shape }) as const satisfies TinyValue;

/**
 * Head: feature = x + x. Tail: y = feature + feature. One point codes the cut itself, `rung-k` unit k; rungs of odd numbers
 * by a static table, the others by the coder that learns.
 */
export async function writeLadderBundle(root: string, name = 'ladder'): Promise<NodeBundle> {
  const directory = path.join(root, name);
  const rungs = Array.from({ length: RUNG_COUNT }, (_, k) => k);
  await writeBundle(directory, {
    manifest: {
      model: { name, sha256: '0'.repeat(64), bytes: 1 },
      inputs: [value('x')],
      cut: [value('feature')],
      outputs: [value('y')],
      operatingPoints: [{ id: 'plain', kind: 'profiled', profile: writeProfile(integers()) }],
      verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
    },
    parts: { head: part(times('x', 'feature', 2)), tail: part(times('feature', 'y', 2)) },
  });
  const points = rungs.map((k) => {
    const profile = writeProfile(k % 2 === 1 ? tabledIntegers() : integers());
    return { id: `rung-${k}`, kind: 'profiled' as const, unit: `unit-${k}`, profile };
  });
  return addOperatingPoints(directory, points, { units: rungs.map(unit) });
}

function unit(k: number): UnitSource {
  return {
    id: `unit-${k}`,
    latent: [value('latent')],
    reduction: part(times('feature', 'latent', k + 1)),
    restoration: part(times('latent', 'feature', k + 1)),
  };
}

/** A model that adds its input to itself, so that it comes out so many times. */
function times(input: string, output: string, factor: number): Uint8Array {
  const sums = Array.from({ length: factor - 1 }, (_, i) => ({
    op: 'Add',
    inputs: [i === 0 ? input : `sum${i - 1}`, input],
    outputs: [i === factor - 2 ? output : `sum${i}`],
  }));
  const identity = { op: 'Identity', inputs: [input], outputs: [output] };
  return tinyOnnx([value(input)], [value(output)], factor === 1 ? [identity] : sums);
}

function integers(): CodingProfile {
  const affine = { levelCount: LEVEL_COUNT, offset: 0, step: 1, zeroPoint: 0 };
  const quantizer = { kind: 'affine', affine } as const;
  return { tensors: [{ dtype: 'float32', shape: [...SHAPE], quantizer, thresholds: null, coder: null }] };
}

function tabledIntegers(): CodingProfile {
  const sample = ladderInput(2).x;
  const range = { kind: 'fixed', low: 0, high: LEVEL_COUNT - 1 } as const;
  const quantizer = { kind: 'uniform', levelCount: LEVEL_COUNT, range } as const;
  return { tensors: [designTensorProfile([sample], { quantizer, backend: referenceBackend })] };
}

function part(model: Uint8Array): { model: Uint8Array; parameters: number; macs: null } {
  return { model, parameters: 0, macs: null };
}
