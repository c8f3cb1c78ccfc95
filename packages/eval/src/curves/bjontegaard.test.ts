import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bjontegaardQuality, bjontegaardRate, type RatePoint, rateEnvelope } from './bjontegaard.js';

const points = (rates: number[], qualities: number[]): RatePoint[] =>
  rates.map((rate, i) => ({ rate, quality: qualities[i] }));

/** The example of the `bjontegaard` package, kbit/s and dB. */
const ANCHOR = points([9487.76, 4593.6, 2486.44, 1358.24], [40.037, 38.615, 36.845, 34.851]);
const TEST = points([9787.8, 4469.0, 2451.52, 1356.24], [40.121, 38.651, 36.97, 34.987]);

const METHODS = ['linear', 'pchip', 'akima', 'cubic'] as const;

/** Rising curves of four to eight points, with steps that no rounding hides. */
const curves = fc
  .array(
    fc.tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 1, noNaN: true })),
    {
      minLength: 4,
      maxLength: 8,
    },
  )
  .map((steps) => {
    let [logRate, quality] = [0, 0];
    return steps.map(([a, b]) => {
      logRate += a;
      quality += b;
      return { rate: Math.exp(logRate), quality };
    });
  });

describe('published values', () => {
  test.each([
    ['cubic', -4.420462706, 0.1204094191],
    ['pchip', -4.4174853506, 0.1196927854],
    ['akima', -4.425245157, 0.1194092703],
  ] as const)('%s', (method, rate, quality) => {
    expect(bjontegaardRate(ANCHOR, TEST, { method })).toBeCloseTo(rate, 9);
    expect(bjontegaardQuality(ANCHOR, TEST, { method })).toBeCloseTo(quality, 9);
  });
});

describe.each(METHODS)('%s', (method) => {
  test('a curve at a multiple of the rates differs by that multiple', () => {
    fc.assert(
      fc.property(curves, fc.double({ min: 0.2, max: 5, noNaN: true }), (curve, factor) => {
        const scaled = curve.map(({ rate, quality }) => ({ rate: rate * factor, quality }));
        expect(bjontegaardRate(curve, scaled, { method })).toBeCloseTo(100 * (factor - 1), 6);
      }),
    );
  });

  test('a curve that is better by a constant differs by that constant', () => {
    fc.assert(
      fc.property(curves, fc.double({ min: -2, max: 2, noNaN: true }), (curve, gain) => {
        const lifted = curve.map(({ rate, quality }) => ({ rate, quality: quality + gain }));
        expect(bjontegaardQuality(curve, lifted, { method })).toBeCloseTo(gain, 6);
      }),
    );
  });

  test('the order of the points does not matter', () => {
    fc.assert(
      fc.property(curves, curves, (a, b) => {
        const reversed = [...b].reverse();
        expect(bjontegaardRate(a, reversed, { method })).toBe(bjontegaardRate(a, b, { method }));
      }),
    );
  });
});

test.each(['linear', 'pchip'] as const)(
  '%s: exchanging the curves inverts the ratio of the rates',
  (method) => {
    fc.assert(
      fc.property(curves, curves, (a, b) => {
        const there = bjontegaardRate(a, b, { method });
        const back = bjontegaardRate(b, a, { method });
        if (there === null || back === null) expect(there).toBe(back);
        else expect((1 + there / 100) * (1 + back / 100)).toBeCloseTo(1, 9);
      }),
    );
  },
);

test('curves that share no quality have no difference', () => {
  const low = points([1, 2], [10, 20]);
  const high = points([1, 2], [30, 40]);
  expect(bjontegaardRate(low, high)).toBeNull();
  expect(bjontegaardQuality(low, high)).toBeCloseTo(20, 12);
  expect(bjontegaardQuality(points([1, 2], [1, 2]), points([4, 8], [1, 2]))).toBeNull();
});

test('points that a cheaper one is as good as are left out, or refused', () => {
  const noisy = [...ANCHOR, { rate: 5000, quality: 38 }, { rate: 9487.76, quality: 39 }];
  expect(bjontegaardRate(noisy, TEST)).toBe(bjontegaardRate(ANCHOR, TEST));
  expect(() => bjontegaardRate(noisy, TEST, { dominated: 'refuse' })).toThrow('got 2');
  expect(rateEnvelope(noisy)).toEqual([...ANCHOR].reverse());
});

test('too few points, rates of 0 and NaN are refused', () => {
  expect(() => bjontegaardRate(ANCHOR.slice(1), TEST, { method: 'cubic' })).toThrow('at least 4');
  expect(() => bjontegaardRate(ANCHOR.slice(3), TEST)).toThrow('at least 2');
  expect(() => bjontegaardRate(ANCHOR, points([0, 1], [1, 2]))).toThrow(RangeError);
  expect(() => bjontegaardRate(ANCHOR, points([1, 2], [1, Number.NaN]))).toThrow(RangeError);
});
