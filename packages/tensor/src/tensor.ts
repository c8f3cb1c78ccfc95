/** The tensor record that travels between all packages: plain data, row-major, no methods. */

import { bytesPerElement, type DType, type TensorData, type TensorDataByDType } from './dtype.js';
import { elementCount, type Shape } from './shape.js';

/** A tensor of one element type. `data` is row-major and has exactly as many elements as `shape` says. */
export interface TensorOf<D extends DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: TensorDataByDType[D];
}

/** A tensor of any element type, told apart by `dtype`. */
export type Tensor = { readonly [D in DType]: TensorOf<D> }[DType];

/**
 * Makes a tensor record after checking that `data` fits `shape` and `dtype`.
 * @param data - kept, not copied
 * @throws {RangeError} if the number of elements differs from the shape's
 * @throws {TypeError} if the storage is not that of `dtype`
 */
export function tensor<D extends DType>(dtype: D, shape: Shape, data: TensorDataByDType[D]): TensorOf<D> {
  const expected = elementCount(shape);
  const storage: TensorData = data;
  if (storage.BYTES_PER_ELEMENT !== bytesPerElement(dtype)) {
    throw new TypeError(`data expected the storage of ${dtype}, got ${storage.constructor.name}`);
  }
  if (storage.length !== expected) {
    throw new RangeError(
      `data expected ${expected} elements for shape [${shape.join(', ')}], got ${storage.length}`,
    );
  }
  return { dtype, shape: [...shape], data };
}

/**
 * One sample of a tensor whose first dimension counts samples.
 * @param index - from 0 to that dimension, exclusive
 * @returns a copy with a first dimension of 1
 */
export function sampleOf(value: Tensor, index: number): Tensor {
  const shape = [1, ...value.shape.slice(1)];
  const size = elementCount(shape);
  return { dtype: value.dtype, shape, data: value.data.slice(index * size, (index + 1) * size) } as Tensor;
}
