import { expect, test } from 'vitest';
import { createRandom } from './random.js';
import { elementCount } from './shape.js';
import { tensor } from './tensor.js';

test('the same seed gives the same numbers, another seed others', () => {
  const draw = (seed: number): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 8 }, () => random.nextUint32());
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

test('uniform and normal numbers have their moments', () => {
  const random = createRandom(3);
  const count = 200_000;
  let uniform = 0;
  let normal = 0;
  let square = 0;
  for (let i = 0; i < count; i++) {
    uniform += random.nextUniform();
    const z = random.nextNormal();
    normal += z;
    square += z * z;
  }
  expect(uniform / count).toBeCloseTo(0.5, 2);
  expect(normal / count).toBeCloseTo(0, 1);
  expect(square / count).toBeCloseTo(1, 1);
});

test('a tensor record refuses data that does not fit its shape or type', () => {
  expect(() => tensor('float32', [2, 2], new Float32Array(3))).toThrow(RangeError);
  expect(() => tensor('float16', [1], new Float32Array(1) as never)).toThrow(TypeError);
  expect(() => elementCount([2, -1])).toThrow(RangeError);
  expect(() => elementCount([2 ** 30, 2 ** 30])).toThrow(RangeError);
  expect(elementCount([])).toBe(1);
});
