/** Tensors on their way to another thread. */

import type { Tensor, TensorData } from '@featherwire/tensor';
import type { TensorMap } from './session.js';

/** The same tensors on new buffers that hold nothing else (a transfer takes the whole buffer of a view). */
export function copyTensors(tensors: TensorMap): TensorMap {
  const copies: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    copies[name] = { dtype, shape: [...shape], data: data.slice() } as Tensor;
  }
  return copies;
}

/** The buffers of tensors, each once. */
export function buffersOf(tensors: TensorMap): ArrayBuffer[] {
  const buffers = Object.values(tensors).map(({ data }: { data: TensorData }) => data.buffer as ArrayBuffer);
  return [...new Set(buffers)];
}
