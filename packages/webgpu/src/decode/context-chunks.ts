/** Chunks under contexts as records for their kernels. */

import type { ContextModel } from '@featherwire/codec';
import { CONTEXT_STATE_BYTES, elementsOf } from '@featherwire/codec/parts';
import {
  contextSteps,
  contextWordCount,
  type ModelMemory,
  planesOfChunk,
  rememberedWords,
} from '../coding/context-words.js';
import { checkRows, checkSteps } from '../gpu-feature.js';
import type { ContextCoder, RansChunk } from './rans-chunks.js';

/** What the kernels of contexts are given. */
export interface ContextChunks {
  readonly models: Uint32Array<ArrayBuffer>;
  readonly groups: readonly LaneGroup[];
  /** True if a payload has more bytes than indices. */
  readonly isFaulty: boolean;
}

/** Chunks of as many lanes, which have a kernel of their own. */
export interface LaneGroup {
  readonly laneCount: number;
  readonly count: number;
  readonly records: Uint32Array<ArrayBuffer>;
  /** Elements of the largest chunk. */
  readonly mostElements: number;
}

/**
 * @param maxElements - limit of the decoder
 * @returns null if there are no chunks
 * @throws {UnsupportedError} if a chunk or the models are too large
 */
export function planContextChunks(
  chunks: readonly RansChunk<ContextCoder>[],
  maxElements: number,
  memory: ModelMemory,
): ContextChunks | null {
  if (chunks.length === 0) return null;
  const places = placesOfModels(chunks.map(({ coder }) => coder.model));
  checkRows('models', places.wordCount, maxElements);
  const groups = new Map<number, number[][]>();
  let isFaulty = false;
  for (const { geometry, firstElement, coder, payload, byteOffset } of chunks) {
    const { laneCount, bytes } = payload;
    const planes = planesOfChunk(geometry, coder.model);
    checkSteps(contextSteps(planes, laneCount));
    const count = elementsOf(geometry);
    const byteCount = bytes.length - Math.min(laneCount, planes.channels) * CONTEXT_STATE_BYTES;
    isFaulty ||= byteCount > count;
    const place = places.placeOf.get(coder.model)!;
    const shape = [place, laneCount, planes.rows, planes.columns];
    const records = groups.get(laneCount) ?? [];
    records.push([firstElement, count, ...shape, byteOffset, byteCount]);
    groups.set(laneCount, records);
  }
  return { models: wordsOfModels(places, memory), groups: Array.from(groups, groupOfRecords), isFaulty };
}

/** Where each model begins among the words of all. */
interface ModelPlaces {
  readonly placeOf: ReadonlyMap<ContextModel, number>;
  readonly wordCount: number;
}

function placesOfModels(models: readonly ContextModel[]): ModelPlaces {
  const placeOf = new Map<ContextModel, number>();
  let wordCount = 0;
  for (const model of models) {
    if (placeOf.has(model)) continue;
    placeOf.set(model, wordCount);
    wordCount += contextWordCount(model);
  }
  return { placeOf, wordCount };
}

function wordsOfModels({ placeOf, wordCount }: ModelPlaces, memory: ModelMemory): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(wordCount);
  for (const [model, place] of placeOf) words.set(rememberedWords(model, memory), place);
  return words;
}

function groupOfRecords([laneCount, records]: [number, number[][]]): LaneGroup {
  const mostElements = records.reduce((most, [, count]) => Math.max(most, count), 0);
  return { laneCount, count: records.length, records: Uint32Array.from(records.flat()), mostElements };
}
