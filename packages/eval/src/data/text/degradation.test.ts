import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { addNoise, bytesOfValues, gaussianBlur } from './degradation.js';

describe('gaussianBlur', () => {
  test('spreads a point into a Gaussian of the given width that keeps its sum', () => {
    const [width, height, sigma] = [31, 21, 1.5];
    const point = new Float32Array(width * height);
    point[10 * width + 15] = 1;
    const blurred = gaussianBlur(point, width, height, sigma);
    expect(blurred.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    let variance = 0;
    blurred.forEach((value, i) => {
      variance += value * ((i % width) - 15) ** 2;
    });
    expect(Math.sqrt(variance)).toBeCloseTo(sigma, 1);
    expect(blurred[10 * width + 14]).toBeCloseTo(blurred[9 * width + 15], 7);
  });

  test('leaves a flat picture flat up to its edges, and sigma 0 leaves any as it is', () => {
    const flat = gaussianBlur(new Float32Array(12).fill(7), 4, 3, 2);
    for (const value of flat) expect(value).toBeCloseTo(7, 5);
    const values = Float32Array.of(1, 5, 2, 8);
    expect(gaussianBlur(values, 2, 2, 0)).toEqual(values);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('sigma %d is refused', (sigma) => {
    expect(() => gaussianBlur(new Float32Array(4), 2, 2, sigma)).toThrow(RangeError);
  });
});

test('noise has the standard deviation asked for', () => {
  const values = new Float32Array(20_000);
  addNoise(values, 5, createRandom(3));
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  expect(Math.sqrt(variance)).toBeCloseTo(5, 0);
});

test('bytes are rounded and clipped', () => {
  expect(bytesOfValues(Float32Array.of(-3, 0.4, 254.6, 300))).toEqual(Uint8Array.of(0, 0, 255, 255));
});
