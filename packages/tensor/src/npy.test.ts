import { describe, expect, test } from 'vitest';
import { allocateData, bytesPerElement, DTYPES } from './dtype.js';
import { NpyError, readNpy, writeNpy } from './npy.js';
import { createRandom } from './random.js';
import { type Tensor, tensor } from './tensor.js';

/** A `.npy` file with the given version, header text and body. */
function npyFile(major: number, header: string, body: Uint8Array): Uint8Array {
  const lengthBytes = major === 1 ? 2 : 4;
  const file = new Uint8Array(8 + lengthBytes + header.length + body.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, major, 0, header.length & 0xff, header.length >> 8]);
  for (let i = 0; i < header.length; i++) file[8 + lengthBytes + i] = header.charCodeAt(i);
  file.set(body, 8 + lengthBytes + header.length);
  return file;
}

describe('npy', () => {
  test.each(DTYPES)('%s survives a write and a read', (dtype) => {
    const random = createRandom(7);
    const data = allocateData(dtype, 24);
    new Uint8Array(data.buffer).forEach((_, i, bytes) => {
      bytes[i] = dtype === 'bool' ? random.nextInteger(2) : random.nextInteger(120);
    });
    for (const shape of [[24], [2, 3, 4], [24, 1]]) {
      const value = { dtype, shape, data } as Tensor;
      const file = writeNpy(value);
      expect(file.length).toBe(64 * Math.ceil((file.length - data.byteLength) / 64) + data.byteLength);
      expect(readNpy(file)).toEqual(value);
    }
    expect(data.byteLength).toBe(24 * bytesPerElement(dtype));
  });

  test('a scalar and an empty tensor survive', () => {
    const scalar = tensor('float32', [], Float32Array.of(2.5));
    const empty = tensor('float32', [2, 0, 3], new Float32Array(0));
    expect(readNpy(writeNpy(scalar))).toEqual(scalar);
    expect(readNpy(writeNpy(empty))).toEqual(empty);
  });

  test('reads what NumPy writes: version 2, big-endian, column-major', () => {
    // np.array([[1, 2, 3], [4, 5, 6]], dtype='>i2', order='F')
    const body = Uint8Array.of(0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6);
    const header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n";
    expect(readNpy(npyFile(2, header, body))).toEqual(
      tensor('int16', [2, 3], Int16Array.of(1, 2, 3, 4, 5, 6)),
    );
  });

  test.each([
    ['wrong magic', Uint8Array.of(1, 2, 3)],
    ['empty file', new Uint8Array(0)],
    ['version 9', npyFile(9, '{}', new Uint8Array(0))],
    [
      'object dtype',
      npyFile(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", new Uint8Array(8)),
    ],
    [
      'short data',
      npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", new Uint8Array(7)),
    ],
    [
      'long data',
      npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", new Uint8Array(9)),
    ],
    [
      'a shape whose product overflows',
      npyFile(
        1,
        `{'descr': '<f4', 'fortran_order': False, 'shape': (${'99999999, '.repeat(4)}), }\n`,
        new Uint8Array(4),
      ),
    ],
  ])('%s is refused', (_, file) => {
    expect(() => readNpy(file)).toThrow(NpyError);
  });

  test('every truncation of a file is refused', () => {
    const file = writeNpy(tensor('float32', [3], Float32Array.of(1, 2, 3)));
    for (let length = 0; length < file.length; length++) {
      expect(() => readNpy(file.subarray(0, length)), `length ${length}`).toThrow(NpyError);
    }
  });
});
