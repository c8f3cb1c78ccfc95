import { describe, expect, test } from 'vitest';
import { atOneSpeed, type MeasuredExit, type MeasuredWay, NO_TIME, wayOf } from './measured-way.js';

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

  test('an exit goes with its way', () => {
    const exit = { answeredShare: 0.5, exitMs: { p50: 4, p95: 6 } } as MeasuredExit;
    const [, slow] = atOneSpeed([way(100, {}), { ...way(200, {}), exit }, way(100, {})]);
    expect(slow.exit).toEqual({ ...exit, exitMs: { p50: 2, p95: 3 } });
  });

  test('nothing is nothing', () => {
    expect(atOneSpeed([])).toEqual([]);
  });
});

describe('wayOf', () => {
  test('puts the exit behind the head, on a device of another speed, and messages around what is sent', () => {
    const exit: MeasuredExit = {
      ...{ answeredShare: 0.75, exitMs: { p50: 2, p95: 2 }, sentBytes: { p50: 80, p95: 120 } },
      ...{ bytesPerDecision: 20, metric: 0.9, loss: { points: 0, interval: null } },
    };
    const stages = { headMs: { p50: 10, p95: 13 }, encodeMs: { p50: 1, p95: 1 }, readMs: { p50: 3, p95: 7 } };
    const measured = {
      ...way(100, stages),
      ...{ kind: 'split', payloadBytes: { p50: 70, p95: 120 }, answerBytes: 5, exit },
    } as MeasuredWay;
    const factors = { deviceNetwork: 2, deviceCoding: 1, serverNetwork: 1, serverCoding: 1 };
    const overhead = { requestBytes: 30, answerBytes: 20, exchangeMs: NO_TIME };
    expect(wayOf(measured, factors, overhead).exit).toEqual({
      ...{ answeredShare: 0.75, metric: 0.9, loss: exit.loss },
      here: { p50: 24, p95: 30 },
      sent: { deviceMs: { p50: 28, p95: 28 + Math.hypot(6, 4) }, uplinkBytes: { p50: 110, p95: 150 } },
      bytesPerDecision: 20 + 0.25 * 30,
    });
  });
});
