import { type ContextModel, designContextModel } from '@featherwire/codec';
import { channelOrder } from '@featherwire/codec/parts';
import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { CHANNEL_BITS, MODEL, ROW_WORDS } from '../shaders/context-model.js';
import { contextSteps, contextWordCount, contextWords, planesOfChunk } from './context-words.js';

const random = createRandom(4);
const geometry = { planes: 40, rows: 6, columns: 6 };

/** A model of two classes for indices of this many levels. */
function modelOf(levelCount: number): ContextModel {
  const indices = Uint8Array.from({ length: 40 * 36 }, () => random.nextInteger(levelCount));
  const model = designContextModel([{ indices, geometry }], { levelCount, background: 0 });
  return {
    ...model,
    classOfChannel: Uint8Array.from({ length: 40 }, (_, channel) => Number(channel % 5 > 1)),
    thresholds: Uint8Array.of(
      ...model.thresholds,
      ...model.thresholds.map((start) => start + levelCount - 1),
    ),
  };
}

describe('the words of a context model', () => {
  test.each([2, 7, 16])('hold where each of %i symbols starts', (levelCount) => {
    const one = designContextModel([{ indices: new Uint8Array(1440), geometry }], {
      levelCount,
      background: 0,
    });
    const words = contextWords(one);
    for (let bin = 0; bin < one.binCount; bin++) {
      const row = new Uint8Array(words.buffer, 4 * (MODEL.rows + bin * ROW_WORDS), 4 * ROW_WORDS);
      const starts = Array.from({ length: levelCount - 1 }, (_, j) => one.thresholds[j * one.binCount + bin]);
      expect([...row]).toEqual([0, ...starts, ...new Array(16 - levelCount).fill(0)]);
    }
  });

  test('hold the channels in the order of lanes, with their classes', () => {
    const model = modelOf(3);
    const words = contextWords(model);
    expect(words.length).toBe(contextWordCount(model));
    const channels = words.subarray(words[MODEL.channels]);
    const order = channelOrder(model);
    expect([...channels.map((channel) => channel & 0xffff)]).toEqual([...order]);
    expect([...channels.map((channel) => channel >> CHANNEL_BITS)]).toEqual([
      ...new Array(16).fill(0),
      ...new Array(24).fill(1),
    ]);
  });

  test('hold cells and bins', () => {
    const model = modelOf(5);
    const words = contextWords(model);
    const { left, above, aboveLeft, aboveRight } = model.cells;
    for (const [side, table] of [left, above, aboveLeft, aboveRight].entries())
      expect([...words.subarray(MODEL.cells + 16 * side).subarray(0, 5)]).toEqual([...table]);
    expect([...words.subarray(MODEL.bins).subarray(0, model.binOfCell.length)]).toEqual([...model.binOfCell]);
  });
});

test('steps are the symbols of the fullest lane', () => {
  const model = modelOf(3);
  const planes = planesOfChunk({ ...geometry, planes: 80 }, model);
  for (const [laneCount, steps] of [
    [64, 72],
    [32, 144],
    [4, 720],
    [1, 2880],
  ])
    expect(contextSteps(planes, laneCount)).toBe(steps);
  expect(() => planesOfChunk({ ...geometry, planes: 60 }, model)).toThrow(RangeError);
});
