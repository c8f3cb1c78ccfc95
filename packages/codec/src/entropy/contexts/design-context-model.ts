/**
 * Design of a context model from calibration features: cells and bins (`cell-design.ts`), classes of channels
 * (`channel-classes.ts`), and a table of frequencies for each class and bin. Encoding only.
 */

import type { ContextModel, FeatureGeometry, IndexAlphabet } from '../../stages.js';
import { type CellDesign, designCells, joinCells, shapeForSize } from './cell-design.js';
import { refineCells } from './cell-refinement.js';
import { type ChannelClasses, classifyChannels, THRESHOLD_BITS } from './channel-classes.js';
import { clusterChannels } from './channel-clusters.js';
import { createThresholds, MAX_CONTEXT_LEVELS } from './context-model.js';
import {
  addContexts,
  addNeighborhoods,
  addNeighbors,
  type ChannelShape,
  type ContextStatistics,
  createContextStatistics,
  createNeighborhoodStatistics,
  createNeighborStatistics,
  type NeighborStatistics,
} from './context-statistics.js';
import { FINE_SLOT_BITS } from './lanes.js';
import { roundShares, shares } from './slot-frequencies.js';

/**
 * What a model is made for: `size` takes more cells and bins than `speed`, which save bits and take time to decode. `least`
 * makes a fine model: cells are refined by turns, channels share tables with any others, tables have 4,096 slots, and
 * frames may give channels other classes; that saves more bits, takes up to ten times as long to design, and is coded
 * element by element instead of 16 at a time.
 */
export type ContextPreference = 'speed' | 'size' | 'least';

/** Indices of one tensor, as a quantizer made them. */
export interface IndexedFeature {
  readonly indices: Uint8Array;
  readonly geometry: FeatureGeometry;
}

/** Settings of a design. */
export interface ContextDesignOptions {
  /** By default columns if the features have one plane, unless that is one row of one feature; else planes. */
  readonly channelAxis?: ContextModel['channelAxis'];
  /** Columns of the grid that tokens form, where channels are columns; 0, one row, by default. */
  readonly tokenColumns?: number;
  /** Channels; by default all planes or columns of the first feature. Features with more planes hold several items. */
  readonly channelCount?: number;
  /** `speed` by default. */
  readonly preference?: ContextPreference;
}

/** How a model is made: cells, in one way or several, and classes of channels. */
interface ModelDesigner {
  readonly slotBits: ContextModel['slotBits'];
  designCells(
    features: readonly IndexedFeature[],
    alphabet: IndexAlphabet,
    shape: ChannelShape,
  ): readonly CellDesign[];
  classify(channelBins: readonly Float64Array[], alphabet: IndexAlphabet): ChannelClasses;
}

/** Channels of a design: each has counts of all cells, and all pairs are compared. */
const MAX_DESIGN_CHANNELS = 8_192;

/**
 * Designs a model.
 * @param features - at least one, all of the same channels, of indices below `levelCount`; gone through twice
 * @returns a model that can code any indices of the alphabet
 * @throws {RangeError} for more than 16 levels or 8,192 channels, or features of different shape
 */
export function designContextModel(
  features: readonly IndexedFeature[],
  alphabet: IndexAlphabet,
  options: ContextDesignOptions = {},
): ContextModel {
  return designBy(features, alphabet, options, DESIGNERS[options.preference ?? 'speed']);
}

/** The same for speed alone: what codes a tensor by a model of its own need not hold more. @throws {RangeError} */
export function designFastContextModel(
  features: readonly IndexedFeature[],
  alphabet: IndexAlphabet,
): ContextModel {
  return designBy(features, alphabet, {}, FOR_SPEED);
}

const FOR_SPEED: ModelDesigner = {
  slotBits: 8,
  designCells: (...design) => [designCells(neighborsOf(...design))],
  classify: classifyChannels,
};

const DESIGNERS: Record<ContextPreference, ModelDesigner> = {
  speed: FOR_SPEED,
  size: { ...FOR_SPEED, designCells: (...design) => [designCells(neighborsOf(...design), shapeForSize)] },
  least: { slotBits: FINE_SLOT_BITS, designCells: refinedCells, classify: clusterChannels },
};

function refinedCells(
  features: readonly IndexedFeature[],
  alphabet: IndexAlphabet,
  shape: ChannelShape,
): readonly CellDesign[] {
  const neighborhoods = createNeighborhoodStatistics(alphabet, shape);
  for (const { indices, geometry } of features) addNeighborhoods(neighborhoods, indices, geometry);
  return refineCells(neighborhoods);
}

function neighborsOf(
  features: readonly IndexedFeature[],
  alphabet: IndexAlphabet,
  shape: ChannelShape,
): NeighborStatistics {
  const neighbors = createNeighborStatistics(alphabet, shape);
  for (const { indices, geometry } of features) addNeighbors(neighbors, indices, geometry);
  return neighbors;
}

function designBy(
  features: readonly IndexedFeature[],
  alphabet: IndexAlphabet,
  options: ContextDesignOptions,
  designer: ModelDesigner,
): ContextModel {
  if (alphabet.levelCount > MAX_CONTEXT_LEVELS) {
    throw new RangeError(
      `levelCount expected 2 to ${MAX_CONTEXT_LEVELS} for contexts, got ${alphabet.levelCount}`,
    );
  }
  if (features.length === 0) throw new RangeError('features expected at least one, got none');
  const { planes, rows, columns } = features[0].geometry;
  const holdsTokens = planes === 1 && (rows > 1 || features.length > 1);
  const channelAxis = options.channelAxis ?? (holdsTokens ? 'columns' : 'planes');
  const channelCount = options.channelCount ?? (channelAxis === 'columns' ? columns : planes);
  if (channelCount > MAX_DESIGN_CHANNELS) {
    throw new RangeError(`channels expected up to ${MAX_DESIGN_CHANNELS}, got ${channelCount}`);
  }
  const shape: ChannelShape = { channelAxis, tokenColumns: options.tokenColumns ?? 0 };
  const candidates = designer.designCells(features, alphabet, shape).map((design) => {
    const statistics = createContextStatistics(alphabet, shape, channelCount, design);
    for (const { indices, geometry } of features) addContexts(statistics, indices, geometry);
    return { statistics, model: contextModelOf(statistics, designer) };
  });
  const bitsOf = ({ statistics, model }: (typeof candidates)[number]): number =>
    estimateContextBits(statistics, model);
  return candidates.reduce((a, b) => (bitsOf(b) < bitsOf(a) ? b : a)).model;
}

/** The model for given statistics, by default one for speed or size. */
export function contextModelOf(
  statistics: ContextStatistics,
  { slotBits, classify }: Pick<ModelDesigner, 'slotBits' | 'classify'> = FOR_SPEED,
): ContextModel {
  const {
    levelCount,
    background,
    channelAxis,
    tokenColumns,
    channelCount,
    cells,
    cellCount,
    binCount,
    counts,
  } = statistics;
  const cellCounts = sumRows(counts, channelCount, cellCount * levelCount);
  const binOfCell =
    statistics.binOfCell ?? joinCells(cellCounts, levelCount, binCount, THRESHOLD_BITS * (levelCount - 1));
  const channelBins = Array.from({ length: channelCount }, () => new Float64Array(binCount * levelCount));
  for (let at = 0; at < counts.length; at++) {
    const cell = Math.floor(at / levelCount) % cellCount;
    const channel = Math.floor(at / (levelCount * cellCount));
    channelBins[channel][binOfCell[cell] * levelCount + (at % levelCount)] += counts[at];
  }
  const { classOfChannel, classCounts } = classify(channelBins, statistics);
  const thresholds = designThresholds(classCounts, levelCount, binCount, slotBits);
  return {
    levelCount,
    background,
    channelAxis,
    tokenColumns,
    slotBits,
    classOfChannel,
    cells,
    binOfCell,
    binCount,
    thresholds,
  };
}

/** Estimated bits of the counted symbols under a model of these statistics' cells and channels. */
export function estimateContextBits(statistics: ContextStatistics, model: ContextModel): number {
  const { counts, cellCount, levelCount } = statistics;
  const { thresholds, binCount, binOfCell, classOfChannel, slotBits } = model;
  let bits = 0;
  for (let at = 0; at < counts.length; at++) {
    if (counts[at] === 0) continue;
    const symbol = at % levelCount;
    const row = Math.floor(at / levelCount);
    const channelClass = classOfChannel[Math.floor(row / cellCount)];
    const table = channelClass * (levelCount - 1) * binCount + binOfCell[row % cellCount];
    const start = symbol > 0 ? thresholds[table + (symbol - 1) * binCount] : 0;
    const end = symbol < levelCount - 1 ? thresholds[table + symbol * binCount] : 2 ** slotBits;
    bits += counts[at] * (slotBits - Math.log2(end - start));
  }
  return bits;
}

/** Thresholds of all tables; tables of few symbols lean on their bin over all classes, and that on all symbols. */
function designThresholds(
  classCounts: readonly Float64Array[],
  levelCount: number,
  binCount: number,
  slotBits: ContextModel['slotBits'],
): Uint8Array | Uint16Array {
  const all = new Float64Array(binCount * levelCount);
  for (const counts of classCounts) {
    for (let i = 0; i < all.length; i++) all[i] += counts[i];
  }
  const overall = shares(sumRows(all, binCount, levelCount), new Float64Array(levelCount).fill(1));
  const thresholds = createThresholds(slotBits, classCounts.length * (levelCount - 1) * binCount);
  for (let bin = 0; bin < binCount; bin++) {
    const row = (counts: Float64Array): Float64Array =>
      counts.subarray(bin * levelCount, (bin + 1) * levelCount);
    const prior = shares(row(all), overall);
    classCounts.forEach((counts, channelClass) => {
      const frequencies = roundShares(shares(row(counts), prior), 2 ** slotBits);
      let start = 0;
      for (let symbol = 1; symbol < levelCount; symbol++) {
        start += frequencies[symbol - 1];
        thresholds[(channelClass * (levelCount - 1) + symbol - 1) * binCount + bin] = start;
      }
    });
  }
  return thresholds;
}

function sumRows(counts: Float64Array, rowCount: number, rowLength: number): Float64Array {
  const sums = new Float64Array(rowLength);
  for (let row = 0; row < rowCount; row++) {
    for (let i = 0; i < rowLength; i++) sums[i] += counts[row * rowLength + i];
  }
  return sums;
}
