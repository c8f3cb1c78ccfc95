import { tensor } from '@featherwire/tensor';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copyInput } from './input-copy.js';

/** Two maps of 2 × 3. */
const PICTURE = tensor(
  'float32',
  [1, 2, 2, 3],
  Float32Array.from({ length: 12 }, (_, i) => i),
);

describe('copies of inputs', () => {
  test('mirrored twice are the picture', () => {
    const mirror = { isMirrored: true, maxShift: 0 };
    const mirrored = copyInput(PICTURE, mirror, 1);
    expect([...mirrored.data]).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9]);
    expect(copyInput(mirrored, mirror, 2)).toEqual(PICTURE);
  });

  test('shifted repeat the edge, move all maps alike, and stay within the most pixels', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 3 }), (seed, maxShift) => {
        const { data, shape } = copyInput(PICTURE, { isMirrored: false, maxShift }, seed);
        expect(shape).toEqual(PICTURE.shape);
        const first = [...data].slice(0, 6);
        expect([...data].slice(6)).toEqual(first.map((value) => Number(value) + 6));
        const held = (value: number, length: number) => Math.min(length - 1, Math.max(0, value));
        const shifts = Array.from({ length: (2 * maxShift + 1) ** 2 }, (_, k) => {
          const [right, down] = [k % (2 * maxShift + 1), Math.floor(k / (2 * maxShift + 1))];
          return PICTURE.data
            .slice(0, 6)
            .map(
              (_, i) =>
                3 * held(Math.floor(i / 3) - down + maxShift, 2) + held((i % 3) - right + maxShift, 3),
            );
        });
        expect(shifts.map((shift) => [...shift])).toContainEqual(first);
      }),
      { seed: 5 },
    );
  });

  test('follow from the seed, and differ with it', () => {
    const shift = { isMirrored: false, maxShift: 3 };
    const seeds = Array.from({ length: 40 }, (_, seed) => seed);
    const copies = seeds.map((seed) => [...copyInput(PICTURE, shift, seed).data].join());
    expect(copies).toEqual(seeds.map((seed) => [...copyInput(PICTURE, shift, seed).data].join()));
    expect(new Set(copies).size).toBeGreaterThan(10);
  });

  test('of what is no picture are refused', () => {
    const mirror = { isMirrored: true, maxShift: 0 };
    const tokens = tensor('float32', [1, 2, 3], new Float32Array(6));
    expect(() => copyInput(tokens, mirror, 1)).toThrow(
      'expected float32 [N, C, H, W], got float32 [1, 2, 3]',
    );
    const bytes = tensor('uint8', [1, 1, 2, 2], new Uint8Array(4));
    expect(() => copyInput(bytes, mirror, 1)).toThrow('got uint8');
  });
});
