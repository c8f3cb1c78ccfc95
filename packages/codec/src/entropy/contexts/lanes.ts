/**
 * The order in which indices are coded under a context model, and their neighbors (bitstream.md §11.2). Channels are
 * sorted by class, so that 16 at a time share one; under a fine model they stay in the order of their numbers. They go in
 * blocks, all channels of a block at one position, then at the next. The kernels keep the same order with a channel in each
 * byte of a vector.
 */

import type { ContextModel, FeatureGeometry } from '../../stages.js';

/** `slotBits` of a fine model. */
export const FINE_SLOT_BITS = 12;
/** Channels that share a class, except in fine models. */
export const GROUP_CHANNELS = 16;
/** Most lanes of a section. */
export const MAX_CONTEXT_LANES = 64;
/** The same under a fine model, whose lanes are coded one by one. */
export const MAX_FINE_LANES = 16;

/** A tensor as items of equally many channels, each a plane of rows and columns that lie anywhere in memory. */
export interface ChannelPlanes {
  readonly items: number;
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
  /** Elements from one item, channel or position to the next; positions go row by row. */
  readonly itemStride: number;
  readonly channelStride: number;
  readonly positionStride: number;
}

/** The channels of a tensor under a model, or the reason for which the model is of another shape. */
export function channelPlanes(
  { planes, rows, columns }: FeatureGeometry,
  { channelAxis, tokenColumns }: Pick<ContextModel, 'channelAxis' | 'tokenColumns'>,
  channels: number,
): ChannelPlanes | string {
  if (channelAxis === 'columns') {
    if (channels !== columns) return `a model of ${channels} channels for ${columns} columns`;
    const tokenRow = tokenColumns > 0 && rows % tokenColumns === 0 ? tokenColumns : rows;
    return {
      items: planes,
      channels,
      rows: rows / tokenRow,
      columns: tokenRow,
      itemStride: rows * columns,
      channelStride: 1,
      positionStride: columns,
    };
  }
  if (planes % channels !== 0) return `a model of ${channels} channels for ${planes} planes`;
  const channelStride = rows * columns;
  return {
    items: planes / channels,
    channels,
    rows,
    columns,
    itemStride: channels * channelStride,
    channelStride,
    positionStride: 1,
  };
}

/** Channels in the order of their lanes: by class, then by number; under a fine model by number. */
export function channelOrder({
  classOfChannel,
  slotBits,
}: Pick<ContextModel, 'classOfChannel' | 'slotBits'>): Uint32Array {
  if (slotBits === FINE_SLOT_BITS) return Uint32Array.from(classOfChannel.keys());
  const sizes = new Uint32Array(256);
  for (const channelClass of classOfChannel) sizes[channelClass]++;
  const next = new Uint32Array(256);
  for (let channelClass = 1; channelClass < 256; channelClass++) {
    next[channelClass] = next[channelClass - 1] + sizes[channelClass - 1];
  }
  const order = new Uint32Array(classOfChannel.length);
  classOfChannel.forEach((channelClass, channel) => {
    order[next[channelClass]++] = channel;
  });
  return order;
}

/** Channels that are coded together: as many as there are lanes, but a whole group at least. */
export function blockChannels(laneCount: number): number {
  return Math.max(GROUP_CHANNELS, laneCount);
}

/** Called for each element in coding order. */
export type ElementVisitor = (
  element: number,
  row: number,
  column: number,
  channel: number,
  lane: number,
) => void;

/** Visits all elements in coding order. */
export function visitElements(
  planes: ChannelPlanes,
  model: Pick<ContextModel, 'classOfChannel' | 'slotBits'>,
  laneCount: number,
  visit: ElementVisitor,
): void {
  const { items, channels, rows, columns, itemStride, channelStride, positionStride } = planes;
  const order = channelOrder(model);
  const blockSize = blockChannels(laneCount);
  for (let item = 0; item < items; item++) {
    for (let first = 0; first < channels; first += blockSize) {
      const size = Math.min(blockSize, channels - first);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const position = item * itemStride + (row * columns + column) * positionStride;
          for (let i = 0; i < size; i++) {
            const channel = order[first + i];
            visit(position + channel * channelStride, row, column, channel, i & (laneCount - 1));
          }
        }
      }
    }
  }
}

/** The bin of an element from the indices before it. */
export function binOf(
  indices: Uint8Array,
  element: number,
  row: number,
  column: number,
  { columns, positionStride }: ChannelPlanes,
  { background, cells, binOfCell }: ContextModel,
): number {
  const above = element - columns * positionStride;
  const left = column > 0 ? indices[element - positionStride] : background;
  const up = row > 0 ? indices[above] : background;
  const upLeft = row > 0 && column > 0 ? indices[above - positionStride] : background;
  const upRight = row > 0 && column < columns - 1 ? indices[above + positionStride] : background;
  return binOfCell[cells.left[left] + cells.above[up] + cells.aboveLeft[upLeft] + cells.aboveRight[upRight]];
}
