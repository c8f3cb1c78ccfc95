import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findQualityAtMatchedMetric, type QualityMeasurement } from './matched-metric.js';

const measure = async (quality: number): Promise<QualityMeasurement> => ({
  bytesPerSample: 10 * quality,
  metric: 1 - 1 / quality,
});

describe('findQualityAtMatchedMetric', () => {
  test('finds the lowest quality of a growing metric, looking at few', async () => {
    const all = Array.from({ length: 100 }, (_, i) => i + 1);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), async (wanted) => {
        const search = { measure, target: 1 - 1 / wanted, better: 'higher', qualities: all } as const;
        const { match, points } = await findQualityAtMatchedMetric(search);
        expect(match).toEqual({ quality: wanted, ...(await measure(wanted)) });
        expect(points.length).toBeLessThanOrEqual(7);
        const qualities = points.map(({ quality }) => quality);
        expect(qualities).toEqual([...new Set(qualities)].sort((a, b) => a - b));
      }),
    );
  });

  test('takes error rates the other way round', async () => {
    const search = {
      measure: async (quality: number) => ({ bytesPerSample: quality, metric: 1 / quality }),
      target: 0.05,
      better: 'lower',
    } as const;
    expect((await findQualityAtMatchedMetric(search)).match?.quality).toBe(20);
  });

  test('has no match where no quality reaches the target', async () => {
    const { match, points } = await findQualityAtMatchedMetric({ measure, target: 1, better: 'higher' });
    expect(match).toBeNull();
    expect(points.length).toBeGreaterThan(0);
  });

  test('the match never misses the target, even where the metric jumps', async () => {
    const jumping = async (quality: number): Promise<QualityMeasurement> => ({
      bytesPerSample: quality,
      metric: (quality / 5) % 3,
    });
    const { match } = await findQualityAtMatchedMetric({ measure: jumping, target: 2, better: 'higher' });
    expect(match === null || match.metric >= 2).toBe(true);
  });

  test('looks at all when asked to, and then finds the smallest rate of a metric that jumps', async () => {
    const jumping = async (quality: number): Promise<QualityMeasurement> => ({
      bytesPerSample: quality,
      metric: quality === 10 ? 1 : 0,
    });
    const search = { measure: jumping, target: 1, better: 'higher', strategy: 'exhaustive' } as const;
    const { match, points } = await findQualityAtMatchedMetric(search);
    expect(match?.quality).toBe(10);
    expect(points).toHaveLength(20);
  });

  test('refuses an empty list and a target of NaN, and hands on errors of the measurement', async () => {
    const search = { measure, target: 0.5, better: 'higher' } as const;
    await expect(findQualityAtMatchedMetric({ ...search, qualities: [] })).rejects.toThrow(RangeError);
    await expect(findQualityAtMatchedMetric({ ...search, target: Number.NaN })).rejects.toThrow(RangeError);
    const failing = { ...search, measure: () => Promise.reject(new Error('lost')) };
    await expect(findQualityAtMatchedMetric(failing)).rejects.toThrow('lost');
  });
});
