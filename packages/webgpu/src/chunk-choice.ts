/** How a feature is divided for a GPU: many chunks of many lanes, each of enough symbols to pay for its state. */

import { geometryOfShape, maxChunkCount } from '@featherwire/codec';
import { elementCount, type Shape } from '@featherwire/tensor';
import { MAX_LANES } from './shaders/records.js';

/** Lanes of a chunk if none are asked for: the most that there are, a subgroup of most GPUs. */
export const DEFAULT_LANE_COUNT = MAX_LANES;
/** Most chunks of a tensor: a dispatch has as many workgroups. */
export const MAX_CHUNKS = 65_535;

/** Symbols that a lane should code: its state takes two bytes more than what it holds. */
const SYMBOLS_PER_LANE = 256;
/** Chunks beyond which more lanes gain less on the GPU than the host takes for their records. */
const ENOUGH_CHUNKS = 1024;

/**
 * Chunks that keep a GPU busy without taking much of the frame.
 * @param perSymbol - elements of a symbol, 1, 2, 4 or 8
 * @returns 1 up to what the shape can be divided into
 */
export function chooseChunkCount(shape: Shape, perSymbol: number, laneCount = DEFAULT_LANE_COUNT): number {
  const symbols = elementCount(shape) / perSymbol;
  const wanted = Math.round(symbols / (SYMBOLS_PER_LANE * laneCount));
  return Math.max(1, Math.min(wanted, ENOUGH_CHUNKS, maxChunkCount(geometryOfShape(shape))));
}
