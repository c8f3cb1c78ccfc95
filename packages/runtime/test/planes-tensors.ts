/** Tensors of the planes bundle (`test-bundles.ts`), for either end and for browsers too. */

import type { TensorMap } from '@featherwire/inference';
import { createRandom, elementCount, type TensorOf, tensor } from '@featherwire/tensor';

/** Of all its tensors: more than a frame of them takes. */
export const PLANES_SHAPE = [1, 32, 24, 24] as const;

/** Integers from −3 to 3. */
export function planesInputs(seed: number): { readonly x: TensorOf<'float32'> } {
  const random = createRandom(seed);
  const data = Float32Array.from({ length: elementCount(PLANES_SHAPE) }, () => random.nextInteger(7) - 3);
  return { x: tensor('float32', PLANES_SHAPE, data) };
}

/** What the head gives for them. */
export function planesFeatures(seed: number): { readonly feature: TensorOf<'float32'> } {
  const { data } = planesInputs(seed).x;
  return {
    feature: tensor(
      'float32',
      PLANES_SHAPE,
      data.map((element) => Math.max(0, element)),
    ),
  };
}

/** What the tail gives for that. */
export function planesOutputs(seed: number): TensorMap {
  const { data } = planesFeatures(seed).feature;
  return {
    y: tensor(
      'float32',
      PLANES_SHAPE,
      data.map((element) => 2 * element),
    ),
  };
}
