/**
 * Element types of a tensor, their sizes and their storage. The set is what ONNX graphs take and give;
 * the codec accepts a subset. A float16 element is stored as its bit pattern (see `float16.ts`), because
 * `Float16Array` is missing from the older engines that this library supports.
 */

/** Storage of each element type. */
export interface TensorDataByDType {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  /** IEEE 754 binary16 bit patterns. */
  readonly float16: Uint16Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly int16: Int16Array;
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
  readonly int64: BigInt64Array;
  readonly uint64: BigUint64Array;
  /** 0 or 1. */
  readonly bool: Uint8Array;
}

/** Name of an element type. */
export type DType = keyof TensorDataByDType;

/** Any storage array. */
export type TensorData = TensorDataByDType[DType];

type DataConstructor<D extends DType> = {
  new (length: number): TensorDataByDType[D];
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): TensorDataByDType[D];
  readonly BYTES_PER_ELEMENT: number;
};

const CONSTRUCTORS: { readonly [D in DType]: DataConstructor<D> } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** Every element type, in a fixed order. */
export const DTYPES: readonly DType[] = /* @__PURE__ */ Object.freeze(
  /* @__PURE__ */ Object.keys(CONSTRUCTORS) as DType[],
);

/** True if `name` is an element type of this library. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(CONSTRUCTORS, name);
}

/** Bytes that one element takes in memory and in little-endian files. */
export function bytesPerElement(dtype: DType): number {
  return CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
}

/**
 * A zero-filled storage array.
 * @param length - number of elements
 * @throws {RangeError} if the engine cannot allocate it
 */
export function allocateData<D extends DType>(dtype: D, length: number): TensorDataByDType[D] {
  return new CONSTRUCTORS[dtype](length);
}

/**
 * Reads elements from little-endian bytes into a new array (the bytes may start at any offset).
 * @param bytes - a whole number of elements; not kept
 * @throws {RangeError} if `bytes` is not a whole number of elements
 */
export function dataFromBytes<D extends DType>(dtype: D, bytes: Uint8Array): TensorDataByDType[D] {
  const size = bytesPerElement(dtype);
  if (bytes.byteLength % size !== 0) {
    throw new RangeError(`bytes expected a multiple of ${size} for ${dtype}, got ${bytes.byteLength}`);
  }
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(bytes);
  if (!isLittleEndian()) reverseElements(copy, size);
  return new CONSTRUCTORS[dtype](copy.buffer, 0, copy.byteLength / size);
}

/** The elements as little-endian bytes; a view of `data` on little-endian machines, a copy on others. */
export function bytesOfData(data: TensorData): Uint8Array {
  const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (isLittleEndian()) return view;
  const copy = view.slice();
  reverseElements(copy, data.BYTES_PER_ELEMENT);
  return copy;
}

/** Reverses the bytes of each element in place. */
export function reverseElements(bytes: Uint8Array, elementBytes: number): void {
  for (let start = 0; start < bytes.length; start += elementBytes) {
    bytes.subarray(start, start + elementBytes).reverse();
  }
}

/** Whether this machine stores the low byte of a number first, as frames and files do. */
export function isLittleEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
}
