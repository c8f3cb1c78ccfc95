import { create } from '@bufbuild/protobuf';
import { type DType, float16Bits, type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { op } from '../test/model-builder.js';
import { makeInts, makeTensor } from './attributes.js';
import {
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from './proto/onnx_pb.js';
import { elementTypeOf, tensorFromProto, tensorToProto, weightOfConstant } from './weights.js';

const samples: Record<DType, Tensor> = {
  float32: tensor('float32', [2], Float32Array.of(1.5, -2)),
  float64: tensor('float64', [2], Float64Array.of(1.5, -2)),
  float16: tensor('float16', [2], Uint16Array.of(float16Bits(1.5), float16Bits(-2))),
  int8: tensor('int8', [2], Int8Array.of(1, -2)),
  uint8: tensor('uint8', [2], Uint8Array.of(1, 254)),
  int16: tensor('int16', [2], Int16Array.of(1, -2)),
  uint16: tensor('uint16', [2], Uint16Array.of(1, 65534)),
  int32: tensor('int32', [2], Int32Array.of(1, -2)),
  uint32: tensor('uint32', [2], Uint32Array.of(1, 2 ** 32 - 2)),
  int64: tensor('int64', [2], BigInt64Array.of(1n, -2n)),
  uint64: tensor('uint64', [2], BigUint64Array.of(1n, 2n ** 64n - 2n)),
  bool: tensor('bool', [2], Uint8Array.of(1, 0)),
};

function typedFields({ dtype, data }: Tensor): object {
  switch (dtype) {
    case 'float32':
      return { floatData: [...data] };
    case 'float64':
      return { doubleData: [...data] };
    case 'int64':
      return { int64Data: [...data] };
    case 'uint64':
      return { uint64Data: [...data] };
    case 'uint32':
      return { uint64Data: [...data].map(BigInt) };
    default:
      return { int32Data: [...data] };
  }
}

describe('weights', () => {
  test.each(Object.entries(samples))('%s survives the raw form and the typed form', (dtype, sample) => {
    expect(tensorFromProto(tensorToProto('w', sample))).toEqual(sample);
    const dataType = elementTypeOf(dtype as DType);
    const typed = create(TensorProtoSchema, { name: 'w', dataType, dims: [2n], ...typedFields(sample) });
    expect(tensorFromProto(typed)).toEqual(sample);
  });

  test('external weights come from the named file, from offset to offset + length', () => {
    const entries = { location: 'w.bin', offset: '4', length: '8' };
    const external = create(TensorProtoSchema, {
      name: 'w',
      dataType: TensorProto_DataType.FLOAT,
      dims: [2n],
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    });
    const file = new Uint8Array(Float32Array.of(9, 1.5, -2).buffer);
    expect(tensorFromProto(external, new Map([['w.bin', file]]))).toEqual(samples.float32);
    expect(() => tensorFromProto(external, new Map([['w.bin', file.subarray(0, 11)]]))).toThrow(
      /expected 12 bytes/,
    );
    expect(() => tensorFromProto(external)).toThrow(/expected file 'w.bin'/);
  });

  test('a wrong number of elements is an invalid model', () => {
    const short = create(TensorProtoSchema, {
      name: 'w',
      dataType: TensorProto_DataType.FLOAT,
      dims: [3n],
      floatData: [1, 2],
    });
    expect(() => tensorFromProto(short)).toThrow(expect.objectContaining({ code: 'invalid-model' }));
  });

  test('Constant nodes are weights under the name of their output', () => {
    const node = op('Constant', [], 'c', [makeTensor('value', tensorToProto('', samples.float32))]);
    expect(weightOfConstant(node)?.name).toBe('c');
    const list = weightOfConstant(op('Constant', [], 'axes', [makeInts('value_ints', [2, 3])]));
    expect(list && tensorFromProto(list).data).toEqual(BigInt64Array.of(2n, 3n));
    expect(weightOfConstant(op('Relu', ['x'], 'y'))).toBeUndefined();
  });
});
