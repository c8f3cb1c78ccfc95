import { designContextModel } from '@featherwire/codec';
import { expect, test } from 'vitest';
import { chooseContextDivision, chooseDivision } from './division.js';

test('a lane has about 256 symbols', () => {
  expect(chooseDivision([1, 512, 28, 28], 1)).toEqual({ laneCount: 32, chunkCount: 49 });
  expect(chooseDivision([1, 512, 28, 28], 4)).toEqual({ laneCount: 32, chunkCount: 12 });
  expect(chooseDivision([1, 512, 28, 28], 1, { laneCount: 8 })).toEqual({ laneCount: 8, chunkCount: 196 });
});

test('small features have fewer lanes', () => {
  expect(chooseDivision([4, 8, 8], 1)).toEqual({ laneCount: 4, chunkCount: 1 });
  expect(chooseDivision([], 8)).toEqual({ laneCount: 1, chunkCount: 1 });
});

test('chunks are at most as many as planes, rows or columns', () => {
  expect(chooseDivision([4, 1000, 1000], 1).chunkCount).toBe(4);
  expect(chooseDivision([3, 1_000_000], 1).chunkCount).toBe(3);
});

test('the largest features have longer lanes', () => {
  expect(chooseDivision([4096, 64, 64], 1).chunkCount).toBe(1024);
});

test('what is given is taken', () => {
  expect(chooseDivision([512, 28, 28], 1, { chunkCount: 7 })).toEqual({ laneCount: 32, chunkCount: 7 });
  expect(chooseDivision([8], 1, { laneCount: 32, chunkCount: 3 })).toEqual({ laneCount: 32, chunkCount: 3 });
});

test('under contexts each item is a chunk, of lanes that have 256 indices at least', () => {
  const modelOf = (planes: number, rows: number, columns: number) =>
    designContextModel(
      [{ indices: new Uint8Array(planes * rows * columns), geometry: { planes, rows, columns } }],
      { levelCount: 4, background: 0 },
    );
  const maps = modelOf(128, 8, 8);
  expect(chooseContextDivision([128, 8, 8], maps)).toEqual({ laneCount: 32, chunkCount: 1 });
  expect(chooseContextDivision([6, 128, 12, 12], maps)).toEqual({ laneCount: 64, chunkCount: 6 });
  expect(chooseContextDivision([2050, 128, 1, 4], maps)).toEqual({ laneCount: 2, chunkCount: 1025 });
  expect(chooseContextDivision([1031, 128, 1, 4], maps)).toEqual({ laneCount: 2, chunkCount: 1031 });
  expect(chooseContextDivision([128, 8, 8], maps, { laneCount: 2 })).toEqual({ laneCount: 2, chunkCount: 1 });
  expect(chooseContextDivision([20, 64, 64], modelOf(20, 64, 64)).laneCount).toBe(32);
  const tokens = modelOf(1, 50, 96);
  expect(chooseContextDivision([50, 96], tokens)).toEqual({ laneCount: 16, chunkCount: 1 });
  expect(chooseContextDivision([3, 200, 96], tokens)).toEqual({ laneCount: 64, chunkCount: 3 });
  expect(() => chooseContextDivision([100, 8, 8], maps)).toThrow('a model of 128 channels for 100 planes');
});
