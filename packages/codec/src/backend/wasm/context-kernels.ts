/** rANS under context models around its kernels: 2 bytes an element, and a block of channels. */

import {
  CELL_UNIT,
  classCountOf,
  MAX_CONTEXT_LEVELS,
  neighborTables,
} from '../../entropy/contexts/context-model.js';
import {
  contextStateBytes,
  countContexts,
  decodeWithModel,
  encodeWithModel,
  stateFormOf,
} from '../../entropy/contexts/context-rans.js';
import {
  blockChannels,
  type ChannelPlanes,
  channelOrder,
  channelPlanes,
  FINE_SLOT_BITS,
  GROUP_CHANNELS,
} from '../../entropy/contexts/lanes.js';
import { type ContextModel, elementsOf, type FeatureGeometry, type RansPayload } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { MAPS, STATES, THRESHOLDS } from './layout.js';
import { reserve } from './memory.js';

/** Bytes of the maps: four of 16 cells, one of 256 bins. */
const MAP_BYTES = 320;
const ADDRESS_BYTES = 4;
const SLOT_COUNT = 256;
const SLOT_ENTRY_BYTES = 4;
/** What a call may take beside indices and bytes, so that limits on elements bound memory. */
const MAX_AREA_PER_ELEMENT = 8;
const SPARE_AREA_BYTES = 2 ** 18;
/** Above this, comparing 16 lanes with every threshold takes longer than looking up 16 rows. */
const MAX_COMPARED_LEVELS = 8;

/** `EntropyKernels.encodeContexts`. */
export function encode(
  kernels: Kernels,
  indices: Uint8Array,
  geometry: FeatureGeometry,
  model: ContextModel,
  laneCount: number,
): RansPayload {
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  const { maxLanes } = stateFormOf(model);
  if (typeof planes === 'string' || laneCount > maxLanes || isTooWide(planes, laneCount, indices.length)) {
    return encodeWithModel(indices, geometry, model, laneCount); // which refuses what does not fit
  }
  const tableForm = tableFormOf(model, laneCount, true);
  const byteCount = indices.length * (isFine(model) ? 2 : 1); // no symbol takes more bits
  const [source, bytes, ...areas] = reserve(kernels, [
    indices.length,
    byteCount,
    ...areaBytes(planes, laneCount, model, tableForm),
  ]);
  const { buffer } = kernels.memory;
  new Uint8Array(buffer, source, indices.length).set(indices);
  prepare(kernels, planes, model, laneCount, areas, tableForm);
  const end = bytes + byteCount;
  const kernel = isFine(model) ? kernels.encodeFineContexts : kernels.encodeContexts;
  const { items, itemStride, positionStride } = planes;
  const first = kernel(source, end, areas[0], items, itemStride, positionStride);
  const stateBytes = contextStateBytes(laneCount, model);
  const payload = new Uint8Array(stateBytes + end - first);
  payload.set(new Uint8Array(buffer, STATES, stateBytes));
  payload.set(new Uint8Array(buffer, first, end - first), stateBytes);
  return { bytes: payload, laneCount };
}

/** `EntropyKernels.decodeContexts`; payloads that do not decode are handed to the reference for the reason. */
export function decode(
  kernels: Kernels,
  payload: RansPayload,
  geometry: FeatureGeometry,
  model: ContextModel,
): Uint8Array | string {
  const { bytes, laneCount } = payload;
  const byReference = (): Uint8Array | string => decodeWithModel(payload, geometry, model);
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  const stateBytes = contextStateBytes(laneCount, model);
  const count = elementsOf(geometry);
  const { low, maxLanes } = stateFormOf(model);
  const isRefused = bytes.length < stateBytes || laneCount > maxLanes;
  if (typeof planes === 'string' || isRefused || isTooWide(planes, laneCount, count)) return byReference();
  const tableForm = tableFormOf(model, laneCount, false);
  const [target, source, ...areas] = reserve(kernels, [
    ...[count, bytes.length - stateBytes],
    ...areaBytes(planes, laneCount, model, tableForm),
  ]);
  const { buffer } = kernels.memory;
  new Uint8Array(buffer, STATES, stateBytes).set(bytes.subarray(0, stateBytes));
  const states = isFine(model)
    ? new Int32Array(buffer, STATES, stateBytes / 4) // those of 2^31 and more are below any bound
    : new Uint16Array(buffer, STATES, stateBytes / 2);
  if (states.some((state) => state < low)) return byReference();
  new Uint8Array(buffer, source, bytes.length - stateBytes).set(bytes.subarray(stateBytes));
  prepare(kernels, planes, model, laneCount, areas, tableForm);
  const end = source + bytes.length - stateBytes;
  const kernel = isFine(model) ? kernels.decodeFineContexts : kernels.decodeContexts;
  const { items, itemStride, positionStride } = planes;
  const taken = kernel(source, end, target, areas[0], items, itemStride, positionStride);
  // Bad payloads are rare: the reference finds the reason.
  if (taken !== end || states.some((state) => state !== low)) return byReference();
  return new Uint8Array(buffer, target, count).slice();
}

/** `EntropyKernels.countContexts`. */
export function count(
  kernels: Kernels,
  indices: Uint8Array,
  geometry: FeatureGeometry,
  model: ContextModel,
): Uint32Array {
  const { binCount, levelCount, classOfChannel } = model;
  const planes = channelPlanes(geometry, model, classOfChannel.length);
  if (typeof planes === 'string' || isTooWide(planes, 1, indices.length)) {
    return countContexts(indices, geometry, model);
  }
  const byNumber: ContextModel = { ...model, slotBits: FINE_SLOT_BITS }; // channels in the order of their counts
  const size = classOfChannel.length * binCount * levelCount;
  const [source, counts, ...areas] = reserve(kernels, [
    indices.length,
    size * 4,
    ...areaBytes(planes, 1, byNumber, 'thresholds'),
  ]);
  const { buffer } = kernels.memory;
  new Uint8Array(buffer, source, indices.length).set(indices);
  const result = new Uint32Array(buffer, counts, size).fill(0);
  prepare(kernels, planes, byNumber, 1, areas, 'thresholds');
  const { items, itemStride, positionStride } = planes;
  kernels.countContexts(source, counts, areas[0], items, itemStride, positionStride, binCount);
  return result.slice();
}

function isFine({ slotBits }: ContextModel): boolean {
  return slotBits === FINE_SLOT_BITS;
}

/**
 * How a kernel finds symbols: among the thresholds of 16 lanes at once, by what each slot leads to, in rows of starts and
 * frequencies, or in rows of thresholds in 4,096 slots.
 */
type TableForm = 'thresholds' | 'slots' | 'rows' | 'fine-rows';

function tableFormOf(model: ContextModel, laneCount: number, isEncoder: boolean): TableForm {
  if (isFine(model)) return 'fine-rows';
  const isNarrow = laneCount < GROUP_CHANNELS;
  if (!isEncoder) return isNarrow ? 'slots' : 'thresholds';
  const { levelCount, binCount } = model;
  // Encoders look symbols up one by one where there are too many thresholds to compare all.
  return isNarrow || levelCount > MAX_COMPARED_LEVELS || binCount > GROUP_CHANNELS ? 'rows' : 'thresholds';
}

/** Words of the row of a bin in each form that has rows. */
const ROW_WORDS = { rows: MAX_CONTEXT_LEVELS, 'fine-rows': MAX_CONTEXT_LEVELS + 2 };

/** Start and frequency of every symbol, of every bin, of every class. */
function writeRows(rows: Uint16Array, model: ContextModel): void {
  const { levelCount, binCount, thresholds } = model;
  for (let at = 0; at < thresholds.length; at++) {
    const bin = at % binCount;
    const table = Math.floor(at / binCount);
    const symbol = (table % (levelCount - 1)) + 1;
    const channelClass = Math.floor(table / (levelCount - 1));
    const row = (channelClass * binCount + bin) * ROW_WORDS.rows + symbol;
    const start = thresholds[at];
    const end = symbol < levelCount - 1 ? thresholds[at + binCount] : SLOT_COUNT;
    rows[row] = start | ((end - start) << 8);
    if (symbol === 1) rows[row - 1] = start << 8;
  }
}

/** Starts of all symbols, of every bin, of every class, and 4,096 behind them. */
function writeFineRows(
  rows: Uint16Array,
  { levelCount, binCount, thresholds, slotBits }: ContextModel,
): void {
  const width = ROW_WORDS['fine-rows'];
  rows.fill(2 ** slotBits);
  for (let row = 0; row < rows.length / width; row++) {
    const table = Math.floor(row / binCount) * (levelCount - 1) * binCount + (row % binCount);
    rows[row * width] = 0;
    for (let symbol = 1; symbol < levelCount; symbol++) {
      rows[row * width + symbol] = thresholds[table + (symbol - 1) * binCount];
    }
  }
}

/**
 * Sizes of what a call needs beside indices and bytes: channels of lanes, tables of groups or of lanes, a block's indices with
 * the bins of a position behind them, and tables.
 */
function areaBytes(
  { channels, rows, columns }: ChannelPlanes,
  laneCount: number,
  model: ContextModel,
  form: TableForm,
): number[] {
  const lanes = Math.ceil(channels / GROUP_CHANNELS) * GROUP_CHANNELS;
  const blockLanes = Math.min(blockChannels(laneCount), lanes);
  const positions = 1 + columns + rows * columns;
  const bins = classCountOf(model) * model.binCount;
  const block = positions * blockLanes + GROUP_CHANNELS;
  const addresses = lanes * ADDRESS_BYTES;
  if (form === 'thresholds') return [addresses, addresses, block, 0];
  if (form === 'slots') return [addresses, addresses, block + bins * SLOT_COUNT * SLOT_ENTRY_BYTES, 0];
  return [addresses, addresses, block, bins * ROW_WORDS[form] * 2];
}

/** Whether so few of the lanes are in use that a block takes too much memory. */
function isTooWide({ channels, rows, columns }: ChannelPlanes, laneCount: number, count: number): boolean {
  const groups = Math.ceil(channels / GROUP_CHANNELS);
  const lanes = Math.min(blockChannels(laneCount), groups * GROUP_CHANNELS);
  const addresses = groups * (GROUP_CHANNELS + 1) * ADDRESS_BYTES;
  const bytes = addresses + (1 + columns + rows * columns) * lanes;
  return bytes > MAX_AREA_PER_ELEMENT * count + SPARE_AREA_BYTES;
}

/** Writes the model to where the kernels look for it. */
function prepare(
  kernels: Kernels,
  { channels, rows, columns, channelStride }: ChannelPlanes,
  model: ContextModel,
  laneCount: number,
  [order, tables, block, rowTables]: readonly number[],
  form: TableForm,
): void {
  const { background, levelCount, binCount, binOfCell, classOfChannel, thresholds } = model;
  const { buffer } = kernels.memory;
  const maps = new Uint8Array(buffer, MAPS, MAP_BYTES).fill(0);
  neighborTables(model).forEach((table, neighbor) => {
    maps.set(table, neighbor * CELL_UNIT);
  });
  maps.set(binOfCell, neighborTables(model).length * CELL_UNIT);
  let firstTable = rowTables;
  let tableBytes = 0;
  if (form === 'rows' || form === 'fine-rows') {
    tableBytes = binCount * ROW_WORDS[form] * 2;
    const words = new Uint16Array(buffer, rowTables, (classCountOf(model) * tableBytes) / 2);
    if (form === 'rows') writeRows(words, model);
    else writeFineRows(words, model);
  } else if (!isFine(model)) {
    firstTable = THRESHOLDS;
    tableBytes = (levelCount - 1) * binCount;
    new Uint8Array(buffer, THRESHOLDS, thresholds.length).set(thresholds);
  }
  const groups = Math.ceil(channels / GROUP_CHANNELS);
  // Lanes without a channel read the first one again.
  const channelOfLane = channelOrder(model);
  const starts = new Uint32Array(buffer, order, groups * GROUP_CHANNELS).fill(0);
  channelOfLane.forEach((channel, lane) => {
    starts[lane] = channel * channelStride;
  });
  const lanesOfTable = isFine(model) ? 1 : GROUP_CHANNELS;
  const tableOfLane = new Uint32Array(buffer, tables, Math.ceil(channels / lanesOfTable));
  for (let i = 0; i < tableOfLane.length; i++) {
    tableOfLane[i] = firstTable + classOfChannel[channelOfLane[i * lanesOfTable]] * tableBytes;
  }
  kernels.setContexts(
    channels,
    rows,
    columns,
    background,
    levelCount,
    binOfCell.length / CELL_UNIT,
    binCount === 32,
    laneCount,
    tables,
    form === 'rows',
    block,
  );
}
