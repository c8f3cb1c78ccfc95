import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { chooseTreeLanes, decodeTrees, laneBounds, treeDepth, treeShift } from './bin-trees.js';
import { encodeTrees } from './encode-trees.js';

function drawIndices(count: number, levelCount: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length: count }, () =>
    Math.min(levelCount - 1, Math.floor(Math.abs(random.nextNormal()) * levelCount * 0.3)),
  );
}

test('a tree has a level for each bit of an index, and 16 trees tell all sums of two neighbors apart', () => {
  for (let levelCount = 2; levelCount <= 256; levelCount++) {
    expect(2 ** treeDepth(levelCount)).toBeGreaterThanOrEqual(levelCount);
    expect(2 ** (treeDepth(levelCount) - 1)).toBeLessThan(levelCount);
    // Sums of what bins can stand for, also beyond the last level.
    expect((2 * (2 ** treeDepth(levelCount) - 1)) >> treeShift(levelCount)).toBeLessThan(16);
  }
  expect([2, 4, 8].map(treeShift)).toEqual([0, 0, 0]);
});

test('lanes part the elements without gaps, and small tensors have one', () => {
  expect(laneBounds(11, 4)).toEqual([0, 2, 4, 6, 11]);
  expect(laneBounds(2, 4)).toEqual([0, 0, 0, 0, 2]);
  expect([1, 16_383, 16_384, 32_767, 32_768, 1e6].map(chooseTreeLanes)).toEqual([1, 1, 2, 2, 4, 4]);
});

describe('trees of bins', () => {
  test.each([1, 2, 4])('give back any indices of any alphabet, %i lanes', (laneCount) => {
    for (const levelCount of [2, 3, 4, 5, 7, 8, 9, 16, 17, 100, 128, 129, 255, 256]) {
      for (const [planes, rows, columns] of [
        [1, 1, 1],
        [1, 1, 7],
        [1, 300, 1],
        [3, 9, 11],
        [1, 2, 150],
      ]) {
        const geometry = { planes, rows, columns };
        const indices = drawIndices(planes * rows * columns, levelCount, levelCount);
        const alphabet = { levelCount, background: levelCount % 3 };
        const lanes = encodeTrees(indices, geometry, alphabet, laneCount);
        expect(lanes.length).toBe(laneCount);
        const label = `${levelCount} levels, ${planes}x${rows}x${columns}`;
        expect(decodeTrees(lanes, geometry, alphabet), label).toEqual(indices);
      }
    }
  });

  test('cost what adaptive bins of these contexts do', () => {
    // Independent indices of known entropy: a probability that moves by a 32nd costs about 0.011 bits a bin more.
    const indices = drawIndices(200_000, 4, 9);
    const geometry = { planes: 50, rows: 40, columns: 100 };
    const counts = [0, 1, 2, 3].map((index) => indices.filter((other) => other === index).length);
    const entropy = counts.reduce((sum, count) => sum - count * Math.log2(count / indices.length), 0);
    const lanes = encodeTrees(indices, geometry, { levelCount: 4, background: 0 }, 4);
    const bits = lanes.reduce((sum, { length }) => sum + 8 * length, 0);
    expect(bits).toBeGreaterThan(entropy);
    expect(bits).toBeLessThan(entropy + 2 * 0.016 * indices.length);
  });

  test('cost less than the entropy of single indices where neighbors are alike', () => {
    const indices = Uint8Array.from({ length: 64 * 64 }, (_, i) => (((i >> 3) ^ (i >> 9)) & 1) * 3);
    const lanes = encodeTrees(
      indices,
      { planes: 1, rows: 64, columns: 64 },
      { levelCount: 4, background: 0 },
      1,
    );
    expect(8 * lanes[0].length).toBeLessThan(0.65 * indices.length);
  });

  test('end in a reason where lanes are none', () => {
    const geometry = { planes: 2, rows: 10, columns: 10 };
    const alphabet = { levelCount: 5, background: 0 };
    const lanes = encodeTrees(drawIndices(200, 5, 2), geometry, alphabet, 2);
    const longer = [lanes[0], Uint8Array.of(...lanes[1], 1, 1, 1, 1, 1, 1, 1, 1)];
    expect(decodeTrees(longer, geometry, alphabet)).toBe('lane 1 does not end where its last index does');
    expect(decodeTrees([lanes[0], Uint8Array.of(1, 1, 0, 0)], geometry, alphabet)).toBe(
      'lane 1 is of no encoder',
    );
    // Without words every bin is 1.
    expect(decodeTrees([new Uint8Array(0), lanes[1]], geometry, alphabet)).toBe(
      'index at element 0 is over 4',
    );
  });
});
