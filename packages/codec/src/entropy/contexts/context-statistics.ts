/**
 * Counts from which a context model is designed, taken from calibration features one by one: first of symbols beside
 * each single neighbor, which fix the cells, then of symbols in each cell of each channel. Counts of several sources
 * add up. Encoding only.
 */

import type { ContextModel, FeatureGeometry, IndexAlphabet, NeighborCells } from '../../stages.js';
import { channelPlanes } from './lanes.js';

/** Neighbors of an element: left, above, above-left, above-right. */
export const NEIGHBOR_COUNT = 4;

/** How channels lie in the features of a model. */
export type ChannelShape = Pick<ContextModel, 'channelAxis' | 'tokenColumns'>;

/** Counts of symbols beside the values of single neighbors. */
export interface NeighborStatistics extends IndexAlphabet, ChannelShape {
  /** At `(neighbor * levelCount + value) * levelCount + symbol`. */
  readonly counts: Float64Array;
}

/** Counts of symbols beside the values of all neighbors together. */
export interface NeighborhoodStatistics extends IndexAlphabet, ChannelShape {
  /** At `(((left * levelCount + above) * levelCount + aboveLeft) * levelCount + aboveRight) * levelCount + symbol`. */
  readonly counts: Float64Array;
}

/** Counts of symbols in each cell of each channel. */
export interface ContextStatistics extends IndexAlphabet, ChannelShape {
  readonly channelCount: number;
  readonly cells: NeighborCells;
  readonly cellCount: number;
  readonly binCount: ContextModel['binCount'];
  /** Bins of cells, if they are designed together. */
  readonly binOfCell?: Uint8Array;
  /** At `(channel * cellCount + cell) * levelCount + symbol`. */
  readonly counts: Float64Array;
}

/** Statistics of nothing. */
export function createNeighborStatistics(
  { levelCount, background }: IndexAlphabet,
  { channelAxis, tokenColumns }: ChannelShape,
): NeighborStatistics {
  const counts = new Float64Array(NEIGHBOR_COUNT * levelCount * levelCount);
  return { levelCount, background, channelAxis, tokenColumns, counts };
}

/** Adds the indices of one tensor to `statistics`. */
export function addNeighbors(
  statistics: NeighborStatistics,
  indices: Uint8Array,
  geometry: FeatureGeometry,
): void {
  const { counts, levelCount, background, channelAxis } = statistics;
  const channels = channelAxis === 'columns' ? geometry.columns : geometry.planes;
  visitNeighborhoods(indices, geometry, statistics, channels, background, (symbol, l, u, ul, ur) => {
    counts[l * levelCount + symbol]++;
    counts[(levelCount + u) * levelCount + symbol]++;
    counts[(2 * levelCount + ul) * levelCount + symbol]++;
    counts[(3 * levelCount + ur) * levelCount + symbol]++;
  });
}

/** Statistics of nothing. */
export function createNeighborhoodStatistics(
  { levelCount, background }: IndexAlphabet,
  { channelAxis, tokenColumns }: ChannelShape,
): NeighborhoodStatistics {
  const counts = new Float64Array(levelCount ** (NEIGHBOR_COUNT + 1));
  return { levelCount, background, channelAxis, tokenColumns, counts };
}

/** Adds the indices of one tensor to `statistics`. */
export function addNeighborhoods(
  statistics: NeighborhoodStatistics,
  indices: Uint8Array,
  geometry: FeatureGeometry,
): void {
  const { counts, levelCount, background, channelAxis } = statistics;
  const channels = channelAxis === 'columns' ? geometry.columns : geometry.planes;
  visitNeighborhoods(indices, geometry, statistics, channels, background, (symbol, l, u, ul, ur) => {
    const neighborhood = ((l * levelCount + u) * levelCount + ul) * levelCount + ur;
    counts[neighborhood * levelCount + symbol]++;
  });
}

/** Statistics of nothing. @param design - cells, of which the sum of any four entries is below `cellCount`, and bins */
export function createContextStatistics(
  { levelCount, background }: IndexAlphabet,
  { channelAxis, tokenColumns }: ChannelShape,
  channelCount: number,
  design: Pick<ContextStatistics, 'cells' | 'cellCount' | 'binCount' | 'binOfCell'>,
): ContextStatistics {
  const { cells, cellCount, binCount, binOfCell } = design;
  const counts = new Float64Array(channelCount * cellCount * levelCount);
  return {
    levelCount,
    background,
    channelAxis,
    tokenColumns,
    channelCount,
    cells,
    cellCount,
    binCount,
    binOfCell,
    counts,
  };
}

/** Adds the indices of one tensor to `statistics`. @throws {RangeError} if it has other channels */
export function addContexts(
  statistics: ContextStatistics,
  indices: Uint8Array,
  geometry: FeatureGeometry,
): void {
  const { counts, levelCount, background, channelCount, cellCount, cells } = statistics;
  const { left, above, aboveLeft, aboveRight } = cells;
  visitNeighborhoods(
    indices,
    geometry,
    statistics,
    channelCount,
    background,
    (symbol, l, u, ul, ur, channel) => {
      const cell = left[l] + above[u] + aboveLeft[ul] + aboveRight[ur];
      counts[(channel * cellCount + cell) * levelCount + symbol]++;
    },
  );
}

/** Adds the counts of `source` to `target`, which is of the same alphabet, channels and cells. */
export function mergeCounts<S extends NeighborStatistics | NeighborhoodStatistics | ContextStatistics>(
  target: S,
  source: S,
): void {
  for (let i = 0; i < target.counts.length; i++) target.counts[i] += source.counts[i];
}

function visitNeighborhoods(
  indices: Uint8Array,
  geometry: FeatureGeometry,
  shape: ChannelShape,
  channelCount: number,
  background: number,
  visit: (symbol: number, l: number, u: number, ul: number, ur: number, channel: number) => void,
): void {
  const planes = channelPlanes(geometry, shape, channelCount);
  if (typeof planes === 'string')
    throw new RangeError(`feature expected to fit the statistics, got ${planes}`);
  const { items, channels, rows, columns, itemStride, channelStride, positionStride: step } = planes;
  for (let item = 0; item < items; item++) {
    for (let channel = 0; channel < channels; channel++) {
      const first = item * itemStride + channel * channelStride;
      for (let row = 0; row < rows; row++) {
        let left = background;
        let upLeft = background;
        let up = row > 0 ? indices[first + (row - 1) * columns * step] : background;
        for (let column = 0; column < columns; column++) {
          const at = first + (row * columns + column) * step;
          const hasRight = row > 0 && column < columns - 1;
          const upRight = hasRight ? indices[at - (columns - 1) * step] : background;
          const symbol = indices[at];
          visit(symbol, left, up, upLeft, upRight, channel);
          left = symbol;
          upLeft = up;
          up = upRight;
        }
      }
    }
  }
}
