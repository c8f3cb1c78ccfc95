/**
 * What kernels know of rANS under contexts (bitstream.md §11): a model as words, the rows of its thresholds, and the place of
 * an index in the tensor by its place in coding order.
 */

import { CONTEXT_STATE_LOW, GROUP_CHANNELS } from '@featherwire/codec/parts';

/** Places in the words of a model; the rows come after `bins`, then the channels in the order of their lanes. */
export const MODEL = {
  channelCount: 0,
  /** 1 if each column is a channel, 0 if each plane is. */
  isOfColumns: 1,
  /** Rows of a class. */
  binCount: 2,
  /** Where the channels begin. */
  channels: 3,
  /** Four tables of 16: what the index to the left, above, above to the left and to the right adds to a cell. */
  cells: 4,
  /** Bin of each cell. */
  bins: 68,
  /**
   * A row for each bin of each class: a byte for each of 16 symbols, where it starts in 256 slots; 0 for symbol 0 and for those
   * that there are not.
   */
  rows: 324,
} as const;

/** Words of the cells. */
export const CELL_WORDS = MODEL.bins - MODEL.cells;
/** Most cells. */
export const BIN_WORDS = MODEL.rows - MODEL.bins;
/** Words of a row. */
export const ROW_WORDS = 4;
/** Bits of a channel's number, below its class. */
export const CHANNEL_BITS = 16;

/** The places as constants of a shader. */
export const MODEL_CONSTANTS = `
${Object.entries(MODEL)
  .map(([name, place]) => `const MODEL_${name} = ${place}u;`)
  .join('\n')}
const ROW_WORDS = ${ROW_WORDS}u;
const CHANNEL_BITS = ${CHANNEL_BITS}u;
const GROUP_CHANNELS = ${GROUP_CHANNELS}u;
const CONTEXT_STATE_LOW = ${CONTEXT_STATE_LOW}u;
`;

/** Declares models as binding 2 and `placeOf`. */
export const PLACES = `${MODEL_CONSTANTS}
@group(0) @binding(2) var<storage, read> models: array<u32>;

// How a chunk is gone through.
struct Grid {
  model: u32,
  laneCount: u32,
  rows: u32,
  columns: u32,
}

// Where an index lies: its element within the chunk, the element next to the right, its position, the class of its channel.
struct Place {
  element: u32,
  positionStride: u32,
  row: u32,
  column: u32,
  channelClass: u32,
}

// The place of number i in coding order: items, blocks of channels, positions, channels of the block.
fn placeOf(grid: Grid, i: u32) -> Place {
  let channelCount = models[grid.model + MODEL_channelCount];
  let positions = grid.rows * grid.columns;
  let item = i / (channelCount * positions);
  let inItem = i % (channelCount * positions);
  let blockSize = max(GROUP_CHANNELS, grid.laneCount);
  let block = inItem / (blockSize * positions);
  let inBlock = inItem % (blockSize * positions);
  let size = min(blockSize, channelCount - block * blockSize);
  let position = inBlock / size;
  let lane = block * blockSize + inBlock % size;
  let channel = models[grid.model + models[grid.model + MODEL_channels] + lane];
  let number = channel & ((1u << CHANNEL_BITS) - 1u);
  let isOfColumns = models[grid.model + MODEL_isOfColumns] == 1u;
  let channelStride = select(positions, 1u, isOfColumns);
  let positionStride = select(1u, channelCount, isOfColumns);
  return Place(
    item * channelCount * positions + number * channelStride + position * positionStride,
    positionStride,
    position / grid.columns,
    position % grid.columns,
    channel >> CHANNEL_BITS,
  );
}
`;
