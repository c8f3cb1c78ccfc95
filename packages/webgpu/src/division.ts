/** How a feature is divided for a GPU: many chunks of many lanes, each of enough symbols to pay for its state. */

import type { ContextModel } from '@featherwire/codec';
import { geometryOfShape, MAX_CONTEXT_LANES, maxChunkCount } from '@featherwire/codec/parts';
import { elementCount, type Shape } from '@featherwire/tensor';
import { planesOfChunk } from './coding/context-words.js';
import { MAX_LANES } from './shaders/records.js';

/** How a feature is divided. */
export interface GpuDivision {
  /** As in `FrameExtras` of the codec; by default as many chunks as keep a GPU busy. */
  readonly chunkCount?: number;
  /**
   * Lanes of each chunk, a power of two from 1 to 32, to 64 under contexts; by default 32, a subgroup of most GPUs, or 64, but
   * for small features.
   */
  readonly laneCount?: number;
}

/** Most chunks of a tensor: a dispatch has as many workgroups. */
export const MAX_CHUNKS = 65_535;

/** Symbols that a lane should code: its state takes two bytes more than what it holds. */
const SYMBOLS_PER_LANE = 256;
/** Symbols that a lane codes at least, if there are so many. */
const MIN_SYMBOLS_PER_LANE = 64;
/** The same under contexts, whose symbols are shorter. */
const MIN_INDICES_PER_LANE = 256;
/** Chunks beyond which more lanes gain less on the GPU than the host takes for their records. */
const ENOUGH_CHUNKS = 1024;

/**
 * A division that keeps a GPU busy without taking much of the frame.
 * @param perSymbol - elements of a symbol, 1, 2, 4 or 8
 * @param given - what is not to be chosen; taken as it is
 */
export function chooseDivision(
  shape: Shape,
  perSymbol: number,
  given: GpuDivision = {},
): Required<GpuDivision> {
  const symbols = elementCount(shape) / perSymbol;
  const { laneCount = chooseLanes(symbols / MIN_SYMBOLS_PER_LANE, MAX_LANES) } = given;
  const wanted = Math.round(symbols / (SYMBOLS_PER_LANE * laneCount));
  const most = Math.min(ENOUGH_CHUNKS, maxChunkCount(geometryOfShape(shape)));
  return { laneCount, chunkCount: given.chunkCount ?? Math.max(1, Math.min(wanted, most)) };
}

/**
 * A division under contexts: a chunk for each item, whose neighborhoods it keeps (for several, beyond 1,024 that divide evenly),
 * and as many lanes as there are.
 * @param given - what is not to be chosen; taken as it is
 * @throws {RangeError} if the model is of another shape
 */
export function chooseContextDivision(
  shape: Shape,
  model: ContextModel,
  given: GpuDivision = {},
): Required<GpuDivision> {
  const geometry = geometryOfShape(shape);
  const { items, channels } = planesOfChunk(geometry, model);
  let chunkCount = Math.min(items, ENOUGH_CHUNKS);
  while (items % chunkCount > 0) chunkCount++; // ends at a chunk for each item
  let laneCount = chooseLanes(elementCount(shape) / items / MIN_INDICES_PER_LANE, MAX_CONTEXT_LANES);
  while (laneCount >= 2 * channels) laneCount /= 2;
  return { laneCount: given.laneCount ?? laneCount, chunkCount: given.chunkCount ?? chunkCount };
}

/** @param enough - lanes that there is work for */
function chooseLanes(enough: number, most: number): number {
  let laneCount = most;
  while (laneCount > 1 && enough < laneCount) laneCount /= 2;
  return laneCount;
}
