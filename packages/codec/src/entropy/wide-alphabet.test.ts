import { expect, test } from 'vitest';
import { BitReader, BitWriter } from '../bitstream/bits.js';
import {
  foldIndex,
  joinIndices,
  rawBitsOfToken,
  splitIndices,
  tokenCount,
  tokenOfFolded,
  unfoldIndex,
} from './wide-alphabet.js';

test.each([3, 4, 5, 33, 100, 256, 1000])(
  'folding %d indices is a bijection for every background',
  (levelCount) => {
    const step = Math.max(1, Math.floor(levelCount / 17));
    for (
      let background = 0;
      background < levelCount;
      background += background + step < levelCount ? step : 1
    ) {
      const seen = new Set<number>();
      for (let index = 0; index < levelCount; index++) {
        const folded = foldIndex(index, background, levelCount);
        expect(unfoldIndex(folded, background, levelCount), `${index} around ${background}`).toBe(index);
        seen.add(folded);
      }
      expect(seen.size).toBe(levelCount);
      expect(Math.max(...seen)).toBe(levelCount - 1);
    }
  },
);

test('tokens ascend with the folded index and 65,536 levels have 208 of them', () => {
  let previous = 0;
  let used = 0;
  for (let folded = 0; folded < 65_536; folded++) {
    const token = tokenOfFolded(folded);
    expect(token - previous === 0 || token - previous === 1).toBe(true);
    used = token === previous ? used + 1 : 1;
    expect(used).toBeLessThanOrEqual(1 << rawBitsOfToken(token));
    previous = token;
  }
  expect(tokenCount(65_536)).toBe(208);
});

test('every index of 65,536 levels survives tokens and raw bits', () => {
  const indices = Uint16Array.from({ length: 65_536 }, (_, i) => (i * 40_503) & 0xffff);
  const bits = new BitWriter();
  const tokens = splitIndices(indices, 12_345, 65_536, bits);
  expect(joinIndices(tokens, 12_345, 65_536, new BitReader(bits.finish()))).toEqual(indices);
});

test('raw bits that lead past the last level are reported by position', () => {
  const bits = new BitWriter();
  const tokens = splitIndices(Uint16Array.of(0, 999), 0, 1000, bits);
  const last = tokenOfFolded(999);
  bits.writeBits(0x1f, 5);
  expect(
    joinIndices(Uint8Array.of(...tokens.subarray(0, 1), last), 0, 1000, new BitReader(Uint8Array.of(255))),
  ).toBe(-2);
});
