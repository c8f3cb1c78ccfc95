import { describe, expect, test } from 'vitest';
import { anyIndices, smoothIndices } from '../../../test/smooth-features.js';
import { elementsOf, type FeatureGeometry } from '../../stages.js';
import { designCells, joinCells } from './cell-design.js';
import { chooseContextLanes, encodeWithModel } from './context-rans.js';
import {
  addContexts,
  addNeighbors,
  type ContextStatistics,
  createContextStatistics,
  createNeighborStatistics,
  mergeCounts,
} from './context-statistics.js';
import { contextModelOf, designContextModel, estimateContextBits } from './design-context-model.js';

const geometry = { planes: 40, rows: 20, columns: 20 };

function order0Bits(indices: Uint8Array, levelCount: number): number {
  const counts = new Float64Array(levelCount);
  for (const index of indices) counts[index]++;
  return counts.reduce(
    (bits, count) => (count > 0 ? bits - count * Math.log2(count / indices.length) : bits),
    0,
  );
}

/** Bits of another tensor under a model of this one, states included. */
function codedBits(
  shape: FeatureGeometry,
  alphabet: { levelCount: number; background: number },
): { coded: number; order0: number } {
  const { indices: seen } = smoothIndices(shape, alphabet, 1);
  const { indices } = smoothIndices(shape, alphabet, 2);
  const model = designContextModel([{ indices: seen, geometry: shape }], alphabet);
  const lanes = chooseContextLanes(encodeWithModel(indices, shape, model, 64).bytes.length, model);
  const coded = 8 * encodeWithModel(indices, shape, model, lanes).bytes.length;
  return { coded, order0: order0Bits(indices, alphabet.levelCount) };
}

describe('a designed model', () => {
  test.each([
    [2, 0, 0.2],
    [4, 0, 0.2],
    [4, 2, 0.2],
    [8, 4, 0.2],
    [16, 0, 0.1],
  ])(
    'of %i levels, background %i, saves on smooth planes it has not seen',
    (levelCount, background, share) => {
      const { coded, order0 } = codedBits(geometry, { levelCount, background });
      expect(coded).toBeLessThan((1 - share) * order0);
    },
  );

  test('costs at most 1 % more than order-0 where neighbors say nothing', () => {
    for (const levelCount of [2, 5, 12]) {
      const alphabet = { levelCount, background: 0 };
      const [seen, indices] = [3, 4].map((seed) => anyIndices(elementsOf(geometry), levelCount, seed));
      const model = designContextModel([{ indices: seen, geometry }], alphabet);
      const coded = 8 * encodeWithModel(indices, geometry, model, 1).bytes.length;
      expect(coded).toBeLessThan(1.01 * order0Bits(indices, levelCount));
    }
  });

  test('made for size takes fewer bits of another tensor than one made for speed', () => {
    const large = { planes: 40, rows: 60, columns: 60 };
    for (const levelCount of [4, 6, 12]) {
      const alphabet = { levelCount, background: 0 };
      const seen = [4, 6, 7, 8].map((seed) => smoothIndices(large, alphabet, seed));
      const { indices } = smoothIndices(large, alphabet, 5);
      const [fast, small, least] = (['speed', 'size', 'least'] as const).map((preference) => {
        const model = designContextModel(seen, alphabet, { preference });
        return encodeWithModel(indices, large, model, 1).bytes.length;
      });
      expect(small, `${levelCount} levels`).toBeLessThan(fast);
      expect(least, `${levelCount} levels, refined`).toBeLessThan(1.001 * small);
    }
  }, 60_000);

  test('codes at its estimate', () => {
    const alphabet = { levelCount: 6, background: 0 };
    const { indices } = smoothIndices(geometry, alphabet, 5);
    const statistics = statisticsOf([indices], alphabet);
    const model = contextModelOf(statistics);
    const estimate = estimateContextBits(statistics, model);
    const coded = 8 * encodeWithModel(indices, geometry, model, 1).bytes.length;
    expect(coded).toBeGreaterThan(estimate);
    expect(coded).toBeLessThan(1.005 * estimate + 16);
  });

  test('groups 16 channels of like statistics, whatever their order', () => {
    const alphabet = { levelCount: 4, background: 0 };
    const { indices } = smoothIndices(geometry, alphabet, 3);
    const [quiet, busy] = [indices.subarray(0, 400), indices.subarray(-400)];
    const planes = Array.from({ length: 32 }, (_, channel) => (channel % 2 ? busy : quiet));
    const both = Uint8Array.from(planes.flatMap((plane) => [...plane]));
    const shape = { ...geometry, planes: 32 };
    const { classOfChannel } = designContextModel([{ indices: both, geometry: shape }], alphabet);
    expect([...classOfChannel]).toEqual(planes.map((_, channel) => channel % 2));
  });

  test('of tokens gains from the token before, and on a grid from that above', () => {
    const shape = { planes: 1, rows: 144, columns: 24 };
    const alphabet = { levelCount: 5, background: 2 };
    const { indices: maps } = smoothIndices({ planes: 24, rows: 12, columns: 12 }, alphabet, 7);
    const tokens = new Uint8Array(maps.length);
    maps.forEach((index, at) => {
      tokens[(at % 144) * 24 + Math.floor(at / 144)] = index;
    });
    const sizeWith = (tokenColumns: number): number => {
      const model = designContextModel([{ indices: tokens, geometry: shape }], alphabet, { tokenColumns });
      return encodeWithModel(tokens, shape, model, 1).bytes.length;
    };
    expect(sizeWith(0)).toBeLessThan((0.95 * order0Bits(tokens, 5)) / 8);
    expect(sizeWith(12)).toBeLessThan(0.95 * sizeWith(0));
  });

  test('is refused without features, of features that differ, for 17 levels and for too many channels', () => {
    const alphabet = { levelCount: 4, background: 0 };
    const indices = new Uint8Array(elementsOf(geometry));
    const other = { indices: new Uint8Array(6), geometry: { planes: 3, rows: 1, columns: 2 } };
    expect(() => designContextModel([], alphabet)).toThrow(RangeError);
    expect(() => designContextModel([{ indices, geometry }, other], alphabet)).toThrow('40 channels for 3');
    expect(() => designContextModel([{ indices, geometry }], { levelCount: 17, background: 0 })).toThrow(
      'levelCount expected 2 to 16',
    );
    const wide = { planes: 8_193, rows: 1, columns: 1 };
    expect(() => designContextModel([{ indices: new Uint8Array(8_193), geometry: wide }], alphabet)).toThrow(
      'channels expected up to 8192',
    );
  });
});

function statisticsOf(
  list: readonly Uint8Array[],
  alphabet: { levelCount: number; background: number },
): ContextStatistics {
  const shape = { channelAxis: 'planes', tokenColumns: 0 } as const;
  const neighbors = createNeighborStatistics(alphabet, shape);
  for (const indices of list) addNeighbors(neighbors, indices, geometry);
  const statistics = createContextStatistics(alphabet, shape, geometry.planes, designCells(neighbors));
  for (const indices of list) addContexts(statistics, indices, geometry);
  return statistics;
}

test('statistics of parts, added up, are those of the whole', () => {
  const alphabet = { levelCount: 5, background: 1 };
  const [a, b] = [1, 2].map((seed) => smoothIndices(geometry, alphabet, seed).indices);
  const shape = { channelAxis: 'planes', tokenColumns: 0 } as const;
  const [both, first, second] = [[a, b], [a], [b]].map((list) => {
    const statistics = createNeighborStatistics(alphabet, shape);
    for (const indices of list) addNeighbors(statistics, indices, geometry);
    return statistics;
  });
  mergeCounts(first, second);
  expect(first).toEqual(both);
});

describe('cells', () => {
  test('number all neighborhoods within their count, for every level count', () => {
    for (let levelCount = 2; levelCount <= 16; levelCount++) {
      const alphabet = { levelCount, background: 0 };
      const statistics = createNeighborStatistics(alphabet, { channelAxis: 'planes', tokenColumns: 0 });
      addNeighbors(statistics, smoothIndices(geometry, alphabet, 1).indices, geometry);
      const { cells, cellCount } = designCells(statistics);
      const highest = Object.values(cells).reduce((sum, table) => sum + Math.max(...table), 0);
      expect(highest).toBeLessThan(cellCount);
      expect(cellCount % 16).toBe(0);
      expect(cellCount).toBeLessThanOrEqual(256);
    }
  });

  test('tell all levels of two neighbors apart where planes are constant', () => {
    const shape = { planes: 64, rows: 8, columns: 8 };
    const alphabet = { levelCount: 12, background: 0 };
    const levels = anyIndices(64, 12, 5);
    const indices = Uint8Array.from({ length: 64 * 64 }, (_, at) => levels[at >> 6]);
    const model = designContextModel([{ indices, geometry: shape }], alphabet);
    expect(new Set(model.cells.left).size).toBe(12);
    expect(encodeWithModel(indices, shape, model, 1).bytes.length).toBeLessThan(90);
  });

  test('of equal distributions are joined first', () => {
    // Cells 0, 2 and 1, 3 are alike; the last has no symbols and goes with the one before.
    const counts = Float64Array.of(90, 10, 10, 90, 900, 100, 100, 900, 0, 0);
    expect([...joinCells(counts, 2, 16, 1)]).toEqual([0, 1, 0, 1, 1]);
    expect([...joinCells(counts, 2, 16, 1e6)]).toEqual([0, 0, 0, 0, 0]);
    expect([...joinCells(counts, 2, 2, 0)]).toEqual([0, 1, 0, 1, 1]);
  });
});
