import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import type { ChannelBasis } from '../stages.js';
import { addChannelMoments, createChannelMoments, designChannelBasis } from './basis-design.js';
import { componentsOfValues, WEIGHT_BITS } from './channel-basis.js';

/** Values whose channels are orthogonal directions of the given deviations. */
function sample(directions: number[][], deviations: number[], count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const channels = directions[0].length;
  const values = new Float32Array(channels * count);
  for (let i = 0; i < count; i++) {
    directions.forEach((direction, d) => {
      const size = deviations[d] * random.nextNormal();
      direction.forEach((weight, channel) => {
        values[channel * count + i] += size * weight;
      });
    });
  }
  return values;
}

function weightsOf({ channelCount, weights }: ChannelBasis, component: number): number[] {
  const row = weights.subarray(component * channelCount, (component + 1) * channelCount);
  return [...row].map((weight) => weight / 2 ** WEIGHT_BITS);
}

const half = Math.SQRT1_2;
const DIRECTIONS = [
  [half, half, 0],
  [half, -half, 0],
  [0, 0, 1],
];

describe('designChannelBasis', () => {
  test('finds the directions of the values, largest first', () => {
    const moments = createChannelMoments(3);
    for (const seed of [1, 2])
      addChannelMoments(moments, sample(DIRECTIONS, [4, 1, 2], 20_000, seed), [3, 100, 200]);
    const basis = designChannelBasis(moments);
    expect(basis.componentCount).toBe(3);
    [0, 2, 1].forEach((direction, component) => {
      const row = weightsOf(basis, component);
      const cosine = row.reduce((sum, weight, c) => sum + weight * DIRECTIONS[direction][c], 0);
      expect(Math.abs(cosine)).toBeGreaterThan(0.999);
    });
  });

  test('leaves out what holds less than the lost share', () => {
    const moments = createChannelMoments(3);
    addChannelMoments(moments, sample(DIRECTIONS, [4, 0.1, 2], 5_000, 3), [3, 50, 100]);
    expect(designChannelBasis(moments, { lostShare: 0.001 }).componentCount).toBe(2);
    expect(designChannelBasis(moments, { lostShare: 0.3 }).componentCount).toBe(1);
    expect(designChannelBasis(moments, { lostShare: 0 }).componentCount).toBe(3);
  });

  test('is orthonormal but for the rounding of its weights, for 60 channels and those of rank 20', () => {
    const random = createRandom(4);
    const directions = Array.from({ length: 20 }, () =>
      Array.from({ length: 60 }, () => random.nextNormal()),
    );
    const moments = createChannelMoments(60);
    addChannelMoments(moments, sample(directions, new Array(20).fill(1), 4_000, 5), [60, 40, 100]);
    const basis = designChannelBasis(moments, { lostShare: 0 });
    expect(basis.componentCount).toBe(20);
    for (let a = 0; a < 20; a++) {
      for (let b = 0; b <= a; b++) {
        const [x, y] = [weightsOf(basis, a), weightsOf(basis, b)];
        const product = x.reduce((sum, weight, c) => sum + weight * y[c], 0);
        expect(Math.abs(product - (a === b ? 1 : 0)), `rows ${a} and ${b}`).toBeLessThan(1e-3);
      }
    }
  });

  test('components are sums over the channels at a place', () => {
    const basis = { channelCount: 2, componentCount: 1, weights: Int16Array.of(2 ** 13, -(2 ** 14)) };
    const values = Float32Array.of(1, 2, 3, 4, 10, 20, 30, 40);
    const components = componentsOfValues(values, { planes: 4, rows: 1, columns: 2 }, basis);
    expect([...components]).toEqual([0.5 - 3, 1 - 4, 5 - 30, 10 - 40]);
  });

  test('refuses shapes of other channels, values of 0, and senseless settings', () => {
    const moments = createChannelMoments(3);
    expect(() => addChannelMoments(moments, new Float32Array(8), [2, 2, 2])).toThrow(
      /shape expected 3 channels/,
    );
    expect(() => addChannelMoments(moments, new Float32Array(3), [3, 1])).toThrow(/before two dimensions/);
    addChannelMoments(moments, new Float32Array(12), [3, 2, 2]);
    expect(() => designChannelBasis(moments)).toThrow(/other than 0/);
    expect(() => designChannelBasis(moments, { lostShare: 1 })).toThrow(/lostShare expected/);
    expect(() => createChannelMoments(2049)).toThrow(/channelCount expected/);
  });
});
