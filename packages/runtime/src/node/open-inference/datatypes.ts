/** Element types under their names in the Open Inference Protocol ("Tensor Data Types" of its text). */

import type { DType } from '@featherwire/tensor';

const DATATYPES: Readonly<Record<DType, string>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
};

/** Elements that are strings of bytes. */
export const BYTES_DATATYPE = 'BYTES';

/** The protocol's name of an element type. */
export function datatypeOf(dtype: DType): string {
  return DATATYPES[dtype];
}

/** The element type of a name; undefined for `BYTES`, `BF16` and anything unknown. */
export function dtypeOf(datatype: string): DType | undefined {
  return (Object.keys(DATATYPES) as DType[]).find((dtype) => DATATYPES[dtype] === datatype);
}
