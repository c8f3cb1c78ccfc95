import { expect, test } from 'vitest';
import { shortlistCuts } from './shortlist.js';

const cut = (name: string, elements: number, headMs: number, tailMs: number) => ({
  tensors: [name],
  elements,
  headMacs: null,
  headMs,
  tailMs,
});
const link = { uplinkMbps: 1, roundTripMs: 10 };

test('rates a cut by head, link and tail at the assumed rate', () => {
  // 80,000 elements at 1 bit are 10,000 bytes: 80 ms at 1 Mbit/s.
  expect(shortlistCuts([cut('a', 80_000, 3, 4)], link, 5)).toEqual([
    { ...cut('a', 80_000, 3, 4), estimatedBytes: 10_000, estimatedTotalMs: 3 + 10 + 80 + 4 },
  ]);
});

test('gives the most promising first, and no more than asked for', () => {
  const cuts = [cut('early', 80_000, 1, 20), cut('middle', 16_000, 10, 10), cut('late', 8_000, 30, 1)];
  expect(shortlistCuts(cuts, link, 2).map(({ tensors }) => tensors[0])).toEqual(['middle', 'late']);
});

test('of cuts that are alike the last one stays', () => {
  const cuts = [
    cut('conv', 1000, 10, 90),
    cut('relu', 1000, 11, 89),
    cut('later', 1000, 50, 50),
    cut('other', 999, 50.1, 49.9),
  ];
  const names = shortlistCuts(cuts, link, 9).map(({ tensors }) => tensors[0]);
  expect(new Set(names)).toEqual(new Set(['relu', 'later', 'other']));
});
