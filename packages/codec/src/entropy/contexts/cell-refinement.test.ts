import { describe, expect, test } from 'vitest';
import { anyIndices, smoothIndices } from '../../../test/smooth-features.js';
import { elementsOf } from '../../stages.js';
import { refineCells } from './cell-refinement.js';
import { modelFlaw } from './context-model.js';
import {
  addNeighborhoods,
  createNeighborhoodStatistics,
  mergeCounts,
  type NeighborhoodStatistics,
} from './context-statistics.js';
import { designContextModel } from './design-context-model.js';

const geometry = { planes: 20, rows: 20, columns: 20 };
const PLANES = { channelAxis: 'planes', tokenColumns: 0 } as const;

function statisticsOf(indices: Uint8Array, levelCount: number): NeighborhoodStatistics {
  const statistics = createNeighborhoodStatistics({ levelCount, background: 0 }, PLANES);
  addNeighborhoods(statistics, indices, geometry);
  return statistics;
}

describe('refined cells', () => {
  test('are those of a model, for every level count', () => {
    for (let levelCount = 2; levelCount <= 16; levelCount++) {
      const alphabet = { levelCount, background: 0 };
      const { indices } = smoothIndices(geometry, alphabet, 1);
      const model = designContextModel([{ indices, geometry }], alphabet, { preference: 'size' });
      expect(modelFlaw(model), `${levelCount} levels`).toBeUndefined();
      expect(model.binOfCell.length % 16).toBe(0);
    }
  }, 60_000);

  test('tell levels of the neighbor above-left apart where the symbol follows from it', () => {
    const { rows, columns } = geometry;
    const levelCount = 8;
    const indices = anyIndices(elementsOf(geometry), levelCount, 3);
    for (let at = 0; at < indices.length; at++) {
      const isInside = Math.floor(at / columns) % rows > 0 && at % columns > 0;
      if (isInside) indices[at] = indices[at - columns - 1];
    }
    const [{ cells }] = refineCells(statisticsOf(indices, levelCount));
    expect(new Set(cells.aboveLeft).size).toBe(levelCount);
  });

  test('have bins that ascend with their symbols, of which the first is used', () => {
    const levelCount = 5;
    const { indices } = smoothIndices(geometry, { levelCount, background: 0 }, 2);
    const [{ binOfCell = new Uint8Array(), cells }] = refineCells(statisticsOf(indices, levelCount));
    expect(Math.min(...binOfCell)).toBe(0);
    const lowest = binOfCell[cells.left[0] + cells.above[0] + cells.aboveLeft[0] + cells.aboveRight[0]];
    const highest = binOfCell[cells.left[4] + cells.above[4] + cells.aboveLeft[4] + cells.aboveRight[4]];
    expect(highest).toBeGreaterThan(lowest);
  });
});

test('counts of neighborhoods of parts, added up, are those of the whole', () => {
  const alphabet = { levelCount: 4, background: 1 };
  const [a, b] = [1, 2].map((seed) => smoothIndices(geometry, alphabet, seed).indices);
  const [both, first, second] = [[a, b], [a], [b]].map((list) => {
    const statistics = createNeighborhoodStatistics(alphabet, PLANES);
    for (const indices of list) addNeighborhoods(statistics, indices, geometry);
    return statistics;
  });
  mergeCounts(first, second);
  expect(first).toEqual(both);
});
