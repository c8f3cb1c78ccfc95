import { createRandom, type TensorOf } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { drawClustered, drawScattered } from '../../test/sparse-features.js';
import { asymmetricQuantizer } from '../quantizer/affine.js';
import { measureRange } from '../quantizer/range.js';
import { quantizeValues } from '../quantizer/reference-loops.js';
import {
  bestReshape,
  columnCountCandidates,
  findKeptEntries,
  type KeptEntries,
  type KeptStatistics,
  modelReshapeBits,
  reshapeBits,
  searchColumnCount,
  type TableSharing,
} from './reshape.js';

/** The shape of the digest's own numeric test of paper A. */
const SHAPE = [128, 28, 28] as const;
const DRAWS = 1_000;
/** Measured over 4,000 random tensors: 0. */
const WORST_REGRET = 0.001;

/** Kept entries of a tensor under the asymmetric quantizer of paper A. */
function keptOf(feature: TensorOf<'float32'>, bits: number): KeptEntries {
  const { low, high } = measureRange(feature.data);
  const quantizer = asymmetricQuantizer(bits, low, high);
  const indices = quantizeValues(feature.data, quantizer) as Uint8Array;
  return findKeptEntries(indices, { levelCount: 2 ** bits, background: quantizer.zeroPoint });
}

function statisticsOf({ elementCount, positions, valueCounts }: KeptEntries): KeptStatistics {
  return { elementCount, keptCount: positions.length, valueCounts };
}

/** A tensor of random shape, density and structure; no dimension of it is chosen to divide well. */
function drawKept(seed: number): KeptEntries {
  const random = createRandom(seed);
  const bits = 2 + random.nextInteger(7);
  const shape = [1 + random.nextInteger(48), 1 + random.nextInteger(32), 1 + random.nextInteger(32)] as const;
  const spread = random.nextUniform();
  const feature =
    random.nextUniform() < 0.5
      ? drawScattered(shape, Math.max(spread ** 2, 1e-3), seed)
      : drawClustered(shape, 2 * spread, seed);
  feature.data[0] = 1; // never constant
  return keptOf(feature, bits);
}

describe('the cost of compressed rows, bits for each element', () => {
  // Dense, joint and separate; with rows of one element separate arrays are a significance map and its values.
  test.each([
    [0.5, 4, 4],
    [0.3, 4, 4],
    [0.1, 4, 14],
    [0.1, 6, 16],
    [0.02, 4, 112],
  ])('scattered entries of density %d, %d bits: dense wins over rows of %d', (density, bits, columnCount) => {
    const kept = keptOf(drawScattered(SHAPE, density, 1), bits);
    const { elementCount } = kept;
    const [joint, separate] = (['joint', 'separate'] as const).map((sharing) =>
      searchColumnCount(elementCount, (count) => reshapeBits(kept, count, sharing)),
    );
    expect(joint.columnCount).toBe(columnCount);
    expect(separate.columnCount).toBe(1);
    const dense = denseBits(kept);
    expect(separate.bits).toBeCloseTo(dense, 3);
    expect(joint.bits).toBeGreaterThan(1.15 * dense);
    if (density === 0.1 && bits === 4) {
      expect(dense / elementCount).toBeCloseTo(0.52, 2);
      expect(joint.bits / elementCount).toBeCloseTo(0.67, 2);
    }
  });

  test.each([2, 4, 6])('entries in clusters, %d bits: separate rows save 1 % or more over dense', (bits) => {
    const kept = keptOf(drawClustered(SHAPE, 1.2, 1), bits);
    const separate = searchColumnCount(kept.elementCount, (count) => reshapeBits(kept, count, 'separate'));
    const joint = searchColumnCount(kept.elementCount, (count) => reshapeBits(kept, count, 'joint'));
    expect(separate.columnCount).toBeGreaterThan(1);
    expect(separate.bits).toBeLessThan(denseBits(kept) * 0.99);
    expect(joint.bits).toBeGreaterThan(denseBits(kept));
  });

  test('a tensor without kept entries costs nothing', () => {
    const kept = findKeptEntries(new Uint8Array(12).fill(3), { levelCount: 5, background: 3 });
    expect(reshapeBits(kept, 4, 'separate')).toBe(0);
    expect(modelReshapeBits(statisticsOf(kept), 4, 'joint')).toBe(0);
  });

  function denseBits({ elementCount, positions, valueCounts }: KeptEntries): number {
    const counts = [elementCount - positions.length, ...valueCounts].filter((count) => count > 0);
    return counts.reduce((bits, count) => bits - count * Math.log2(count / elementCount), 0);
  }
});

describe('candidates', () => {
  test('are the divisors up to 255', () => {
    expect(columnCountCandidates(12)).toEqual([1, 2, 3, 4, 6, 12]);
    expect(columnCountCandidates(255).at(-1)).toBe(255);
    expect(columnCountCandidates(256).at(-1)).toBe(128);
    expect(columnCountCandidates(257)).toEqual([1]);
  });
});

describe('the search', () => {
  test.each<TableSharing>(['joint', 'separate'])(
    `with the exact %s cost is at most 0.1 % over the best of all row lengths, ${DRAWS} random tensors`,
    (sharing) => {
      for (let seed = 0; seed < DRAWS; seed++) {
        const kept = drawKept(seed);
        const cost = (count: number): number => reshapeBits(kept, count, sharing);
        const found = bestReshape(kept, sharing);
        const best = searchColumnCount(kept.elementCount, cost, Number.POSITIVE_INFINITY);
        expect(found.bits, `seed ${seed}`).toBeLessThanOrEqual(best.bits * (1 + WORST_REGRET) + 1e-6);
        expect(found.triedCount).toBeLessThanOrEqual(best.triedCount);
      }
    },
    60_000,
  );

  test('stops after the increases it has patience for', () => {
    const costs = new Map([
      [1, 10],
      [2, 11],
      [3, 12],
      [4, 9],
      [6, 10],
      [12, 1],
    ]);
    const search = (patience: number) => searchColumnCount(12, (count) => costs.get(count)!, patience);
    expect(search(2)).toEqual({ columnCount: 1, bits: 10, triedCount: 3 });
    expect(search(3)).toEqual({ columnCount: 12, bits: 1, triedCount: 6 });
    expect(search(1)).toEqual({ columnCount: 1, bits: 10, triedCount: 2 });
  });

  test('equal costs are no increase', () => {
    expect(searchColumnCount(16, () => 5, 1)).toEqual({ columnCount: 1, bits: 5, triedCount: 5 });
  });
});

describe('the model', () => {
  test('is within 2 % of the exact cost where entries are scattered', () => {
    for (const density of [0.02, 0.1, 0.3]) {
      const kept = keptOf(drawScattered(SHAPE, density, 3), 4);
      for (const sharing of ['joint', 'separate'] as const) {
        for (const count of columnCountCandidates(kept.elementCount)) {
          const exact = reshapeBits(kept, count, sharing);
          const modeled = modelReshapeBits(statisticsOf(kept), count, sharing);
          expect(
            Math.abs(modeled / exact - 1),
            `density ${density}, ${sharing}, ${count} columns`,
          ).toBeLessThan(0.02);
        }
      }
    }
  });

  test('finds row lengths at most 1 % over the best by the exact joint cost, in clusters too', () => {
    for (const bits of [2, 4, 6]) {
      const kept = keptOf(drawClustered(SHAPE, 1.2, 5), bits);
      const cost = (count: number): number => reshapeBits(kept, count, 'joint');
      const best = searchColumnCount(kept.elementCount, cost, Number.POSITIVE_INFINITY);
      const modeled = searchColumnCount(kept.elementCount, (count) =>
        modelReshapeBits(statisticsOf(kept), count, 'joint'),
      );
      expect(cost(modeled.columnCount), `${bits} bits`).toBeLessThan(best.bits * 1.01);
    }
  });
});
