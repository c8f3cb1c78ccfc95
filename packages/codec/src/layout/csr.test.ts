import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { compressRows, expandRows } from './csr.js';
import { columnCountCandidates, entropyBits, findKeptEntries, reshapeBits } from './reshape.js';
import { mapSignificance, unmapSignificance } from './significance.js';

/** Section 1.4 of the digest of paper A. */
const EXAMPLE = Uint8Array.of(0, 0, 5, 0, 0, 0, 0, 0, 7, 0, 2, 2);
const alphabet = { levelCount: 8, background: 0 };

/** Indices with some share of the background, which stands anywhere. */
function drawIndices(seed: number): {
  indices: Uint8Array;
  alphabet: { levelCount: number; background: number };
} {
  const random = createRandom(seed);
  const levelCount = 2 + random.nextInteger(255);
  const background = random.nextInteger(levelCount);
  const share = random.nextUniform();
  const indices = Uint8Array.from({ length: 1 + random.nextInteger(3_000) }, () =>
    random.nextUniform() < share ? background : random.nextInteger(levelCount),
  );
  return { indices, alphabet: { levelCount, background } };
}

describe('modified CSR', () => {
  test('the worked example of paper A: arrays, length and cost', () => {
    const rows = compressRows(EXAMPLE, 4, 0);
    expect([...rows.values]).toEqual([5, 7, 2, 2]);
    expect([...rows.columns]).toEqual([2, 0, 2, 3]);
    expect([...rows.rowCounts]).toEqual([1, 0, 3]);
    const joined = [...rows.values, ...rows.columns, ...rows.rowCounts];
    expect(joined).toHaveLength(11);
    const counts = new Uint32Array(8);
    for (const symbol of joined) counts[symbol]++;
    expect([...counts]).toEqual([2, 1, 4, 2, 0, 1, 0, 1]);
    expect(entropyBits(counts) / 11).toBeCloseTo(2.3685, 4);
    expect(entropyBits(counts)).toBeCloseTo(26.05, 2);
    expect(reshapeBits(findKeptEntries(EXAMPLE, alphabet), 4, 'joint')).toBeCloseTo(26.05, 2);
    expect(expandRows(rows, alphabet)).toEqual(EXAMPLE);
  });

  test('the background is what is left out, not the index 0', () => {
    const rows = compressRows(Uint8Array.of(3, 0, 3, 4), 2, 3);
    expect([...rows.values]).toEqual([0, 4]);
    expect([...rows.columns]).toEqual([1, 1]);
    expect([...rows.rowCounts]).toEqual([1, 1]);
  });

  test('any indices come back from rows of every length', () => {
    for (let seed = 0; seed < 60; seed++) {
      const drawn = drawIndices(seed);
      for (const columnCount of columnCountCandidates(drawn.indices.length)) {
        const rows = compressRows(drawn.indices, columnCount, drawn.alphabet.background);
        expect(expandRows(rows, drawn.alphabet), `seed ${seed}, ${columnCount} columns`).toEqual(
          drawn.indices,
        );
      }
    }
  });

  test('arrays that are no rows are refused with the reason', () => {
    const good = compressRows(EXAMPLE, 4, 0);
    const refusal = (change: Partial<typeof good>): unknown => expandRows({ ...good, ...change }, alphabet);
    expect(refusal({ rowCounts: Uint8Array.of(1, 0, 4) })).toBe('rows up to 2 hold 5 entries of 4');
    expect(refusal({ rowCounts: Uint8Array.of(1, 0, 2) })).toBe('rows hold 3 entries of 4');
    expect(refusal({ columns: Uint8Array.of(2, 0, 2, 2) })).toBe('column 2 of entry 3 is not in 3 … 3');
    expect(refusal({ columns: Uint8Array.of(2, 0, 2, 4) })).toBe('column 4 of entry 3 is not in 3 … 3');
    expect(refusal({ values: Uint8Array.of(5, 0, 2, 2) })).toBe('value 0 of entry 1 is no kept index');
    expect(refusal({ values: Uint8Array.of(5, 8, 2, 2) })).toBe('value 8 of entry 1 is no kept index');
  });
});

describe('significance map', () => {
  test('marks what is not the background', () => {
    const map = mapSignificance(Uint8Array.of(3, 0, 3, 4), 3);
    expect([...map.significance]).toEqual([0, 1, 0, 1]);
    expect([...map.values]).toEqual([0, 4]);
  });

  test('any indices come back', () => {
    for (let seed = 0; seed < 60; seed++) {
      const drawn = drawIndices(seed);
      const map = mapSignificance(drawn.indices, drawn.alphabet.background);
      expect(unmapSignificance(map, drawn.alphabet), `seed ${seed}`).toEqual(drawn.indices);
    }
  });

  test('arrays that are no map are refused with the reason', () => {
    const good = mapSignificance(EXAMPLE, 0);
    const refusal = (change: Partial<typeof good>): unknown =>
      unmapSignificance({ ...good, ...change }, alphabet);
    expect(refusal({ values: Uint8Array.of(5, 7, 2) })).toBe(
      'more elements are significant than the 3 values',
    );
    expect(refusal({ values: Uint8Array.of(5, 7, 2, 2, 2) })).toBe(
      '4 elements are significant, with 5 values',
    );
    expect(refusal({ values: Uint8Array.of(5, 7, 0, 2) })).toBe('value 0 of entry 2 is no kept index');
    expect(refusal({ values: Uint8Array.of(5, 7, 9, 2) })).toBe('value 9 of entry 2 is no kept index');
  });
});
