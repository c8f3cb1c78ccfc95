/** Tensors of the square bundle (`test-bundles.ts`), for either end and for browsers too. */

import type { TensorMap } from '@featherwire/inference';
import { type TensorOf, tensor } from '@featherwire/tensor';

/** Inputs of the square bundle: x is half the identity matrix, so y is `size + s`. */
export function squareInputs(size: number, s: number): TensorMap {
  const x = new Float32Array(size * size);
  for (let i = 0; i < size; i++) x[i * size + i] = 0.5;
  return { x: tensor('float32', [size, size], x), s: tensor('float32', [1], Float32Array.of(s)) };
}

/** What the square bundle's tail takes for the same inputs. */
export function squareFeatures(size: number, s: number): TensorMap {
  const { x, s: shift } = squareInputs(size, s);
  return { double: { ...x, data: (x as TensorOf<'float32'>).data.map((v) => v + v) } as typeof x, shift };
}

/** Outputs of the square bundle for `squareInputs`. */
export function squareOutputs(size: number, s: number): TensorMap {
  return {
    y: tensor('float32', [1, 1], Float32Array.of(size + s)),
    size: tensor('int64', [2], BigInt64Array.of(BigInt(size), BigInt(size))),
  };
}
