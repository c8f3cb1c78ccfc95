import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { characterErrors, editDistance } from './character-errors.js';
import { pooledRatio } from './ratio.js';

const distance = (a: string, b: string): number => editDistance([...a], [...b]);

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['abc', '', 3],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['saturday', 'sunday', 3],
    ['flaw', 'lawn', 2],
    ['abcdef', 'azced', 3],
  ])('%s to %s is %i', (a, b, expected) => {
    expect(distance(a, b)).toBe(expected);
    expect(distance(b, a)).toBe(expected);
  });

  test('is a metric: zero only for equals, and the triangle inequality holds', () => {
    const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(distance(a, b) === 0).toBe(a === b);
        expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c));
        expect(distance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});

describe('characterErrors', () => {
  test('leaves out spaces by default', () => {
    expect(characterErrors('the white whale', 'thewhite wale')).toEqual({ numerator: 1, denominator: 13 });
    expect(characterErrors('a b', 'ab', { ignoreSpaces: false })).toEqual({ numerator: 1, denominator: 3 });
  });

  test('counts code points, not UTF-16 units', () => {
    expect(characterErrors('\u{20000}\u{20001}', '\u{20000}')).toEqual({ numerator: 1, denominator: 2 });
  });

  test('rates are averaged over characters, not over lines', () => {
    const lines = [characterErrors('ab', 'xy'), characterErrors('abcdefgh', 'abcdefgh')];
    expect(pooledRatio(lines)).toBe(0.2);
    expect(pooledRatio([])).toBeNaN();
  });
});
