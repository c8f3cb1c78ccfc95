/** Context models as words for the kernels (`shaders/context-model.ts`), and chunks as their channels lie. */

import type { ContextModel, FeatureGeometry } from '@featherwire/codec';
import { type ChannelPlanes, channelOrder, channelPlanes, neighborTables } from '@featherwire/codec/parts';
import { BIN_WORDS, CELL_WORDS, CHANNEL_BITS, MODEL, ROW_WORDS } from '../shaders/context-model.js';

/** Models as words, as long as they are in use. */
export type ModelMemory = WeakMap<ContextModel, Uint32Array<ArrayBuffer>>;

/** A model as the kernels read it, made once. */
export function rememberedWords(model: ContextModel, memory: ModelMemory): Uint32Array<ArrayBuffer> {
  const words = memory.get(model) ?? contextWords(model);
  memory.set(model, words);
  return words;
}

/** A model as the kernels read it. */
export function contextWords(model: ContextModel): Uint32Array<ArrayBuffer> {
  const { channelAxis, classOfChannel, binCount, binOfCell } = model;
  const rows = rowsOfModel(model);
  const words = new Uint32Array(contextWordCount(model));
  const channels = MODEL.rows + rows.length;
  words[MODEL.channelCount] = classOfChannel.length;
  words[MODEL.isOfColumns] = Number(channelAxis === 'columns');
  words[MODEL.binCount] = binCount;
  words[MODEL.channels] = channels;
  const tables = neighborTables(model);
  const cellsOfTable = CELL_WORDS / tables.length;
  for (const [side, table] of tables.entries()) words.set(table, MODEL.cells + side * cellsOfTable);
  words.set(binOfCell.subarray(0, BIN_WORDS), MODEL.bins);
  words.set(rows, MODEL.rows);
  channelOrder(model).forEach((channel, lane) => {
    words[channels + lane] = classOfChannel[channel] * 2 ** CHANNEL_BITS + channel;
  });
  return words;
}

/** Words of a model. */
export function contextWordCount({ classOfChannel, levelCount, thresholds }: ContextModel): number {
  return MODEL.rows + (thresholds.length / (levelCount - 1)) * ROW_WORDS + classOfChannel.length;
}

/** Starts of the symbols of each bin of each class, as bytes. */
function rowsOfModel({ levelCount, binCount, thresholds }: ContextModel): Uint32Array {
  const words = new Uint32Array((thresholds.length / (levelCount - 1)) * ROW_WORDS);
  thresholds.forEach((start, at) => {
    const bin = at % binCount;
    const table = Math.floor(at / binCount);
    const channelClass = Math.floor(table / (levelCount - 1));
    const symbol = (table % (levelCount - 1)) + 1;
    const row = (channelClass * binCount + bin) * ROW_WORDS;
    words[row + (symbol >> 2)] += start * 2 ** ((symbol & 3) * 8);
  });
  return words;
}

/**
 * How the channels of a chunk lie under a model.
 * @throws {RangeError} if the model is of another shape
 */
export function planesOfChunk(geometry: FeatureGeometry, model: ContextModel): ChannelPlanes {
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  if (typeof planes === 'string') throw new RangeError(`model expected to fit the feature, got ${planes}`);
  return planes;
}

/** Symbols of the lane that has most of them. */
export function contextSteps({ items, channels, rows, columns }: ChannelPlanes, laneCount: number): number {
  return items * rows * columns * Math.ceil(channels / laneCount);
}
