/**
 * Weights: TensorProto to tensor record and back. A TensorProto keeps its elements in one of several fields
 * (`raw_data`, one field per family of types, or a reference to a file beside the model); onnx.proto says which.
 */

import { create } from '@bufbuild/protobuf';
import {
  allocateData,
  bytesOfData,
  bytesPerElement,
  type DType,
  dataFromBytes,
  type Tensor,
  type TensorData,
  tensor,
} from '@featherwire/tensor';
import { attribute } from './attributes.js';
import { OnnxError } from './errors.js';
import { withFields } from './model.js';
import {
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from './proto/onnx_pb.js';

const DataType = TensorProto_DataType;

/** ONNX's numbers of the element types that tensor records can hold. */
const ELEMENT_TYPES: { readonly [D in DType]: number } = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  float16: DataType.FLOAT16,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  int16: DataType.INT16,
  uint16: DataType.UINT16,
  int32: DataType.INT32,
  uint32: DataType.UINT32,
  int64: DataType.INT64,
  uint64: DataType.UINT64,
  bool: DataType.BOOL,
};

/** Bytes of external files by the location that the model names. */
export type ExternalData = ReadonlyMap<string, Uint8Array>;

/** ONNX's number of an element type. */
export function elementTypeOf(dtype: DType): number {
  return ELEMENT_TYPES[dtype];
}

/** The element type with ONNX's number `elementType`, or undefined if tensor records cannot hold it. */
export function dtypeOf(elementType: number): DType | undefined {
  const names = Object.keys(ELEMENT_TYPES) as DType[];
  return names.find((dtype) => ELEMENT_TYPES[dtype] === elementType);
}

/** Name of an ONNX element type for messages. */
export function elementTypeName(elementType: number): string {
  const entry = Object.entries(TensorProto_DataType).find(([, value]) => value === elementType);
  return entry ? entry[0] : `type ${elementType}`;
}

/** Dimensions as numbers. @throws {OnnxError} `invalid-model` if one is negative or over 2^53 - 1 */
export function dimsOf(weight: TensorProto): number[] {
  const dims = weight.dims.map(Number);
  if (!dims.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0)) {
    throw new OnnxError(
      'invalid-model',
      `weight '${weight.name}' has dimensions [${weight.dims.join(', ')}]`,
    );
  }
  return dims;
}

/** True if the elements are in a file beside the model. */
export function isExternal(weight: TensorProto): boolean {
  return weight.dataLocation === TensorProto_DataLocation.EXTERNAL;
}

/** Where the elements of an external weight are. */
export interface ExternalReference {
  /** Path relative to the model's directory, as written in the model. */
  readonly location: string;
  /** First byte, from 0. */
  readonly offset: number;
  /** Number of bytes; undefined means up to the end of the file. */
  readonly length: number | undefined;
}

/**
 * Reads the reference of an external weight.
 * @throws {OnnxError} `external-data` if it has no location or a number in it is not one
 */
export function externalReference(weight: TensorProto): ExternalReference {
  const entries = new Map(weight.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  const offset = Number(entries.get('offset') ?? 0);
  const length = entries.has('length') ? Number(entries.get('length')) : undefined;
  const valid = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (!location || !valid(offset) || (length !== undefined && !valid(length))) {
    throw new OnnxError('external-data', `weight '${weight.name}' has a malformed external reference`);
  }
  return { location, offset, length };
}

/** Bytes that the weight's elements take, from dims and type; undefined for types that this package cannot read. */
export function weightBytes(weight: TensorProto): number | undefined {
  const dtype = dtypeOf(weight.dataType);
  // Not elementCount(): dimensions whose product is beyond all memory are a large weight, and fail when it is read.
  return dtype && dimsOf(weight).reduce((size, dimension) => size * dimension, bytesPerElement(dtype));
}

/**
 * Reads a weight into a tensor of its own memory.
 * @param external - files of weights outside the model, needed only for those
 * @throws {OnnxError} `unsupported-type`; `external-data`; `invalid-model` if the number of elements differs from dims
 */
export function tensorFromProto(weight: TensorProto, external: ExternalData = new Map()): Tensor {
  const dtype = dtypeOf(weight.dataType);
  if (!dtype) {
    throw new OnnxError(
      'unsupported-type',
      `weight '${weight.name}' expected a numeric type, got ${elementTypeName(weight.dataType)}`,
    );
  }
  const shape = dimsOf(weight);
  try {
    // `never` joins the union of storages to the type that `dtype` names; tensor() checks that they agree.
    return tensor(dtype, shape, storageOf(weight, dtype, external) as never) as Tensor;
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    throw new OnnxError('invalid-model', `weight '${weight.name}': ${(cause as Error).message}`, { cause });
  }
}

/** Makes a weight; its raw bytes are a view of the tensor's memory on little-endian machines. */
export function tensorToProto(name: string, value: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: elementTypeOf(value.dtype),
    dims: value.shape.map(BigInt),
    rawData: bytesOfData(value.data),
  });
}

/**
 * The tensor of a Constant node as a weight with the name of the node's output, or undefined for other nodes.
 * Strings and sparse values give undefined too: they are constants, but no weights.
 */
export function weightOfConstant(node: NodeProto): TensorProto | undefined {
  if (node.opType !== 'Constant') return undefined;
  const name = node.output[0];
  const value = attribute(node, 'value')?.t;
  if (value) return withFields(value, { name });
  for (const entry of node.attribute) {
    if (entry.name === 'value_float') {
      return tensorToProto(name, tensor('float32', [], Float32Array.of(entry.f)));
    }
    if (entry.name === 'value_floats') {
      return tensorToProto(name, tensor('float32', [entry.floats.length], Float32Array.from(entry.floats)));
    }
    if (entry.name === 'value_int')
      return tensorToProto(name, tensor('int64', [], BigInt64Array.of(entry.i)));
    if (entry.name === 'value_ints') {
      return tensorToProto(name, tensor('int64', [entry.ints.length], BigInt64Array.from(entry.ints)));
    }
  }
  return undefined;
}

function storageOf(weight: TensorProto, dtype: DType, external: ExternalData): TensorData {
  if (isExternal(weight)) return dataFromBytes(dtype, externalBytes(weight, external));
  // dataFromBytes copies, because views into a message start at any offset.
  if (weight.rawData.byteLength > 0) return dataFromBytes(dtype, weight.rawData);
  switch (dtype) {
    case 'float32':
      return Float32Array.from(weight.floatData);
    case 'float64':
      return Float64Array.from(weight.doubleData);
    case 'int64':
      return BigInt64Array.from(weight.int64Data);
    case 'uint64':
      return BigUint64Array.from(weight.uint64Data);
    case 'uint32':
      return Uint32Array.from(weight.uint64Data, Number);
    case 'float16':
    case 'int8':
    case 'uint8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'bool': {
      const data = allocateData(dtype, weight.int32Data.length);
      data.set(weight.int32Data);
      return data;
    }
    default:
      return dtype satisfies never;
  }
}

function externalBytes(weight: TensorProto, external: ExternalData): Uint8Array {
  const { location, offset, length } = externalReference(weight);
  const file = external.get(location);
  if (!file) {
    throw new OnnxError('external-data', `weight '${weight.name}' expected file '${location}', got none`);
  }
  const end = length === undefined ? file.byteLength : offset + length;
  if (end > file.byteLength) {
    throw new OnnxError(
      'external-data',
      `weight '${weight.name}' expected ${end} bytes in '${location}', got ${file.byteLength}`,
    );
  }
  return file.subarray(offset, end);
}
