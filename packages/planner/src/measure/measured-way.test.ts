import { describe, expect, test } from 'vitest';
import { atOneSpeed, type MeasuredWay, NO_TIME } from './measured-way.js';

const NO_STAGES = {
  ...{ headMs: NO_TIME, encodeMs: NO_TIME, decodeMs: NO_TIME, tailMs: NO_TIME },
  ...{ respondMs: NO_TIME, readMs: NO_TIME },
};

function way(wholeMs: number, stages: Partial<MeasuredWay['stages']>): MeasuredWay {
  return { wholeMs, stages: { ...NO_STAGES, ...stages } } as unknown as MeasuredWay;
}

describe('atOneSpeed', () => {
  test('a cut that was measured while the machine was slow is not taken for a slow cut', () => {
    const device = way(100, { headMs: { p50: 100, p95: 110 } });
    const slow = way(200, { headMs: { p50: 80, p95: 90 }, tailMs: { p50: 120, p95: 130 } });
    const [first, second, third] = atOneSpeed([device, slow, device]);
    expect(first).toEqual(device);
    expect(third).toEqual(device);
    expect(second.wholeMs).toBe(100);
    expect(second.stages).toEqual({
      ...NO_STAGES,
      headMs: { p50: 40, p95: 45 },
      tailMs: { p50: 60, p95: 65 },
    });
  });

  test('the median moment decides', () => {
    const times = [90, 100, 300].map((wholeMs) => way(wholeMs, { headMs: { p50: wholeMs, p95: wholeMs } }));
    for (const { wholeMs, stages } of atOneSpeed(times)) {
      expect(wholeMs).toBe(100);
      expect(stages.headMs.p50).toBeCloseTo(100, 9);
    }
  });

  test('nothing is nothing', () => {
    expect(atOneSpeed([])).toEqual([]);
  });
});
