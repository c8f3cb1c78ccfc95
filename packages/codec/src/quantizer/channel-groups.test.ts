import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { levelOfIndex, quantizeValue } from './affine.js';
import {
  affineOfGroup,
  dequantizeGroups,
  forEachGroupChunk,
  groupedQuantizer,
  groupLayout,
  quantizeGroups,
} from './channel-groups.js';
import { dequantizeIndices, quantizeValues } from './reference-loops.js';

const kernels = { quantize: quantizeValues, dequantize: dequantizeIndices };

/** Channel of an element along an axis. */
function channelOf(shape: readonly number[], axis: number, position: number): number {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return Math.floor(position / inner) % shape[axis];
}

describe('groups of channels', () => {
  const random = createRandom(2);
  test.each<[string, number[], number, number, number[] | null]>([
    ['runs along the second of four axes', [2, 12, 5, 3], 1, 4, null],
    ['every channel along the last axis', [7, 9], 1, 9, null],
    ['a list along the first axis', [6, 11], 0, 3, [2, 0, 1, 1, 0, 2]],
    ['a list with an empty group', [4, 5], 0, 3, [2, 2, 0, 0]],
    ['one group', [3, 4], 1, 1, null],
    ['more elements than a chunk', [2, 40_000], 0, 2, null],
    ['a long last axis', [5_000, 8], 1, 2, [0, 1, 0, 1, 0, 1, 1, 1]],
  ])('%s: each element has the index and level of its own group', (_, shape, axis, groupCount, list) => {
    const groupOfChannel = list && Uint16Array.from(list);
    const count = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: count }, () => random.nextNormal());
    const limits = Array.from({ length: groupCount }, (_, group) => ({ low: -0.3 - group, high: 1 + group }));
    for (const levelCount of [4, 1000]) {
      const grouped = groupedQuantizer(levelCount, axis, groupOfChannel, limits);
      const indices = quantizeGroups(values, shape, grouped, kernels);
      const levels = dequantizeGroups(indices, shape, grouped, kernels);
      for (let i = 0; i < count; i += count > 1000 ? 97 : 1) {
        const channel = channelOf(shape, axis, i);
        const group = list ? list[channel] : Math.floor((channel * groupCount) / shape[axis]);
        const affine = affineOfGroup(grouped, group);
        expect(indices[i]).toBe(quantizeValue(values[i], affine));
        expect(levels[i]).toBe(levelOfIndex(indices[i], affine));
      }
    }
  });

  test('are visited one after the other, every element once', () => {
    const values = Float32Array.from({ length: 60 }, (_, i) => i);
    const layout = groupLayout([3, 4, 5], 1, 2, Uint16Array.of(1, 0, 0, 1));
    const seen: number[][] = [[], []];
    forEachGroupChunk(values, layout, (group, chunk) => seen[group].push(...chunk));
    expect(seen.map((group) => group.length)).toEqual([30, 30]);
    expect(seen.flat().sort((a, b) => a - b)).toEqual([...values]);
    expect(seen[0].slice(0, 6)).toEqual([5, 6, 7, 8, 9, 10]);
  });
});

describe('parameters from limits', () => {
  test('limits from 0 share zero point 0 and have no offsets', () => {
    const grouped = groupedQuantizer(4, 0, null, [
      { low: 0, high: 3 },
      { low: 0, high: 0.7 },
    ]);
    expect(grouped).toMatchObject({ zeroPoint: 0, offsets: null });
    expect(levelOfIndex(3, affineOfGroup(grouped, 0))).toBe(3);
  });

  test('symmetric limits share the middle index of an odd level count', () => {
    const limits = [1, 2.5, 17].map((high) => ({ low: -high, high }));
    expect(groupedQuantizer(9, 0, null, limits)).toMatchObject({ zeroPoint: 4, offsets: null });
    expect(groupedQuantizer(8, 0, null, limits).offsets?.length).toBe(3);
  });

  test('other limits have offsets, which are the lowest levels', () => {
    const limits = [
      { low: -1, high: 1 },
      { low: 0.25, high: 5 },
    ];
    const grouped = groupedQuantizer(8, 0, null, limits);
    expect([...(grouped.offsets ?? [])]).toEqual([-1, 0.25]);
  });

  test('the outer levels reach the limits, and steps are at most 1/128 over', () => {
    const random = createRandom(3);
    for (let round = 0; round < 300; round++) {
      const low = random.nextNormal() * 10 ** random.nextInteger(3);
      const high = low + 10 ** (random.nextInteger(8) - 3) * (1 + random.nextUniform());
      const levelCount = 2 + random.nextInteger(300);
      const grouped = groupedQuantizer(levelCount, 0, null, [{ low, high }]);
      const exact = (Math.fround(high) - Math.fround(low)) / (levelCount - 1);
      expect(new Uint32Array(grouped.steps.buffer)[0] & 0xffff).toBe(0);
      expect(grouped.steps[0]).toBeGreaterThanOrEqual(exact);
      expect(grouped.steps[0]).toBeLessThanOrEqual(exact * (1 + 2 ** -7) * (1 + 2 ** -22));
    }
  });

  test.each([
    [1, 0, 1],
    [65_537, 0, 1],
    [4, 1, 1],
    [4, 2, 1],
    [4, Number.NaN, 1],
    [4, 0, 1e39],
  ])('%d levels over %d to %d are refused', (levelCount, low, high) => {
    expect(() => groupedQuantizer(levelCount, 0, null, [{ low, high }])).toThrow(RangeError);
  });
});
