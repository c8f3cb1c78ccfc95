import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { BitReader, BitWriter } from '../bitstream/bits.js';
import type { SymbolAlphabet } from '../stages.js';
import { normalizeWeights, readTable, writeTable } from './frequency-table.js';
import {
  halvesOf,
  readTree,
  rootOf,
  symbolOrder,
  type TreeNode,
  weightsOfTree,
  writeTree,
} from './histogram-tree.js';
import { estimateSymbolBits } from './table-design.js';
import { designTree } from './tree-design.js';

/** Counts with smooth parts, gaps and single large values. */
function unevenCounts(size: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const total = 2 ** (4 + random.nextInteger(16));
  const isGapped = random.nextInteger(2) === 0;
  const counts = Float64Array.from({ length: size }, (_, i) => {
    if (isGapped && random.nextInteger(4) > 0) return 0;
    return Math.floor((total / size) * (1 + Math.sin(i / 9)) * (random.nextInteger(30) === 0 ? 20 : 1));
  });
  counts[random.nextInteger(size)] += 1 + total;
  return counts;
}

const alphabets: SymbolAlphabet[] = [1, 2, 3, 4, 5, 9, 16, 100, 255, 256].flatMap((size) =>
  [...new Set([0, 1, size >> 1, size - 2, size - 1])]
    .filter((peak) => peak >= 0 && peak < size)
    .map((peak) => ({ size, peak })),
);

describe('nodes', () => {
  test.each(alphabets)('of $size symbols around $peak reach every symbol once', (alphabet) => {
    expect([...symbolOrder(alphabet)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: alphabet.size }, (_, symbol) => symbol),
    );
    const leaves: number[] = [];
    const visit = (node: TreeNode): void => {
      expect(node.to).toBeGreaterThan(node.from);
      if (node.to - node.from === 1) leaves.push(node.from);
      else halvesOf(node, alphabet).forEach(visit);
    };
    visit(rootOf(alphabet));
    expect(leaves).toEqual(Array.from({ length: alphabet.size }, (_, i) => i));
  });
});

describe('trees', () => {
  test.each(alphabets)('of $size symbols around $peak survive their coded form', (alphabet) => {
    for (let seed = 0; seed < 40; seed++) {
      const counts = unevenCounts(alphabet.size, seed);
      const tree = { ...designTree(counts, alphabet), precisionBits: 13 };
      const bits = new BitWriter();
      writeTree(bits, tree);
      expect(readTree(new BitReader(bits.finish()), alphabet, 13), `seed ${seed}`).toEqual(tree);
      const weights = weightsOfTree(tree);
      counts.forEach((count, symbol) => {
        if (count > 0) expect(weights[symbol], `seed ${seed}, symbol ${symbol}`).toBeGreaterThan(0);
      });
    }
  });

  test('random bits are a tree whose weights leave nothing over, or refused', () => {
    const random = createRandom(31);
    let trees = 0;
    for (let round = 0; round < 3_000; round++) {
      const alphabet = alphabets[random.nextInteger(alphabets.length)];
      const bytes = Uint8Array.from({ length: 300 }, () => random.nextInteger(256));
      const tree = readTree(new BitReader(bytes), alphabet, 12);
      if (typeof tree === 'string') {
        expect(tree).toMatch(/^mass of 2\^\d+ is not in|^table ends early/);
        continue;
      }
      trees++;
      const weights = weightsOfTree(tree);
      const sum = weights.reduce((a, b) => a + b, 0);
      // An even node loses less than one for each of its symbols.
      expect(sum).toBeGreaterThan(2 ** 32 - alphabet.size);
      expect(sum).toBeLessThanOrEqual(2 ** 32);
      const { frequencies } = normalizeWeights(weights, 12);
      expect(frequencies.reduce((a, b) => a + b, 0)).toBe(4096);
    }
    expect(trees).toBeGreaterThan(500);
  });

  test('spikes between gaps cost little more than their positions and counts', () => {
    const counts = new Float64Array(256);
    for (let spike = 0; spike < 29; spike++) counts[Math.round((spike * 255) / 28)] = 36;
    const alphabet = { size: 256, peak: 128 };
    const bits = new BitWriter();
    const tree = { ...designTree(counts, alphabet), precisionBits: 12 };
    writeTable(bits, tree);
    const table = normalizeWeights(weightsOfTree(tree), 12);
    const entropy = 29 * 36 * Math.log2(29);
    // log2 of 256 over 29 is 125 bits; 28 shares of some 1,000 counts take about 4 bits each.
    expect(bits.bitLength + estimateSymbolBits(counts, table) - entropy).toBeLessThan(330);
  });

  test('an even histogram is a tree of one node', () => {
    const alphabet = { size: 200, peak: 3 };
    expect(designTree(new Float64Array(200).fill(5), alphabet).shares).toEqual(Int16Array.of(-1));
  });

  test('a table in front of nothing ends early', () => {
    expect(readTable(new BitReader(Uint8Array.of(0x79)), { size: 9, peak: 0 })).toBe('table ends early');
  });
});
