import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Box,
  type Detection,
  detectionMatches,
  intersectionOverUnion,
  meanAveragePrecision,
  suppressOverlaps,
} from './detection.js';
import { pooledRatio } from './ratio.js';

const box = (left: number, top: number, right: number, bottom: number): Box => ({ left, top, right, bottom });
const found = (place: Box, score: number, label: number | string = 'face'): Detection => ({
  ...place,
  score,
  label,
});

const A = box(0, 0, 10, 10);
const NEAR_A = box(0, 0, 10, 8); // overlaps A by 0.8
const B = box(20, 0, 30, 10);

const boxes = fc
  .tuple(...[20, 20, 20, 20].map((max) => fc.integer({ min: 0, max })))
  .map(([left, top, width, height]) => box(left, top, left + width, top + height));
const detections = fc.array(
  fc.record({
    place: boxes,
    score: fc.float({ min: 0, max: 1, noNaN: true }),
    label: fc.integer({ min: 0, max: 2 }),
  }),
  { maxLength: 8 },
);

describe('intersectionOverUnion', () => {
  test('is the shared part of both areas', () => {
    expect(intersectionOverUnion(A, A)).toBe(1);
    expect(intersectionOverUnion(A, NEAR_A)).toBeCloseTo(0.8, 12);
    expect(intersectionOverUnion(A, B)).toBe(0);
    expect(intersectionOverUnion(A, box(5, 5, 15, 15))).toBeCloseTo(25 / 175, 12);
    expect(intersectionOverUnion(box(1, 1, 1, 1), box(1, 1, 1, 1))).toBe(0);
  });

  test('does not depend on the order', () => {
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const shared = intersectionOverUnion(a, b);
        expect(intersectionOverUnion(b, a)).toBe(shared);
        expect(shared).toBeGreaterThanOrEqual(0);
        expect(shared).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('suppressOverlaps', () => {
  test('keeps the surer of two boxes, and boxes of other labels', () => {
    const [weak, strong, other, far] = [
      found(NEAR_A, 0.5),
      found(A, 0.9),
      found(A, 0.4, 'dog'),
      found(B, 0.3),
    ];
    expect(suppressOverlaps([weak, strong, other, far], 0.5)).toEqual([strong, other, far]);
    expect(suppressOverlaps([weak, strong], 0.8)).toEqual([strong, weak]);
  });

  test('nothing that is left overlaps', () => {
    fc.assert(
      fc.property(detections, (list) => {
        const kept = suppressOverlaps(
          list.map(({ place, score, label }) => found(place, score, label)),
          0.3,
        );
        for (const [i, a] of kept.entries())
          for (const b of kept.slice(i + 1))
            if (a.label === b.label) expect(intersectionOverUnion(a, b)).toBeLessThanOrEqual(0.3);
      }),
    );
  });
});

describe('detectionMatches', () => {
  const expected = [
    { ...A, label: 'face' },
    { ...B, label: 'face' },
  ];

  test('is F1 over all pictures', () => {
    const first = detectionMatches(expected, [found(NEAR_A, 0.9), found(box(50, 50, 60, 60), 0.8)]);
    expect(first).toEqual({ numerator: 2, denominator: 4 }); // 1 found, 1 missed, 1 false
    expect(pooledRatio([first, detectionMatches([], [])])).toBe(0.5);
  });

  test('an expected box is found once, and only under its label', () => {
    expect(detectionMatches(expected, [found(A, 0.9), found(NEAR_A, 0.8)])).toEqual({
      numerator: 2,
      denominator: 4,
    });
    expect(detectionMatches(expected, [found(A, 0.9, 'dog')]).numerator).toBe(0);
  });

  test('an overlap of exactly the limit is enough', () => {
    expect(detectionMatches([expected[0]], [found(NEAR_A, 1)], 0.8).numerator).toBe(2);
    expect(detectionMatches([expected[0]], [found(NEAR_A, 1)], 0.81).numerator).toBe(0);
  });

  test('a detector agrees with itself fully', () => {
    fc.assert(
      fc.property(detections, (list) => {
        const own = suppressOverlaps(
          list.map(({ place, score, label }) => found(place, score, label)),
          0.5,
        ).filter(({ left, right, top, bottom }) => right > left && bottom > top);
        const { numerator, denominator } = detectionMatches(own, own);
        expect(numerator).toBe(denominator);
      }),
    );
  });
});

describe('meanAveragePrecision', () => {
  const expected = [
    { ...A, label: 0 },
    { ...B, label: 0 },
  ];

  test('all found and nothing else is 1, nothing found is 0', () => {
    const perfect = { expected, found: [found(A, 0.4, 0), found(B, 0.9, 0)] };
    expect(meanAveragePrecision([perfect])).toBeCloseTo(1, 12);
    expect(meanAveragePrecision([{ expected, found: [] }])).toBe(0);
    expect(meanAveragePrecision([{ expected: [], found: [found(A, 1, 0)] }])).toBeNaN();
  });

  test('a false box above a true one halves the precision below it', () => {
    const sorted = [found(A, 0.9, 0), found(box(50, 50, 60, 60), 0.8, 0), found(B, 0.7, 0)];
    // Recalls 0 to 0.5 are read at precision 1, those above at 2/3.
    expect(meanAveragePrecision([{ expected, found: sorted }], [0.5])).toBeCloseTo(
      (51 + (50 * 2) / 3) / 101,
      12,
    );
  });

  test('boxes of overlap 0.8 count up to that overlap', () => {
    const picture = { expected: [expected[0]], found: [found(NEAR_A, 1, 0)] };
    expect(meanAveragePrecision([picture])).toBeCloseTo(7 / 10, 12);
  });

  test('labels weigh the same however many boxes they have', () => {
    const pictures = [
      { expected: [...expected, { ...A, label: 1 }], found: [found(A, 0.9, 0), found(B, 0.9, 0)] },
    ];
    expect(meanAveragePrecision(pictures, [0.5])).toBeCloseTo(0.5, 12);
  });
});
