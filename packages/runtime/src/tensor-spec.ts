/** A bundle's declared tensors against tensors and frame headers: what both ends check before they decode. */

import type { TensorSpec } from '@featherwire/bundle';
import { type DType, elementCount, type Shape } from '@featherwire/tensor';

/** Elements of a declared tensor, or undefined if a dimension is symbolic. */
export function staticElementCount(spec: TensorSpec): number | undefined {
  const dimensions = spec.shape.filter((dimension) => typeof dimension === 'number');
  return dimensions.length === spec.shape.length ? elementCount(dimensions) : undefined;
}

/** True if element type, rank and fixed dimensions are as declared. */
export function fitsSpec(value: { readonly dtype: DType; readonly shape: Shape }, spec: TensorSpec): boolean {
  return (
    value.dtype === spec.dtype &&
    value.shape.length === spec.shape.length &&
    spec.shape.every((dimension, axis) => typeof dimension === 'string' || dimension === value.shape[axis])
  );
}
