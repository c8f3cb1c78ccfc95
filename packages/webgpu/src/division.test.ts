import { expect, test } from 'vitest';
import { chooseDivision } from './division.js';

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
