import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { decodeBins } from './context-model.js';
import { encodeBins } from './encode-bins.js';
import { createStretchTable, squash } from './logistic.js';
import { BinDecoder } from './range-coder.js';
import { BinEncoder } from './range-encoder.js';

describe('range coder', () => {
  test('random bins under random probabilities survive, at a cost near their information', () => {
    const random = createRandom(6);
    const bins = Array.from({ length: 20_000 }, () => {
      const probability = 1 + random.nextInteger(4095);
      return { probability, bit: random.nextInteger(4096) < probability ? 1 : 0 };
    });
    const encoder = new BinEncoder();
    let bits = 0;
    for (const { bit, probability } of bins) {
      encoder.code(bit, probability);
      bits -= Math.log2((bit === 1 ? probability : 4096 - probability) / 4096);
    }
    const bytes = encoder.finish();
    expect(bytes.length).toBeLessThan((bits / 8) * 1.001 + 8);
    const decoder = new BinDecoder(bytes);
    bins.forEach(({ bit, probability }, i) => {
      expect(decoder.code(0, probability), `bin ${i}`).toBe(bit);
    });
    expect(decoder.endsWell).toBe(true);
  });

  test('carries run through bytes of ones', () => {
    // The least probable side of nearly certain bins moves the lower end up in small steps.
    for (let seed = 0; seed < 300; seed++) {
      const random = createRandom(seed);
      const bits = Array.from({ length: 200 }, () => (random.nextInteger(40) === 0 ? 1 : 0));
      const encoder = new BinEncoder();
      for (const bit of bits) encoder.code(bit, 1);
      const decoder = new BinDecoder(encoder.finish());
      expect(
        bits.map(() => decoder.code(0, 1)),
        `seed ${seed}`,
      ).toEqual(bits);
    }
  });

  test('bins that were all expected take no bytes', () => {
    const encoder = new BinEncoder();
    for (let i = 0; i < 1_000; i++) encoder.code(1, 4095);
    expect(encoder.finish().length).toBeLessThanOrEqual(1);
  });
});

describe('logits', () => {
  test('squash is monotone, symmetric up to rounding, and inverted by stretch', () => {
    const stretch = createStretchTable();
    for (let logit = -2046; logit <= 2047; logit++) {
      expect(squash(logit)).toBeGreaterThanOrEqual(squash(logit - 1));
      expect(Math.abs(squash(logit) + squash(-logit) - 4096)).toBeLessThanOrEqual(1);
      expect(Math.abs(squash(logit) - 4096 / (1 + Math.exp(-logit / 256)))).toBeLessThan(25);
    }
    for (let probability = 2; probability < 4095; probability++) {
      expect(squash(stretch[probability])).toBeGreaterThanOrEqual(probability);
      expect(squash(stretch[probability] - 1)).toBeLessThan(probability);
    }
  });
});

describe('binary code of indices', () => {
  test.each([
    [2, 0],
    [2, 1],
    [3, 1],
    [17, 0],
    [17, 16],
    [18, 3],
    [256, 100],
    [65_536, 30_000],
  ])('%d levels around %d survive for many shapes', (levelCount, background) => {
    const random = createRandom(levelCount + background);
    for (const [planes, rows, columns] of [
      [1, 1, 1],
      [1, 1, 50],
      [7, 1, 9],
      [3, 5, 1],
      [4, 6, 7],
    ]) {
      const length = planes * rows * columns;
      const near = Array.from(
        { length },
        () => background + Math.round(random.nextNormal() * levelCount * 0.3),
      );
      const clamped = near.map((index) => Math.min(Math.max(index, 0), levelCount - 1));
      const indices = levelCount <= 256 ? Uint8Array.from(clamped) : Uint16Array.from(clamped);
      const geometry = { planes, rows, columns };
      const bytes = encodeBins(indices, geometry, { levelCount, background });
      expect(decodeBins(bytes, geometry, { levelCount, background })).toEqual(indices);
    }
  });

  test('smooth maps take far fewer bits than their order-0 entropy', () => {
    const geometry = { planes: 4, rows: 32, columns: 32 };
    const indices = new Uint8Array(4 * 32 * 32);
    for (let i = 0; i < indices.length; i++) {
      const [row, column] = [(i >> 5) & 31, i & 31];
      indices[i] = Math.max(0, Math.round(1.5 + 1.5 * Math.sin(row / 5 + (i >> 10)) * Math.cos(column / 6)));
    }
    const bytes = encodeBins(indices, geometry, { levelCount: 4, background: 0 });
    expect((8 * bytes.length) / indices.length).toBeLessThan(0.6); // the entropy of its histogram is 1.9
  });
});
