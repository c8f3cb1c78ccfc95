/**
 * Between this library's records and those of onnxruntime, in Node and in browsers: declared values, tensors. Element types
 * have the same names on both sides, apart from those that this library does not have.
 */

import { type DType, isDType, type Tensor, type TensorData } from '@featherwire/tensor';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { InferenceError, type TensorMap, type ValueSpec } from '../session.js';

/** The class of onnxruntime's tensors; each build of the engine has its own. */
export type OrtTensorClass = typeof OrtTensor;

/**
 * Declared values of a loaded network.
 * @throws {InferenceError} `model-rejected` if a value is not a tensor of one of this library's element types
 */
export function valueSpecs(metadata: readonly InferenceSession.ValueMetadata[]): readonly ValueSpec[] {
  return metadata.map((value) => {
    const type = value.isTensor ? value.type : 'something else';
    if (!value.isTensor || !isDType(type)) {
      throw new InferenceError(
        'model-rejected',
        `value '${value.name}' expected a tensor of numbers or booleans, got ${type}`,
      );
    }
    const shape = value.shape.map((dimension) => (dimension === '' ? '?' : dimension));
    return { name: value.name, dtype: type, shape };
  });
}

/** Tensors of onnxruntime on the same storage. */
export function toOrtTensors(feeds: TensorMap, TensorClass: OrtTensorClass): Record<string, OrtTensor> {
  const converted: Record<string, OrtTensor> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(feeds)) {
    const value = new TensorClass(dtype as 'float32', data as Float32Array, shape);
    // Where the engine has a Float16Array, the constructor makes one on the bit patterns, and the native side,
    // which knows no such array, finds it empty. It takes the patterns in a Uint16Array on every engine.
    if (dtype === 'float16') Object.assign(value, { cpuData: data });
    converted[name] = value;
  }
  return converted;
}

/** Tensor records on the storage of onnxruntime's tensors. */
export function fromOrtTensors(values: InferenceSession.ReturnType): TensorMap {
  const converted: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(values)) {
    const { type, dims, data } = value as OrtTensor;
    converted[name] = { dtype: type as DType, shape: [...dims], data: tensorStorage(type, data) } as Tensor;
  }
  return converted;
}

/** On engines with a Float16Array onnxruntime gives one; this library's storage is the bit patterns. */
function tensorStorage(type: string, data: OrtTensor.DataType): TensorData {
  if (type === 'float16' && !(data instanceof Uint16Array)) {
    const view = data as unknown as Uint16Array;
    return new Uint16Array(view.buffer, view.byteOffset, view.length);
  }
  return data as TensorData;
}
