import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { BitReader, BitWriter } from '../bitstream/bits.js';
import {
  knotPositions,
  normalizeWeights,
  readTable,
  tableOfDescription,
  writeTable,
} from './frequency-table.js';
import { designTable, estimateSymbolBits } from './table-design.js';

describe('normalization', () => {
  test('sums to the total and keeps every positive weight above zero', () => {
    const random = createRandom(8);
    for (let round = 0; round < 400; round++) {
      const size = 1 + random.nextInteger(256);
      const weights = Float64Array.from({ length: size }, () =>
        random.nextUniform() < 0.3 ? 0 : Math.floor(2 ** (random.nextUniform() * 31)),
      );
      weights[random.nextInteger(size)] = 1;
      for (const precisionBits of [12, 13, 14, 15]) {
        const { frequencies, starts } = normalizeWeights(weights, precisionBits);
        expect(
          frequencies.reduce((sum, f) => sum + f, 0),
          `round ${round}`,
        ).toBe(1 << precisionBits);
        expect(
          frequencies.every((f, i) => f > 0 === weights[i] > 0),
          `round ${round}`,
        ).toBe(true);
        expect(starts.every((start, i) => i === 0 || start === starts[i - 1] + frequencies[i - 1])).toBe(
          true,
        );
      }
    }
  });

  test('256 symbols, one of them nearly certain, fit 12 bits', () => {
    const weights = new Float64Array(256).fill(1);
    weights[7] = 2 ** 30;
    expect(normalizeWeights(weights, 12).frequencies[7]).toBe(4096 - 255);
  });
});

describe('coded form', () => {
  test('a designed table survives, its bits are those it was priced at', () => {
    const random = createRandom(21);
    for (let round = 0; round < 60; round++) {
      const size = 2 + random.nextInteger(255);
      const peak = random.nextInteger(size);
      const scale = 1 + random.nextInteger(40);
      const counts = Uint32Array.from({ length: size }, (_, i) =>
        Math.floor(1000 * Math.exp(-Math.abs(i - peak) / scale) * random.nextUniform()),
      );
      counts[peak] += 500;
      const designed = designTable(counts, peak);
      const bits = new BitWriter();
      writeTable(bits, designed.description);
      expect(bits.bitLength).toBe(designed.tableBits);
      const read = readTable(new BitReader(bits.finish()), { size, peak });
      expect(read, `round ${round}`).toEqual(designed.description);
      expect(tableOfDescription({ size, peak }, designed.description)).toEqual(designed.table);
      expect(designed.estimatedSymbolBits).toBe(estimateSymbolBits(counts, designed.table));
      expect(Number.isFinite(designed.estimatedSymbolBits)).toBe(true);
    }
  });

  test('a table for other tensors covers every symbol', () => {
    const { table } = designTable(Uint32Array.of(100, 0, 0, 7), 0, { coverAll: true });
    expect(table.frequencies.every((frequency) => frequency > 0)).toBe(true);
  });

  test('knots stand at the ends, around the peak and at every step', () => {
    expect(knotPositions({ size: 20, peak: 0 }, 2)).toEqual([0, 1, 5, 9, 13, 17, 18, 19]);
    expect(knotPositions({ size: 20, peak: 7 }, 3)).toEqual([0, 1, 6, 7, 8, 9, 17, 18, 19]);
    expect(knotPositions({ size: 2, peak: 1 }, 0)).toEqual([0, 1]);
    expect(knotPositions({ size: 1, peak: 0 }, 0)).toEqual([0]);
  });
});
