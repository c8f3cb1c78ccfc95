/** Tensors and bodies of the Open Inference Protocol, both ways, and what is no body of it. */

import { allocateData, DTYPES, type DType, type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { bytesOfTensor, stringsFromBytes, tensorFromBytes } from './binary-data.js';
import { datatypeOf, dtypeOf } from './datatypes.js';
import { type BodyOptions, parseBody, writeBody } from './inference-body.js';
import { jsonOfTensor, tensorFromJson } from './json-data.js';
import { readByteStrings, readTensor } from './read-tensor.js';
import { WireError } from './wire-error.js';

const SHAPE = [2, 3];
const INPUTS: BodyOptions = { list: 'inputs', headerLength: undefined, maxJsonBytes: 1000 };
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Six elements of a type, with its extremes where JSON can hold them. */
function example(dtype: DType): Tensor {
  const data = allocateData(dtype, 6);
  if (data instanceof BigInt64Array) data.set([0n, 1n, -1n, 2n ** 53n - 1n, 1n - 2n ** 53n, 7n]);
  else if (data instanceof BigUint64Array) data.set([0n, 1n, 2n ** 53n - 1n, 2n, 3n, 4n]);
  else if (dtype === 'float16') data.set([0x0000, 0x3c00, 0x8001, 0x7bff, 0xfbff, 0x3555]);
  else if (dtype === 'bool') data.set([0, 1, 1, 0, 1, 0]);
  else if (dtype.startsWith('float')) data.set([0, 0.1, -1e-30, 3e38, -2.5, 1 / 3]);
  else data.set([0, 1, -1, 127, 2 ** 31 - 1, -(2 ** 31)]); // each type keeps its low bits
  return { dtype, shape: SHAPE, data } as Tensor;
}

describe.each(DTYPES.map((dtype) => [dtype]))('%s', (dtype) => {
  test('has a name of its own, and comes back from bytes and from JSON bit by bit', () => {
    expect(dtypeOf(datatypeOf(dtype))).toBe(dtype);
    const value = example(dtype);
    expect(tensorFromBytes('x', dtype, SHAPE, bytesOfTensor(value))).toEqual(value);
    expect(tensorFromJson('x', dtype, SHAPE, JSON.parse(jsonOfTensor('x', value)))).toEqual(value);
  });

  test('takes no element of another type, and no other number of elements', () => {
    const wrong = dtype === 'bool' ? [2, -1, 'true', null, {}] : ['1', true, null, [1], {}];
    for (const element of [...wrong, ...(dtype.includes('int') ? [0.5, 2 ** 64] : [])]) {
      expect(() => tensorFromJson('x', dtype, [1], [element])).toThrow(WireError);
    }
    expect(() => tensorFromJson('x', dtype, [2], [1])).toThrow('expected 2 elements for shape [2], got 1');
    const bytes = bytesOfTensor(example(dtype));
    expect(() => tensorFromBytes('x', dtype, [2, 2], bytes)).toThrow(WireError);
  });
});

test('64-bit integers are written with all digits, and read only where JSON keeps them', () => {
  const large = tensor('int64', [1], BigInt64Array.of(2n ** 62n + 1n));
  expect(jsonOfTensor('x', large)).toBe('[4611686018427387905]');
  expect(() => tensorFromJson('x', 'int64', [1], [2 ** 62])).toThrow(WireError);
  expect(() => tensorFromJson('x', 'uint64', [1], [-1])).toThrow(WireError);
});

test('JSON may be nested as the shape is, and no deeper', () => {
  const value = tensor('float32', SHAPE, Float32Array.of(1, 2, 3, 4, 5, 6));
  const nested = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  expect(tensorFromJson('x', 'float32', SHAPE, nested)).toEqual(value);
  expect(() => tensorFromJson('x', 'float32', SHAPE, [nested])).toThrow(WireError);
  const abyss = JSON.parse(`${'['.repeat(400)}1${']'.repeat(400)}`);
  expect(() => tensorFromJson('x', 'float32', [1, 1], abyss)).toThrow(WireError);
});

test('floats that JSON has no form for are refused, both ways', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const data = tensor('float32', [1], Float32Array.of(value));
    expect(() => jsonOfTensor('x', data)).toThrow('expected finite elements');
    expect(tensorFromBytes('x', 'float32', [1], bytesOfTensor(data))).toEqual(data);
  }
  expect(() => tensorFromJson('x', 'float32', [1], [1e39])).toThrow(WireError);
  expect(() => tensorFromJson('x', 'float16', [1], [70_000])).toThrow(WireError);
});

describe('strings of bytes', () => {
  const bytes = Uint8Array.of(2, 0, 0, 0, 7, 8, 0, 0, 0, 0);

  test('are told apart by their lengths', () => {
    expect(stringsFromBytes('x', [2], bytes)).toEqual([Uint8Array.of(7, 8), new Uint8Array(0)]);
    expect(stringsFromBytes('x', [0], new Uint8Array(0))).toEqual([]);
  });

  test.each([
    ['fewer than the shape says', [3], bytes],
    ['more than the shape says', [1], bytes],
    ['a length that is cut off', [2], bytes.subarray(0, 8)],
    ['a length over what is left', [1], Uint8Array.of(255, 255, 255, 255, 1)],
    ['a shape that claims billions', [2 ** 40], bytes],
  ])('%s is refused', (_case, shape, given) => {
    expect(() => stringsFromBytes('x', shape, given)).toThrow(WireError);
  });

  test('are base64 in JSON', () => {
    const wire = { name: 'x', shape: [2], datatype: 'BYTES' };
    const content = (data: unknown) => ({ ...wire, content: { kind: 'json', data } as const });
    expect(readByteStrings(content(['Bwg=', '']))).toEqual([Uint8Array.of(7, 8), new Uint8Array(0)]);
    for (const data of [['Bwg', ''], ['Bw=g', ''], ['Bw g', ''], [1, ''], ['Bwg='], 'Bwg=']) {
      expect(() => readByteStrings(content(data))).toThrow(WireError);
    }
    expect(() => readTensor(content(['Bwg=', '']))).toThrow("expected a datatype of numbers, got 'BYTES'");
  });
});

describe('bodies', () => {
  const a = tensor('float32', [2], Float32Array.of(1.5, -2));
  const b = tensor('int64', [1], BigInt64Array.of(3n));

  test('keep fields and tensors, whichever are binary', () => {
    for (const [first, second] of [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ]) {
      const { bytes, headerLength } = writeBody({ id: '7' }, 'inputs', [
        { name: 'a', tensor: a, isBinary: first },
        { name: 'b', tensor: b, isBinary: second },
      ]);
      expect(headerLength === undefined).toBe(!first && !second);
      const { json, tensors } = parseBody(bytes, { ...INPUTS, headerLength: headerLength?.toString() });
      expect(json.id).toBe('7');
      expect(tensors.map(({ name }) => name)).toEqual(['a', 'b']);
      expect(tensors.map(readTensor)).toEqual([a, b]);
    }
    const plain = writeBody({}, 'outputs', [{ name: 'b', tensor: b, isBinary: false }]);
    expect(JSON.parse(new TextDecoder().decode(plain.bytes))).toEqual({
      outputs: [{ name: 'b', datatype: 'INT64', shape: [1], data: [3] }],
    });
  });

  const one = '{"inputs":[{"name":"a","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}';

  test.each<[string, string, string, string | undefined]>([
    ['no JSON', '', '', undefined],
    ['an array', '[]', '', undefined],
    ['null', 'null', '', undefined],
    ['no tensors', '{}', '', undefined],
    ['no tensor', '{"inputs":[]}', '', undefined],
    ['a tensor that is none', '{"inputs":[null]}', '', undefined],
    ['a tensor without a name', '{"inputs":[{"datatype":"FP32","shape":[1],"data":[1]}]}', '', undefined],
    ['a negative dimension', '{"inputs":[{"name":"a","datatype":"FP32","shape":[-1]}]}', '', undefined],
    [
      'a product of dimensions over 2^53',
      '{"inputs":[{"name":"a","datatype":"FP32","shape":[1e9,1e9]}]}',
      '',
      undefined,
    ],
    ['bytes without the header', one, '1234', undefined],
    ['a header over the body', one, '1234', '99999'],
    ['a header that is no number', one, '1234', '0x10'],
    ['a negative header', one, '1234', '-1'],
    ['fewer bytes than claimed', one, '123', String(one.length)],
    ['more bytes than claimed', one, '12345', String(one.length)],
    ['a claim of billions', one.replace('4', '4e15'), '1234', String(one.length + 3)],
    ['a claim that is no number', one.replace(':4', ':"4"'), '1234', String(one.length + 2)],
    ['a negative claim', one.replace(':4', ':-4'), '1234', String(one.length + 1)],
    ['data and bytes', one.replace('"shape"', '"data":[1],"shape"'), '1234', String(one.length + 11)],
    ['JSON over the limit', `{"x":"${'y'.repeat(1000)}"}`, '', undefined],
  ])('%s is refused', (_case, json, binary, headerLength) => {
    expect(() => parseBody(utf8(json + binary), { ...INPUTS, headerLength })).toThrow(WireError);
  });

  test('bytes that are no UTF-8 are refused', () => {
    expect(() => parseBody(Uint8Array.of(0x22, 0xff, 0x22), INPUTS)).toThrow(WireError);
  });
});
