import { expect, test } from 'vitest';
import { chooseChunkCount } from './chunk-choice.js';

test('a lane has about 256 symbols', () => {
  expect(chooseChunkCount([1, 512, 28, 28], 1)).toBe(49);
  expect(chooseChunkCount([1, 512, 28, 28], 4)).toBe(12);
  expect(chooseChunkCount([1, 512, 28, 28], 1, 8)).toBe(196);
});

test('chunks are at most as many as planes, rows or columns', () => {
  expect(chooseChunkCount([4, 1000, 1000], 1)).toBe(4);
  expect(chooseChunkCount([3, 1_000_000], 1)).toBe(3);
  expect(chooseChunkCount([1], 1)).toBe(1);
  expect(chooseChunkCount([], 8)).toBe(1);
});

test('the largest features have longer lanes', () => {
  expect(chooseChunkCount([4096, 64, 64], 1)).toBe(1024);
});
