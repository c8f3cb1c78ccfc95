/**
 * Elements of a tensor as the float32 values that quantizers work on, and back. Conversion to float16 rounds
 * to nearest; conversion to integers rounds to nearest, ties to even, and saturates.
 */

import {
  type DType,
  elementCount,
  float16FromFloat32,
  float32FromFloat16,
  type Shape,
  type Tensor,
  type TensorData,
} from '@featherwire/tensor';
import { integerRange } from '../container/quantizer-section.js';
import { blockGeometry, geometryOfBlocks } from '../quantizer/block-transform.js';
import { spectralGeometry } from '../quantizer/spectral.js';
import { elementsOf, type FeatureGeometry, type Quantizer } from '../stages.js';

/** Values of a quantizable tensor; a view for float32. @throws {TypeError} for other element types */
export function valuesOfTensor(feature: Tensor): Float32Array {
  switch (feature.dtype) {
    case 'float32':
      return feature.data;
    case 'float16':
      return float32FromFloat16(feature.data);
    case 'int8':
    case 'uint8':
      return Float32Array.from(feature.data);
    default:
      throw new TypeError(
        `feature expected float32, float16, int8 or uint8 to quantize, got ${feature.dtype}`,
      );
  }
}

/** A shape as planes of rows and columns; what it lacks counts as 1. */
export function geometryOfShape(shape: Shape): FeatureGeometry {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.at(-2) ?? 1;
  return { planes: elementCount(shape.slice(0, -2)), rows, columns };
}

/** Geometry of the indices of a tensor: its own, but for the coefficients of blocks. */
export function geometryOfIndices(shape: Shape, quantizer: Quantizer): FeatureGeometry {
  const geometry = geometryOfShape(shape);
  if (quantizer.kind === 'spectral') return spectralGeometry(geometry, quantizer.spectral);
  return quantizer.kind === 'blocks' ? geometryOfBlocks(geometry, quantizer.blocks) : geometry;
}

/** Numbers that decoding works on: coefficients, also those that are not coded, where there are any, else elements. */
export function workingCount(shape: Shape, quantizer: Quantizer): number {
  const geometry = geometryOfShape(shape);
  if (quantizer.kind === 'blocks') return elementsOf(geometryOfBlocks(geometry, quantizer.blocks));
  if (quantizer.kind === 'spectral') return elementsOf(blockGeometry(geometry, quantizer.spectral.blockSize));
  return elementsOf(geometry);
}

/** Storage of a quantizable type for decoded values; `values` itself for float32. */
export function dataOfValues(dtype: DType, values: Float32Array): TensorData {
  if (dtype === 'float32') return values;
  if (dtype === 'float16') return float16FromFloat32(values);
  const range = integerRange(dtype);
  if (!range) throw new TypeError(`dtype expected float32, float16, int8 or uint8, got ${dtype}`);
  const data = dtype === 'int8' ? new Int8Array(values.length) : new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    data[i] = Math.min(Math.max(roundHalfEven(values[i]), range.low), range.high);
  }
  return data;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return fraction < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
