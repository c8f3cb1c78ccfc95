/**
 * Which neighborhoods share a table: levels of each neighbor that matter alike fall together into cells, cells whose
 * symbols are distributed alike into bins. Encoding only.
 */

import type { ContextModel, NeighborCells } from '../../stages.js';
import { CELL_UNIT } from './context-model.js';
import { NEIGHBOR_COUNT, type NeighborStatistics } from './context-statistics.js';

/** Bins, and parts that the levels of each neighbor are divided into: left, above, above-left, above-right. */
export interface NeighborhoodShape {
  readonly binCount: 16 | 32;
  readonly parts: readonly number[];
}

/**
 * The shape of a model for speed. The two nearest neighbors in full beat a finer view of the diagonal ones at equal cells.
 * Up to 32 cells keep the decoder as fast as that of order-0 at 4 levels, and 16 bins above three quarters of it at 8
 * levels; from 9 levels on few bins cost more bits than they save time.
 */
export function shapeForSpeed(levelCount: number): NeighborhoodShape {
  const binCount = levelCount > 8 ? 32 : 16;
  if (levelCount === 2) return { binCount, parts: [2, 2, 2, 2] };
  if (levelCount === 3) return { binCount, parts: [3, 3, 3, 1] };
  if (levelCount === 4) return { binCount, parts: [4, 4, 2, 1] };
  return { binCount, parts: levelCount <= 7 ? [5, 5, 2, 2] : [8, 8, 1, 2] };
}

/** The shape of a model for size: more cells and bins, which save one to two percent of the bits up to 8 levels. */
export function shapeForSize(levelCount: number): NeighborhoodShape {
  if (levelCount <= 3) return { binCount: 32, parts: new Array(NEIGHBOR_COUNT).fill(levelCount) };
  if (levelCount === 4) return { binCount: 32, parts: [4, 4, 4, 2] };
  return { binCount: 32, parts: levelCount <= 7 ? [5, 5, 2, 2] : [8, 8, 2, 2] };
}

/** Share of the bits beside the left neighbor that joining its levels may cost. */
const MAX_JOINING_LOSS = 0.03;

/** Cells of neighborhoods, numbered from 0. */
export interface CellDesign {
  readonly cells: NeighborCells;
  /** A multiple of 16. */
  readonly cellCount: number;
  /** Tables that they are joined to, at most. */
  readonly binCount: ContextModel['binCount'];
  /** Bins of cells, if they are designed together; if not, they follow from the counts of cells. */
  readonly binOfCell?: Uint8Array;
}

/** Cells of a shape: each neighbor's levels in runs that tell the most about the symbol. */
export function designCells(
  statistics: NeighborStatistics,
  shapeOf: (levelCount: number) => NeighborhoodShape = shapeForSpeed,
): CellDesign {
  const { levelCount, channelAxis, tokenColumns, counts } = statistics;
  const shape = shapeOf(levelCount);
  const isOneRow = channelAxis === 'columns' && tokenColumns === 0; // which has nothing above
  const usual = isOneRow ? [levelCount, 1, 1, 1] : shape.parts;
  const parts = needsAllLevels(counts, levelCount, usual[0]) ? [levelCount, levelCount, 1, 1] : usual;
  const tables: Uint8Array[] = [];
  let scale = 1;
  for (let neighbor = NEIGHBOR_COUNT - 1; neighbor >= 0; neighbor--) {
    const own = counts.subarray(neighbor * levelCount * levelCount, (neighbor + 1) * levelCount * levelCount);
    const part = partOfLevel(own, levelCount, parts[neighbor]);
    tables[neighbor] = part.map((value) => value * scale);
    scale *= parts[neighbor];
  }
  const [left, above, aboveLeft, aboveRight] = tables;
  return {
    cells: { left, above, aboveLeft, aboveRight },
    cellCount: Math.ceil(scale / CELL_UNIT) * CELL_UNIT,
    binCount: shape.binCount,
  };
}

/** Whether the left neighbor's levels tell too much, as in channels that are constant over an image, to join any. */
function needsAllLevels(counts: Float64Array, levelCount: number, partCount: number): boolean {
  const parts = partOfLevel(counts, levelCount, partCount);
  const joined = new Float64Array(partCount * levelCount);
  let exactBits = 0;
  for (let value = 0; value < levelCount; value++) {
    exactBits += rowBits(counts, value * levelCount, levelCount);
    for (let symbol = 0; symbol < levelCount; symbol++) {
      joined[parts[value] * levelCount + symbol] += counts[value * levelCount + symbol];
    }
  }
  let joinedBits = 0;
  for (let row = 0; row < joined.length; row += levelCount) joinedBits += rowBits(joined, row, levelCount);
  return exactBits < (1 - MAX_JOINING_LOSS) * joinedBits;
}

/**
 * Divides levels into runs of the least conditional entropy, by dynamic programming.
 * @param counts - of symbols beside each level, `levelCount` for a level
 * @returns the run of each level, from 0
 */
export function partOfLevel(counts: Float64Array, levelCount: number, partCount: number): Uint8Array {
  // runBits[begin][end]: bits of the levels from `begin` to below `end` under one table.
  const runBits = Array.from({ length: levelCount }, (_, begin) => {
    const sums = new Float64Array(levelCount);
    const bits = new Float64Array(levelCount + 1);
    for (let value = begin; value < levelCount; value++) {
      for (let symbol = 0; symbol < levelCount; symbol++) sums[symbol] += counts[value * levelCount + symbol];
      bits[value + 1] = rowBits(sums, 0, levelCount);
    }
    return bits;
  });
  // best[p][end]: bits of the levels below `end` in p runs; from[p][end]: where the last of them begins.
  const best = Array.from({ length: partCount + 1 }, () =>
    new Float64Array(levelCount + 1).fill(Number.POSITIVE_INFINITY),
  );
  const from = best.map(() => new Uint8Array(levelCount + 1));
  best[0][0] = 0;
  for (let part = 1; part <= partCount; part++) {
    for (let end = part; end <= levelCount; end++) {
      for (let begin = part - 1; begin < end; begin++) {
        const bits = best[part - 1][begin] + runBits[begin][end];
        if (bits >= best[part][end]) continue;
        best[part][end] = bits;
        from[part][end] = begin;
      }
    }
  }
  const parts = new Uint8Array(levelCount);
  for (let part = partCount, end = levelCount; part > 0; end = from[part--][end]) {
    parts.fill(part - 1, from[part][end], end);
  }
  return parts;
}

/** Bits of a row of counts under its own frequencies. */
export function rowBits(counts: Float64Array, at: number, length: number): number {
  let sum = 0;
  let weighted = 0;
  for (let i = at; i < at + length; i++) {
    const count = counts[i];
    if (count === 0) continue;
    sum += count;
    weighted += count * Math.log2(count);
  }
  return sum > 0 ? sum * Math.log2(sum) - weighted : 0;
}

/**
 * Joins cells until `binCount` bins are left, always the two that lose the least bits by it, and further while that
 * loses less than `binBits`.
 * @param counts - of symbols in each cell, over all channels
 * @returns the bin of each cell; bins ascend with the mean of their symbols, cells never seen go to the nearest seen one
 */
export function joinCells(
  counts: Float64Array,
  levelCount: number,
  binCount: number,
  binBits: number,
): Uint8Array {
  const cellCount = counts.length / levelCount;
  const sums = counts.slice();
  const bits = Float64Array.from({ length: cellCount }, (_, cell) =>
    rowBits(sums, cell * levelCount, levelCount),
  );
  const seen = (cell: number): boolean =>
    sums.subarray(cell * levelCount, (cell + 1) * levelCount).some((count) => count > 0);
  const alive = Array.from({ length: cellCount }, (_, cell) => cell).filter(seen);
  const joint = new Float64Array(levelCount);
  const loss = (a: number, b: number): number => {
    for (let symbol = 0; symbol < levelCount; symbol++) {
      joint[symbol] = sums[a * levelCount + symbol] + sums[b * levelCount + symbol];
    }
    return rowBits(joint, 0, levelCount) - bits[a] - bits[b];
  };
  const losses = new Float64Array(cellCount * cellCount);
  for (const a of alive) for (const b of alive) if (a < b) losses[a * cellCount + b] = loss(a, b);
  const leader = Uint8Array.from({ length: cellCount }, (_, cell) => cell);
  while (alive.length > 1) {
    const [a, b] = leastPair(alive, losses, cellCount);
    if (alive.length <= binCount && losses[a * cellCount + b] >= binBits) break;
    for (let symbol = 0; symbol < levelCount; symbol++)
      sums[a * levelCount + symbol] += sums[b * levelCount + symbol];
    bits[a] = rowBits(sums, a * levelCount, levelCount);
    alive.splice(alive.indexOf(b), 1);
    for (let cell = 0; cell < cellCount; cell++) if (leader[cell] === b) leader[cell] = a;
    for (const other of alive) {
      if (other !== a) losses[Math.min(a, other) * cellCount + Math.max(a, other)] = loss(a, other);
    }
  }
  return sortBins(leader, counts, levelCount);
}

/**
 * Numbers bins anew.
 * @param binOfCell - any numbers below 256
 * @param counts - of symbols in each cell
 * @returns bins that ascend with the mean of their symbols, cells never seen in that of the nearest seen one
 */
export function sortBins(binOfCell: Uint8Array, counts: Float64Array, levelCount: number): Uint8Array {
  const totals = new Float64Array(256);
  const weighted = new Float64Array(256);
  const isSeen = new Uint8Array(binOfCell.length);
  counts.forEach((count, at) => {
    if (count === 0) return;
    const cell = Math.floor(at / levelCount);
    isSeen[cell] = 1;
    totals[binOfCell[cell]] += count;
    weighted[binOfCell[cell]] += count * (at % levelCount);
  });
  const mean = (bin: number): number => weighted[bin] / totals[bin];
  const byMean = [...totals.keys()]
    .filter((bin) => totals[bin] > 0)
    .sort((a, b) => mean(a) - mean(b) || a - b);
  let nearest = binOfCell[Math.max(0, isSeen.indexOf(1))];
  return binOfCell.map((bin, cell) => {
    if (isSeen[cell]) nearest = bin;
    return Math.max(0, byMean.indexOf(nearest));
  });
}

function leastPair(alive: readonly number[], losses: Float64Array, cellCount: number): [number, number] {
  let best: [number, number] = [alive[0], alive[1]];
  let least = Number.POSITIVE_INFINITY;
  for (const a of alive) {
    for (const b of alive) {
      if (a < b && losses[a * cellCount + b] < least) {
        least = losses[a * cellCount + b];
        best = [a, b];
      }
    }
  }
  return best;
}
