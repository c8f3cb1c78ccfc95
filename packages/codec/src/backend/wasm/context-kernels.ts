/** rANS under context models around its kernels: 2 bytes an element, and a block of channels. */

import {
  CELL_UNIT,
  classCountOf,
  MAX_CONTEXT_LEVELS,
  neighborTables,
} from '../../entropy/contexts/context-model.js';
import {
  CONTEXT_STATE_LOW,
  contextStateBytes,
  decodeWithModel,
  encodeWithModel,
} from '../../entropy/contexts/context-rans.js';
import {
  blockChannels,
  type ChannelPlanes,
  channelOrder,
  channelPlanes,
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
  if (typeof planes === 'string' || isTooWide(planes, laneCount, indices.length)) {
    return encodeWithModel(indices, geometry, model, laneCount); // which refuses what does not fit
  }
  const isGathered = gathersRows(model, laneCount);
  const [source, bytes, rows, ...areas] = reserve(kernels, [
    indices.length,
    indices.length, // no symbol takes more than 8 bits
    isGathered ? rowBytes(model) * classCountOf(model) : 0,
    ...areaBytes(planes, laneCount),
  ]);
  const { buffer } = kernels.memory;
  new Uint8Array(buffer, source, indices.length).set(indices);
  if (isGathered) writeRows(new Uint16Array(buffer, rows), model);
  prepare(kernels, planes, model, laneCount, areas, isGathered ? rows : undefined);
  const end = bytes + indices.length;
  const first = kernels.encodeContexts(
    source,
    end,
    areas[0],
    planes.items,
    planes.itemStride,
    planes.positionStride,
  );
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
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  const stateBytes = contextStateBytes(laneCount, model);
  const count = elementsOf(geometry);
  if (typeof planes === 'string' || bytes.length < stateBytes || isTooWide(planes, laneCount, count)) {
    return decodeWithModel(payload, geometry, model);
  }
  const [order, tables, block] = areaBytes(planes, laneCount);
  const slots = laneCount < GROUP_CHANNELS ? slotBytes(model) : 0;
  const [target, source, ...areas] = reserve(kernels, [
    ...[count, bytes.length - stateBytes],
    ...[order, tables, block + slots],
  ]);
  const { buffer } = kernels.memory;
  new Uint8Array(buffer, STATES, stateBytes).set(bytes.subarray(0, stateBytes));
  const states = new Uint16Array(buffer, STATES, stateBytes / 2);
  if (states.some((state) => state < CONTEXT_STATE_LOW)) return decodeWithModel(payload, geometry, model);
  new Uint8Array(buffer, source, bytes.length - stateBytes).set(bytes.subarray(stateBytes));
  prepare(kernels, planes, model, laneCount, areas);
  const end = source + bytes.length - stateBytes;
  const taken = kernels.decodeContexts(
    source,
    end,
    target,
    areas[0],
    planes.items,
    planes.itemStride,
    planes.positionStride,
  );
  // Bad payloads are rare: the reference finds the reason.
  if (taken !== end || states.some((state) => state !== CONTEXT_STATE_LOW)) {
    return decodeWithModel(payload, geometry, model);
  }
  return new Uint8Array(buffer, target, count).slice();
}

/** Encoders look symbols up one by one where there are too many thresholds to compare all. */
function gathersRows({ levelCount, binCount }: ContextModel, laneCount: number): boolean {
  return laneCount < GROUP_CHANNELS || levelCount > MAX_COMPARED_LEVELS || binCount > GROUP_CHANNELS;
}

/** Bytes of the rows of a class: 16 for each bin, of two bytes each. */
function rowBytes({ binCount }: ContextModel): number {
  return binCount * MAX_CONTEXT_LEVELS * 2;
}

/** Start and frequency of every symbol, of every bin, of every class. */
function writeRows(rows: Uint16Array, model: ContextModel): void {
  const { levelCount, binCount, thresholds } = model;
  for (let at = 0; at < thresholds.length; at++) {
    const bin = at % binCount;
    const table = Math.floor(at / binCount);
    const symbol = (table % (levelCount - 1)) + 1;
    const channelClass = Math.floor(table / (levelCount - 1));
    const row = (channelClass * binCount + bin) * MAX_CONTEXT_LEVELS + symbol;
    const start = thresholds[at];
    const end = symbol < levelCount - 1 ? thresholds[at + binCount] : SLOT_COUNT;
    rows[row] = start | ((end - start) << 8);
    if (symbol === 1) rows[row - 1] = start << 8;
  }
}

/** Sizes of what a call needs beside indices and bytes: channels of lanes, tables of groups, a block's indices. */
function areaBytes({ channels, rows, columns }: ChannelPlanes, laneCount: number): number[] {
  const groups = Math.ceil(channels / GROUP_CHANNELS);
  const lanes = Math.min(blockChannels(laneCount), groups * GROUP_CHANNELS);
  const positions = 1 + columns + rows * columns;
  return [groups * GROUP_CHANNELS * ADDRESS_BYTES, groups * ADDRESS_BYTES, positions * lanes];
}

/** Behind a block, for decoding with few lanes: the bins of a position, and what each slot of each bin of each class leads to. */
function slotBytes(model: ContextModel): number {
  return GROUP_CHANNELS + classCountOf(model) * model.binCount * SLOT_COUNT * SLOT_ENTRY_BYTES;
}

/** Whether so few of the lanes are in use that a block takes too much memory. */
function isTooWide(planes: ChannelPlanes, laneCount: number, count: number): boolean {
  const bytes = areaBytes(planes, laneCount).reduce((sum, size) => sum + size, 0);
  return bytes > MAX_AREA_PER_ELEMENT * count + SPARE_AREA_BYTES;
}

/** Writes the model to where the kernels look for it. */
function prepare(
  kernels: Kernels,
  { channels, rows, columns, channelStride }: ChannelPlanes,
  model: ContextModel,
  laneCount: number,
  [order, tables, block]: readonly number[],
  rowTables?: number,
): void {
  const { background, levelCount, binCount, binOfCell, classOfChannel, thresholds } = model;
  const { buffer } = kernels.memory;
  const maps = new Uint8Array(buffer, MAPS, MAP_BYTES).fill(0);
  neighborTables(model).forEach((table, neighbor) => {
    maps.set(table, neighbor * CELL_UNIT);
  });
  maps.set(binOfCell, neighborTables(model).length * CELL_UNIT);
  new Uint8Array(buffer, THRESHOLDS, thresholds.length).set(thresholds);
  const groups = Math.ceil(channels / GROUP_CHANNELS);
  // Lanes without a channel read the first one again.
  const channelOfLane = channelOrder(classOfChannel);
  const starts = new Uint32Array(buffer, order, groups * GROUP_CHANNELS).fill(0);
  channelOfLane.forEach((channel, lane) => {
    starts[lane] = channel * channelStride;
  });
  const tableOfGroup = new Uint32Array(buffer, tables, groups);
  for (let group = 0; group < groups; group++) {
    const channelClass = classOfChannel[channelOfLane[group * GROUP_CHANNELS]];
    tableOfGroup[group] =
      rowTables === undefined
        ? THRESHOLDS + channelClass * (levelCount - 1) * binCount
        : rowTables + channelClass * rowBytes(model);
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
    rowTables !== undefined,
    block,
  );
}
