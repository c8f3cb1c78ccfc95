import { beforeAll, describe, expect, test } from 'vitest';
import { ByteWriter } from '../src/bitstream/byte-writer.js';
import { crc32 } from '../src/bitstream/crc32.js';
import {
  type Backend,
  type BitstreamErrorCode,
  decodeFrame,
  loadWasmBackend,
  referenceBackend,
} from '../src/index.js';

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadWasmBackend()];
});

/** Element type, rank and quantizer code, and dimensions. */
const FLOATS = [0, 0x71, 3];
const MAPS = [0, 0x73, 4, 1, 2];
const INT32 = [7, 0x71, 3];
const UINT8 = [3, 0x71, 3];
/** No uniform plane. */
const NONE = 0;
/** One low bit, none dropped, one class, the highest: 0. */
const ONE_BIT = [1, 0, 1, 0];
/** Coder byte of packed indices, dense. */
const PACKED = 1;

/** Two classes, grouped, and no low bits. */
const TWO_CLASSES = [...FLOATS, NONE, 0x10, 0, 0, 2, 1];
/** Tables of two symbols of which one is certain. */
const CERTAIN_TABLES = [
  [1, 8, 123],
  [1, 8, 6],
];
/** An array of one symbol out of two: a curve of 12 bits and two knots, no words, the state of one lane. */
const allOf = (symbol: 0 | 1): number[] => [...CERTAIN_TABLES[symbol], 0, 0, 0x80, 0, 0];

function handmade(bytes: readonly number[]): Uint8Array {
  const writer = new ByteWriter();
  writer.writeBytes(Uint8Array.of(0xf5, 0x46, 0x57, 1, ...bytes));
  writer.writeUint32(crc32(writer.peek()));
  return writer.finish();
}

function expectCode(bytes: readonly number[], code: BitstreamErrorCode): void {
  for (const backend of backends) {
    expect(() => decodeFrame(handmade(bytes), { backend })).toThrow(expect.objectContaining({ code }));
  }
}

describe('the frames that the defects below are made from are good', () => {
  test.each<[string, number[], number[]]>([
    ['own low bits', [...FLOATS, NONE, 0, ...ONE_BIT, 3, PACKED, 0b101], [1, 0, 1]],
    ['copies', [...FLOATS, NONE, 0b1000, ...ONE_BIT, 1, 2, 2, PACKED, 0b0101, 1, PACKED, 1], [1, 1, 1]],
    [
      'no copy among candidates',
      [...FLOATS, NONE, 0b100, ...ONE_BIT, 1, 2, PACKED, 0, 3, PACKED, 2],
      [0, 1, 0],
    ],
  ])('%s', (_, bytes, expected) => {
    for (const backend of backends) {
      const { data } = decodeFrame(handmade(bytes), { backend });
      expect([...new Uint32Array(data.buffer)]).toEqual(expected);
    }
  });
});

describe('each defect of planes has its code', () => {
  test.each<[string, BitstreamErrorCode, number[]]>([
    ['more uniform planes than planes', 'invalid-field', [...FLOATS, 2]],
    ['a list of fewer uniform planes', 'invalid-field', [...MAPS, 2, 0b0001, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['padding of the list', 'reserved-bits', [...MAPS, 1, 0b1_0001, 0, 0, 0, 0]],
    ['elements of uniform planes that end early', 'truncated', [...MAPS, 4, 0, 0, 0, 0, 0, 0, 0]],
    ['the reserved bit of the flags', 'reserved-bits', [...FLOATS, NONE, 0x80, ...ONE_BIT]],
    ['signs of integers', 'invalid-field', [...INT32, NONE, 1, 0, 0, 1, 0, 0, 0, 0]],
    ['low bits over the magnitude', 'invalid-field', [...FLOATS, NONE, 0, 32, 0, 1, 0]],
    ['dropped bits over the low bits', 'invalid-field', [...FLOATS, NONE, 0, 4, 5, 1, 0]],
    ['copies without low bits', 'invalid-field', [...FLOATS, NONE, 0b100, 4, 4, 1, 0]],
    ['groups of one class', 'invalid-field', [...FLOATS, NONE, 0x10, ...ONE_BIT]],
    ['groups of no signs', 'invalid-field', [...FLOATS, NONE, 0x20, ...ONE_BIT]],
    ['groups of no copies', 'invalid-field', [...FLOATS, NONE, 0x40, ...ONE_BIT]],
    ['one group', 'invalid-field', [...TWO_CLASSES, 1]],
    ['more groups than symbols', 'invalid-field', [...TWO_CLASSES, 3]],
    ['a group over the count', 'invalid-field', [...FLOATS, NONE, 0x10, 0, 0, 3, 2, 3, 0b110000]],
    ['padding of the groups', 'reserved-bits', [...TWO_CLASSES, 2, 0b110]],
    ['groups that do not sum to the elements', 'invalid-field', [...TWO_CLASSES, 2, 0b10, 1, 1]],
    ['groups of 65 classes', 'invalid-field', [...FLOATS, NONE, 0x10, 0, 0, 65, 64, 2]],
    [
      'a group that holds what follows another',
      'payload-mismatch',
      [...TWO_CLASSES, 2, 0b10, 2, 1, ...allOf(0), ...allOf(0)],
    ],
    ['no class', 'invalid-field', [...FLOATS, NONE, 0, 23, 0, 0, 0]],
    ['65,537 classes', 'invalid-field', [...FLOATS, NONE, 0, 0, 0, 0x81, 0x80, 0x04, 0]],
    ['a highest class over the magnitude', 'invalid-field', [...FLOATS, NONE, 0, 23, 0, 1, 0x80, 2]],
    ['classes below the lowest exponent', 'invalid-field', [...FLOATS, NONE, 0, 23, 0, 7, 5]],
    ['classes below the lowest, beside a zero class', 'invalid-field', [...FLOATS, NONE, 2, 23, 0, 8, 5]],
    ['integer classes over the type', 'invalid-field', [...UINT8, NONE, 0, 4, 0, 17, 0]],
    ['a lowest integer that ends early', 'truncated', [...INT32, NONE, 0, 0, 0, 1]],
    ['more elements with low bits than elements', 'invalid-field', [...FLOATS, NONE, 0, ...ONE_BIT, 4]],
    ['a distance of 0', 'invalid-field', [...FLOATS, NONE, 0b100, ...ONE_BIT, 0]],
    ['a distance over the elements', 'invalid-field', [...FLOATS, NONE, 0b100, ...ONE_BIT, 3]],
    ['distances that do not ascend', 'invalid-field', [...FLOATS, NONE, 0b1000, ...ONE_BIT, 2, 2]],
    ['more candidates than elements', 'invalid-field', [...FLOATS, NONE, 0b100, ...ONE_BIT, 1, 4]],
    ['fewer elements with low bits', 'payload-mismatch', [...FLOATS, NONE, 0, ...ONE_BIT, 2, PACKED, 0]],
    ['low bits for none', 'payload-mismatch', [...FLOATS, NONE, 0, ...ONE_BIT, 0]],
    [
      'a copy from before the first element',
      'payload-mismatch',
      [...FLOATS, NONE, 0b1000, ...ONE_BIT, 1, 2, 2, PACKED, 0b0010, 2, PACKED, 0],
    ],
    [
      'a flag for an element that is no candidate',
      'payload-mismatch',
      [...FLOATS, NONE, 0b100, ...ONE_BIT, 1, 3, PACKED, 0, 3, PACKED, 0],
    ],
    [
      'a candidate without a flag',
      'payload-mismatch',
      [...FLOATS, NONE, 0b100, ...ONE_BIT, 1, 0, 3, PACKED, 0],
    ],
    ['padding of low bits', 'payload-mismatch', [...FLOATS, NONE, 0, ...ONE_BIT, 3, PACKED, 0b1101]],
    ['bytes after the planes', 'trailing-bytes', [...FLOATS, NONE, 0, ...ONE_BIT, 3, PACKED, 5, 0, 0, 0, 0]],
  ])('%s', (_, code, bytes) => {
    if (code === 'trailing-bytes') {
      const good = handmade([...FLOATS, NONE, 0, ...ONE_BIT, 3, PACKED, 5]);
      expect(() => decodeFrame(Uint8Array.of(...good, 0), { backend: referenceBackend })).toThrow(
        expect.objectContaining({ code }),
      );
    } else {
      expectCode(bytes, code);
    }
  });

  test('a tensor without elements has no planes', () => expectCode([0, 0x71, 0, 0], 'invalid-field'));

  test('a shape over the limit is refused before its planes are read', () => {
    const frame = handmade([0, 0x71, 0x80, 0x80, 0x80, 0x80, 1, 1, 0, 0, 0, 0]);
    expect(() => decodeFrame(frame, { backend: referenceBackend })).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });
});
