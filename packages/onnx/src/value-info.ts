/** Declared types of values (ValueInfoProto) and the table of known shapes. */

import { create } from '@bufbuild/protobuf';
import { bytesPerElement, type DType } from '@featherwire/tensor';
import {
  type TensorShapeProto_Dimension,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto/onnx_pb.js';
import { dtypeOf, elementTypeOf } from './weights.js';

/** A dimension without a name and without a value. */
export const UNNAMED_DIMENSION = '?';

/** One dimension: a number, or the name of a symbol (`'?'` when it has no name). */
export type Dimension = number | string;

/** What is known of a tensor in a graph. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  /** null if not even the rank is known. Equal symbols mean equal dimensions, except `'?'`. */
  readonly shape: readonly Dimension[] | null;
}

/** What is known of each tensor, by name. */
export type ShapeTable = ReadonlyMap<string, TensorInfo>;

/** True if every dimension is a number. */
export function isStatic(shape: readonly Dimension[] | null | undefined): shape is readonly number[] {
  return shape?.every((dimension) => typeof dimension === 'number') ?? false;
}

/** Product of the dimensions, or null if one is not a number. */
export function staticElementCount(shape: readonly Dimension[] | null | undefined): number | null {
  return isStatic(shape) ? shape.reduce((product, dimension) => product * dimension, 1) : null;
}

/** Bytes of the tensor's elements, or null if its shape is not static. */
export function staticBytes(info: TensorInfo): number | null {
  const elements = staticElementCount(info.shape);
  return elements === null ? null : elements * bytesPerElement(info.dtype);
}

/**
 * A table in which tensors of unknown rank have the rank that they have in another table, with unnamed dimensions.
 * An engine cannot always tell the rank while dimensions are open; with an example of the inputs it can.
 * @param open - of a model with open dimensions
 * @param example - of the same model with numbers for them
 */
export function fillRanks(open: ShapeTable, example: ShapeTable): Map<string, TensorInfo> {
  const filled = new Map(open);
  for (const [name, { dtype, shape }] of example) {
    if (shape && !open.get(name)?.shape) {
      filled.set(name, { name, dtype, shape: shape.map(() => UNNAMED_DIMENSION) });
    }
  }
  return filled;
}

/** What a declaration says, or undefined if it declares no tensor of a type that this package knows. */
export function tensorInfoOf(value: ValueInfoProto): TensorInfo | undefined {
  const declared = value.type?.value;
  if (declared?.case !== 'tensorType') return undefined;
  const dtype = dtypeOf(declared.value.elemType);
  if (!dtype) return undefined;
  return { name: value.name, dtype, shape: declared.value.shape?.dim.map(dimensionOf) ?? null };
}

/** Makes a declaration. */
export function valueInfoOf({ name, dtype, shape }: TensorInfo): ValueInfoProto {
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: elementTypeOf(dtype),
    ...(shape && { shape: create(TensorShapeProtoSchema, { dim: shape.map(makeDimension) }) }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } }),
  });
}

/** Makes a declaration without a type, which an engine completes by inference. */
export function untypedValueInfo(name: string): ValueInfoProto {
  return create(ValueInfoProtoSchema, { name });
}

function dimensionOf({ value }: TensorShapeProto_Dimension): Dimension {
  if (value.case === 'dimParam') return value.value || UNNAMED_DIMENSION;
  // Some exporters write -1 for a free dimension.
  return value.case === 'dimValue' && value.value >= 0n ? Number(value.value) : UNNAMED_DIMENSION;
}

function makeDimension(dimension: Dimension): TensorShapeProto_Dimension {
  if (typeof dimension === 'number') {
    return create(TensorShapeProto_DimensionSchema, {
      value: { case: 'dimValue', value: BigInt(dimension) },
    });
  }
  if (dimension === UNNAMED_DIMENSION) return create(TensorShapeProto_DimensionSchema);
  return create(TensorShapeProto_DimensionSchema, { value: { case: 'dimParam', value: dimension } });
}
