/** Tensors: element types, shapes, the tensor record, float16, `.npy` files and seeded random numbers. */

export {
  allocateData,
  bytesOfData,
  bytesPerElement,
  DTYPES,
  type DType,
  dataFromBytes,
  isDType,
  isLittleEndian,
  type TensorData,
  type TensorDataByDType,
} from './dtype.js';
export { float16Bits, float16FromFloat32, float16Value, float32FromFloat16 } from './float16.js';
export { NpyError, readNpy, writeNpy } from './npy.js';
export { createRandom, type RandomSource } from './random.js';
export { elementCount, type Shape, shapesEqual } from './shape.js';
export { sampleOf, type Tensor, type TensorOf, tensor } from './tensor.js';
