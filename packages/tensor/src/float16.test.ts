import { describe, expect, test } from 'vitest';
import { float16Bits, float16FromFloat32, float16Value, float32FromFloat16 } from './float16.js';

describe('float16', () => {
  test('every bit pattern but NaN survives a trip through float32', () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const back = float16FromFloat32(float32FromFloat16(patterns));
    for (let i = 0; i < 65536; i++) {
      const notANumber = (i & 0x7c00) === 0x7c00 && (i & 0x3ff) !== 0;
      expect(notANumber ? (back[i] & 0x7fff) > 0x7c00 : back[i] === i, `pattern ${i}`).toBe(true);
    }
  });

  test('rounds to nearest, ties to even', () => {
    // Between neighbours a < b the midpoint goes to the even pattern, and a hair beyond goes to b.
    for (let bits = 0; bits < 0x7bff; bits += 37) {
      const low = float16Value(bits);
      const high = float16Value(bits + 1);
      const middle = (low + high) / 2;
      expect(float16Bits(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
      expect(float16Bits(middle + (high - low) / 64)).toBe(bits + 1);
      expect(float16Bits(middle - (high - low) / 64)).toBe(bits);
    }
  });

  test.each([
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [1e10, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -25, 0],
    [2 ** -25 * 1.001, 1],
    [-0, 0x8000],
  ])('%d becomes pattern %d', (value, bits) => {
    expect(float16Bits(value)).toBe(bits);
  });
});
