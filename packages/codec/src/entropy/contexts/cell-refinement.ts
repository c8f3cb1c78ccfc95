/**
 * Cells and bins for the fewest bits, from counts of whole neighborhoods: of all shapes of cells that fit, those that tell
 * the most are refined by turns. Under given tables each level of each neighbor moves to where it costs the least, then
 * each cell to the bin that costs the least, then tables follow their symbols, as in Lloyd's algorithm with bits for
 * distances. Encoding only.
 */

import { type CellDesign, joinCells, partOfLevel, rowBits, sortBins } from './cell-design.js';
import { THRESHOLD_BITS } from './channel-classes.js';
import { CELL_UNIT, MAX_CELL_COUNT } from './context-model.js';
import { NEIGHBOR_COUNT, type NeighborhoodStatistics } from './context-statistics.js';
import { FINE_SLOT_BITS } from './lanes.js';
import { roundShares, shares } from './slot-frequencies.js';

const BIN_COUNT = 32;
/** Shapes that are refined, those whose cells tell the most. */
const REFINED_SHAPES = 4;
const MAX_ROUNDS = 20;
/** Share of the bits that a round must save for another one to follow. */
const MIN_ROUND_GAIN = 1e-4;
/** The nearest two neighbors matter about alike: their parts differ by this many at most. */
const MAX_PART_DIFFERENCE = 2;

/** Neighborhoods that occur. */
interface Neighborhoods {
  readonly levelCount: number;
  readonly count: number;
  /** Of each neighbor, the level in each neighborhood. */
  readonly levels: readonly Uint8Array[];
  /** Of each neighbor, the neighborhoods in which it has each level. */
  readonly withLevel: readonly (readonly Uint32Array[])[];
  /** Counts of symbols, `levelCount` for a neighborhood. */
  readonly symbols: Float64Array;
}

/**
 * Cells and bins of about the fewest bits over all channels together: several, of which classes of channels may favor any.
 * @param statistics - of at least one symbol; not modified
 */
export function refineCells(statistics: NeighborhoodStatistics): CellDesign[] {
  const seen = seenNeighborhoods(statistics);
  const best = rankedShapes(seen, statistics).slice(0, REFINED_SHAPES);
  return best.map((tables) => refine(seen, tables));
}

/** Tables of all shapes, those whose cells tell the most first. */
function rankedShapes(seen: Neighborhoods, statistics: NeighborhoodStatistics): Uint8Array[][] {
  const partitions = partitionsOf(seen);
  return shapesOf(statistics)
    .map((parts) => tablesOfShape(partitions, parts))
    .map((tables) => ({ tables, bits: bitsOfCells(seen, tables) }))
    .sort((a, b) => a.bits - b.bits)
    .map(({ tables }) => tables);
}

function seenNeighborhoods({ levelCount, counts }: NeighborhoodStatistics): Neighborhoods {
  const rows: number[] = [];
  for (let row = 0; row < counts.length; row += levelCount) {
    if (counts.subarray(row, row + levelCount).some((count) => count > 0)) rows.push(row);
  }
  const symbols = new Float64Array(rows.length * levelCount);
  rows.forEach((row, i) => {
    symbols.set(counts.subarray(row, row + levelCount), i * levelCount);
  });
  const levels = Array.from({ length: NEIGHBOR_COUNT }, (_, neighbor) => {
    const unit = levelCount ** (NEIGHBOR_COUNT - neighbor);
    return Uint8Array.from(rows, (row) => Math.floor(row / unit) % levelCount);
  });
  const withLevel = levels.map((own) =>
    Array.from({ length: levelCount }, (_, level) =>
      Uint32Array.from([...own.keys()].filter((i) => own[i] === level)),
    ),
  );
  return { levelCount, count: rows.length, levels, withLevel, symbols };
}

/** Numbers of parts for the levels of each neighbor that fit into the cells, but for those that leave room for more. */
function shapesOf({ levelCount, channelAxis, tokenColumns }: NeighborhoodStatistics): number[][] {
  if (channelAxis === 'columns' && tokenColumns === 0) return [[levelCount, 1, 1, 1]]; // one row has nothing above
  const shapes: number[][] = [];
  for (let left = 1; left <= levelCount; left++) {
    for (let above = 1; above <= levelCount; above++) {
      if (Math.abs(left - above) > MAX_PART_DIFFERENCE) continue;
      for (let aboveLeft = 1; aboveLeft <= levelCount; aboveLeft++) {
        const rest = Math.floor(MAX_CELL_COUNT / (left * above * aboveLeft));
        if (rest > 0) shapes.push([left, above, aboveLeft, Math.min(levelCount, rest)]);
      }
    }
  }
  const isWithin = (a: readonly number[], b: readonly number[]): boolean =>
    a !== b && a.every((parts, i) => parts <= b[i]);
  return shapes.filter((shape) => !shapes.some((other) => isWithin(shape, other)));
}

/** Of each neighbor, its levels in each number of parts; none in no part. */
function partitionsOf(seen: Neighborhoods): readonly (readonly Uint8Array[])[] {
  const { levelCount } = seen;
  return seen.levels.map((_, neighbor) => {
    const counts = besideLevels(seen, neighbor);
    return Array.from({ length: levelCount + 1 }, (_, parts) => partOfLevel(counts, levelCount, parts));
  });
}

/** Tables that tell apart all combinations of parts. */
function tablesOfShape(
  partitions: readonly (readonly Uint8Array[])[],
  parts: readonly number[],
): Uint8Array[] {
  const tables: Uint8Array[] = [];
  let scale = 1;
  for (let neighbor = NEIGHBOR_COUNT - 1; neighbor >= 0; neighbor--) {
    const unit = scale;
    tables[neighbor] = partitions[neighbor][parts[neighbor]].map((part) => part * unit);
    scale *= parts[neighbor];
  }
  return tables;
}

/** Counts of symbols beside each level of a neighbor. */
function besideLevels({ levelCount, withLevel, symbols }: Neighborhoods, neighbor: number): Float64Array {
  const counts = new Float64Array(levelCount * levelCount);
  withLevel[neighbor].forEach((members, level) => {
    for (const i of members) addRow(symbols, i * levelCount, counts, level * levelCount, levelCount);
  });
  return counts;
}

/** Bits under the frequencies of each cell. */
function bitsOfCells(seen: Neighborhoods, tables: readonly Uint8Array[]): number {
  const { levelCount } = seen;
  const counts = countsOfCells(seen, cellsOf(seen, tables));
  let bits = 0;
  for (let row = 0; row < counts.length; row += levelCount) bits += rowBits(counts, row, levelCount);
  return bits;
}

/** Refines cells by turns until nothing more is saved, or there were so many. */
function refine(seen: Neighborhoods, start: readonly Uint8Array[]): CellDesign {
  const { levelCount } = seen;
  const tables = start.map((table) => table.slice());
  let counts = countsOfCells(seen, cellsOf(seen, tables));
  let binOfCell = joinCells(counts, levelCount, BIN_COUNT, THRESHOLD_BITS * (levelCount - 1));
  let bits = Number.POSITIVE_INFINITY;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const costs = costsInBins(seen, counts, binOfCell);
    moveLevels(seen, costs, tables);
    const cells = cellsOf(seen, tables);
    const cellCosts = new Float64Array(MAX_CELL_COUNT * BIN_COUNT);
    cells.forEach((cell, i) => {
      addRow(costs, i * BIN_COUNT, cellCosts, cell * BIN_COUNT, BIN_COUNT);
    });
    binOfCell = Uint8Array.from({ length: MAX_CELL_COUNT }, (_, cell) => cheapestBin(cellCosts, cell));
    counts = countsOfCells(seen, cells);
    const before = bits;
    bits = binOfCell.reduce((sum, bin, cell) => sum + cellCosts[cell * BIN_COUNT + bin], 0);
    if (!(bits < (1 - MIN_ROUND_GAIN) * before)) break;
  }
  const cellCount = Math.ceil((highestCell(tables) + 1) / CELL_UNIT) * CELL_UNIT;
  const [left, above, aboveLeft, aboveRight] = tables;
  return {
    cells: { left, above, aboveLeft, aboveRight },
    cellCount,
    binCount: BIN_COUNT,
    binOfCell: sortBins(binOfCell, counts, levelCount).slice(0, cellCount),
  };
}

/** What the symbols of each neighborhood cost in each bin, by tables as bins have them. */
function costsInBins(seen: Neighborhoods, cellCounts: Float64Array, binOfCell: Uint8Array): Float64Array {
  const { levelCount, count, symbols } = seen;
  const binCounts = new Float64Array(BIN_COUNT * levelCount);
  const all = new Float64Array(levelCount).fill(1);
  binOfCell.forEach((bin, cell) => {
    addRow(cellCounts, cell * levelCount, binCounts, bin * levelCount, levelCount);
    addRow(cellCounts, cell * levelCount, all, 0, levelCount);
  });
  // symbolBits[symbol * BIN_COUNT + bin]
  const symbolBits = new Float64Array(levelCount * BIN_COUNT);
  for (let bin = 0; bin < BIN_COUNT; bin++) {
    const row = binCounts.subarray(bin * levelCount, (bin + 1) * levelCount);
    roundShares(shares(row, all), 2 ** FINE_SLOT_BITS).forEach((frequency, symbol) => {
      symbolBits[symbol * BIN_COUNT + bin] = FINE_SLOT_BITS - Math.log2(frequency);
    });
  }
  const costs = new Float64Array(count * BIN_COUNT);
  for (let i = 0; i < count; i++) {
    for (let symbol = 0; symbol < levelCount; symbol++) {
      const times = symbols[i * levelCount + symbol];
      if (times === 0) continue;
      for (let bin = 0; bin < BIN_COUNT; bin++) {
        costs[i * BIN_COUNT + bin] += times * symbolBits[symbol * BIN_COUNT + bin];
      }
    }
  }
  return costs;
}

/** Moves each level of each neighbor in turn to the entry of its table at which all cells, each in its best bin, cost least. */
function moveLevels(seen: Neighborhoods, costs: Float64Array, tables: readonly Uint8Array[]): void {
  const cellCosts = new Float64Array(MAX_CELL_COUNT * BIN_COUNT);
  cellsOf(seen, tables).forEach((cell, i) => {
    addRow(costs, i * BIN_COUNT, cellCosts, cell * BIN_COUNT, BIN_COUNT);
  });
  for (const [neighbor, table] of tables.entries()) {
    const others = tables.map((other, i) => (i === neighbor ? new Uint8Array(other.length) : other));
    const rests = cellsOf(seen, others);
    const entryCount = MAX_CELL_COUNT - highestCell(others);
    seen.withLevel[neighbor].forEach((members, level) => {
      if (members.length === 0) return;
      // What moves, by the sum of the other neighbors' entries.
      const moving = new Float64Array(MAX_CELL_COUNT * BIN_COUNT);
      for (const i of members) addRow(costs, i * BIN_COUNT, moving, rests[i] * BIN_COUNT, BIN_COUNT);
      const movingRests = [...new Set(members.map((i) => rests[i]))];
      for (const rest of movingRests) shiftCosts(moving, rest, cellCosts, table[level] + rest, -1);
      table[level] = cheapestEntry(moving, movingRests, cellCosts, entryCount, table[level]);
      for (const rest of movingRests) shiftCosts(moving, rest, cellCosts, table[level] + rest, 1);
    });
  }
}

/** The entry of the least added costs; the one so far if none is better. */
function cheapestEntry(
  moving: Float64Array,
  rests: readonly number[],
  cellCosts: Float64Array,
  entryCount: number,
  entry: number,
): number {
  const alone = Float64Array.from({ length: MAX_CELL_COUNT }, (_, cell) => leastCost(cellCosts, cell));
  const added = (candidate: number, limit: number): number => {
    let sum = 0;
    for (const rest of rests) {
      const cell = candidate + rest;
      let least = Number.POSITIVE_INFINITY;
      for (let bin = 0; bin < BIN_COUNT; bin++) {
        const cost = cellCosts[cell * BIN_COUNT + bin] + moving[rest * BIN_COUNT + bin];
        if (cost < least) least = cost;
      }
      sum += least - alone[cell];
      if (sum >= limit) break;
    }
    return sum;
  };
  let best = entry;
  let least = added(entry, Number.POSITIVE_INFINITY) - 1e-3; // sums of costs are exact to less than that
  for (let candidate = 0; candidate < entryCount; candidate++) {
    const sum = added(candidate, least);
    if (sum < least) [best, least] = [candidate, sum];
  }
  return best;
}

function shiftCosts(
  moving: Float64Array,
  rest: number,
  cellCosts: Float64Array,
  cell: number,
  sign: 1 | -1,
): void {
  for (let bin = 0; bin < BIN_COUNT; bin++) {
    cellCosts[cell * BIN_COUNT + bin] += sign * moving[rest * BIN_COUNT + bin];
  }
}

function cheapestBin(cellCosts: Float64Array, cell: number): number {
  let best = 0;
  for (let bin = 1; bin < BIN_COUNT; bin++) {
    if (cellCosts[cell * BIN_COUNT + bin] < cellCosts[cell * BIN_COUNT + best]) best = bin;
  }
  return best;
}

function leastCost(cellCosts: Float64Array, cell: number): number {
  return cellCosts[cell * BIN_COUNT + cheapestBin(cellCosts, cell)];
}

/** The cell of each neighborhood. */
function cellsOf({ count, levels }: Neighborhoods, tables: readonly Uint8Array[]): Uint8Array {
  const cells = new Uint8Array(count);
  tables.forEach((table, neighbor) => {
    const own = levels[neighbor];
    for (let i = 0; i < count; i++) cells[i] += table[own[i]];
  });
  return cells;
}

function highestCell(tables: readonly Uint8Array[]): number {
  return tables.reduce((sum, table) => sum + Math.max(...table), 0);
}

function countsOfCells({ levelCount, symbols }: Neighborhoods, cells: Uint8Array): Float64Array {
  const counts = new Float64Array(MAX_CELL_COUNT * levelCount);
  cells.forEach((cell, i) => {
    addRow(symbols, i * levelCount, counts, cell * levelCount, levelCount);
  });
  return counts;
}

function addRow(source: Float64Array, from: number, target: Float64Array, to: number, length: number): void {
  for (let i = 0; i < length; i++) target[to + i] += source[from + i];
}
