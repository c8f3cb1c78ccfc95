/** Indices to the elements of a tensor, and the checksum by which two ends compare what they decoded. */

import {
  bytesOfData,
  type DType,
  elementCount,
  type Shape,
  type Tensor,
  type TensorData,
} from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { crc32 } from '../bitstream/crc32.js';
import type { IndexingQuantizer } from '../quantizer/alphabet.js';
import { valuesOfCoefficients } from '../quantizer/block-transform.js';
import { dequantizeGroups } from '../quantizer/channel-groups.js';
import { valuesOfSpectralIndices } from '../quantizer/spectral.js';
import type { Indices, Quantizer } from '../stages.js';
import { dataOfValues, geometryOfShape } from './feature-values.js';

/**
 * Elements of a tensor from its indices.
 * @param target - may be taken for float32 data of an affine quantizer or listed levels: as long as `indices`
 */
export function dataOfIndices(
  { dtype, shape }: { readonly dtype: DType; readonly shape: Shape },
  quantizer: IndexingQuantizer,
  indices: Indices,
  backend: Backend,
  target?: Float32Array,
): TensorData {
  switch (quantizer.kind) {
    case 'affine':
      return dataOfValues(dtype, backend.dequantize(indices, quantizer.affine, target));
    case 'levels':
      // Alphabets of up to 256 levels have indices of 8 bits.
      return dataOfValues(dtype, backend.lookUpLevels(indices as Uint8Array, quantizer.levels, target));
    case 'grouped':
      return dataOfValues(dtype, dequantizeGroups(indices, shape, quantizer.grouped, backend));
    case 'integer': {
      const data = dtype === 'int8' ? new Int8Array(indices.length) : new Uint8Array(indices.length);
      for (let i = 0; i < data.length; i++) data[i] = quantizer.lowest + indices[i];
      return data;
    }
    case 'blocks': {
      const geometry = geometryOfShape(shape);
      return dataOfValues(dtype, valuesOfCoefficients(indices, geometry, quantizer.blocks));
    }
    case 'spectral':
      return dataOfValues(
        dtype,
        valuesOfSpectralIndices(indices, geometryOfShape(shape), quantizer.spectral),
      );
    default:
      return quantizer satisfies never;
  }
}

/** Elements that are all one value. */
export function dataOfConstant(
  { dtype, shape }: { readonly dtype: DType; readonly shape: Shape },
  value: number,
): TensorData {
  return dataOfValues(dtype, new Float32Array(elementCount(shape)).fill(value));
}

/** The elements that a decoder will get of a quantized tensor. */
export function dataOfQuantized(
  feature: Tensor,
  quantized:
    | { readonly kind: 'direct'; readonly quantizer: Extract<Quantizer, { kind: 'none' | 'constant' }> }
    | { readonly kind: 'indexed'; readonly quantizer: IndexingQuantizer; readonly indices: Indices },
  backend: Backend,
): TensorData {
  if (quantized.kind === 'indexed')
    return dataOfIndices(feature, quantized.quantizer, quantized.indices, backend);
  const { quantizer } = quantized;
  return quantizer.kind === 'none' ? feature.data : dataOfConstant(feature, quantizer.value);
}

/** CRC-32 of elements, little-endian, after those that gave `previous`. */
export function digestOfData(data: TensorData, previous: number): number {
  return crc32(bytesOfData(data), previous);
}
