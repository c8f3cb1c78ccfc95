import { createStatistics, type FixedChoice, levelOfIndex, quantizeValue } from '@featherwire/codec';
import { type FixedQuantizer, quantizerOfChoice } from '@featherwire/codec/parts';
import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { UnsupportedError } from '../errors.js';
import { ordersOfThresholds } from './float-order.js';
import { checkQuantizer, groupGeometry, levelRows, rowLengthOf, thresholdRows } from './quantizer-rows.js';

const SHAPE = [2, 6, 5];
const range = { kind: 'fixed', low: -1, high: 3 } as const;

function fixed(choice: FixedChoice): FixedQuantizer {
  return quantizerOfChoice(choice, SHAPE, createStatistics());
}

/** What a kernel finds: the number of a row's thresholds that are at or below the value in the order of numbers. */
function indexByRow(row: Uint32Array, value: number): number {
  const [order] = ordersOfThresholds(Float32Array.of(value));
  return row.reduce((count, threshold) => count + Number(threshold <= order), 0);
}

describe('rows of a quantizer', () => {
  test('are as long as the next power of two', () => {
    expect([2, 3, 4, 5, 16, 17, 256].map(rowLengthOf)).toEqual([2, 4, 4, 8, 16, 32, 256]);
  });

  test('give the index of any number by comparisons alone', () => {
    const random = createRandom(8);
    for (const levelCount of [2, 5, 37]) {
      const choice = fixed({ kind: 'uniform', levelCount, range });
      const rows = thresholdRows(choice, SHAPE);
      const { quantizer } = choice;
      if (quantizer.kind !== 'affine') throw new Error('uniform levels are affine');
      const values = Array.from({ length: 200 }, () => Math.fround(random.nextNormal() * 2));
      for (const value of [...values, 0, -0, Infinity, -Infinity, 1e-45, -1e-45])
        expect(indexByRow(rows.subarray(0, -1), value)).toBe(quantizeValue(value, quantizer.affine));
    }
  });

  test('stand one for each group, before the group of each channel', () => {
    const limits = [
      { low: 0, high: 1 },
      { low: 0, high: 2 },
      { low: 0, high: 4 },
    ];
    const { quantizer } = fixed({
      kind: 'grouped',
      levelCount: 3,
      axis: 1,
      groupCount: 3,
      range: { kind: 'fixed', limits },
    });
    expect(groupGeometry(quantizer, SHAPE)).toEqual({ groupCount: 3, channels: 6, inner: 5 });
    const rows = levelRows(quantizer, SHAPE);
    expect(rows.length).toBe(3 * 4 + 6);
    expect([...rows.subarray(12)]).toEqual([0, 0, 1, 1, 2, 2]);
    const levels = new Float32Array(rows.buffer);
    expect([levels[2], levels[6], levels[10]]).toEqual([1, 2, 4]);
  });

  test('hold the levels of indices', () => {
    const { quantizer } = fixed({ kind: 'uniform', levelCount: 5, range });
    const levels = new Float32Array(levelRows(quantizer, SHAPE).buffer);
    if (quantizer.kind !== 'affine') throw new Error('uniform levels are affine');
    for (let index = 0; index < 5; index++) expect(levels[index]).toBe(levelOfIndex(index, quantizer.affine));
  });

  test('are not made of blocks, nor of more levels than a byte tells apart', () => {
    expect(() => checkQuantizer(fixed({ kind: 'uniform', levelCount: 257, range }).quantizer)).toThrow(
      UnsupportedError,
    );
    const blocks = { blockSize: 2, levelCount: 9, step: 0.5, isRectified: false, basis: null } as const;
    const quantizer = { kind: 'blocks', blocks } as const;
    expect(() => checkQuantizer(quantizer)).toThrow(UnsupportedError);
  });
});
