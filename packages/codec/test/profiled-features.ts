/** Features, profiles of every kind of quantizer, and frames sealed again after a change. */

import { createRandom, elementCount, type Tensor } from '@featherwire/tensor';
import { crc32 } from '../src/bitstream/crc32.js';
import {
  type CodingProfile,
  designTensorProfile,
  referenceBackend,
  type TensorProfileOptions,
} from '../src/index.js';

/** Half zeros, the rest exponential: what a rectifier leaves. Uniform bits for float16. */
export function feature(
  shape: number[],
  seed: number,
  dtype: 'float32' | 'float16' | 'uint8' = 'float32',
): Tensor {
  const random = createRandom(seed);
  const draw = (): number => (random.nextUniform() < 0.5 ? 0 : -Math.log(1 - random.nextUniform()));
  const length = elementCount(shape);
  if (dtype === 'uint8')
    return { dtype, shape, data: Uint8Array.from({ length }, () => Math.min(255, 20 * draw())) };
  if (dtype === 'float16')
    return { dtype, shape, data: Uint16Array.from({ length }, () => random.nextInteger(0x4400)) };
  return { dtype, shape, data: Float32Array.from({ length }, draw) };
}

export const minmax = { kind: 'minmax' } as const;

/** Quantizers that a profile can be designed for, by name. */
export const CHOICES: [string, Exclude<TensorProfileOptions['quantizer'], { kind: 'spectral' }>][] = [
  ['uniform 4', { kind: 'uniform', levelCount: 4, range: minmax }],
  ['uniform 5 by model', { kind: 'uniform', levelCount: 5, range: { kind: 'model' } }],
  ['asymmetric 8 bits', { kind: 'asymmetric', bits: 8, range: { kind: 'fixed', low: -0.5, high: 3 } }],
  ['1,000 levels', { kind: 'uniform', levelCount: 1000, range: minmax }],
  ['listed levels', { kind: 'levels', levels: [0, 0.5, 1.5, 4], thresholds: [0.25, 1, 2.5] }],
  [
    'groups',
    {
      kind: 'grouped',
      levelCount: 6,
      axis: 0,
      groupCount: 2,
      range: {
        kind: 'fixed',
        limits: [
          { low: 0, high: 2 },
          { low: 0, high: 5 },
        ],
      },
    },
  ],
];

/** The profile of one tensor by the reference. */
export function profileOf(
  samples: readonly Tensor[],
  quantizer: TensorProfileOptions['quantizer'],
): CodingProfile {
  return { tensors: [designTensorProfile(samples, { quantizer, backend: referenceBackend })] };
}

/** A right checksum behind whatever stands before it. */
export function sealed(frame: Uint8Array): Uint8Array {
  new DataView(frame.buffer).setUint32(frame.length - 4, crc32(frame.subarray(0, -4)), true);
  return frame;
}
