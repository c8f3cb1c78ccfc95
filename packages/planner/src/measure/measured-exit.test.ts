import { describe, expect, test } from 'vitest';
import { exitBefore } from './measured-exit.js';

const hit = (numerator: number) => ({ numerator, denominator: 1 });
const exitMs = { p50: 2, p95: 3 };
const judged = { reference: [1, 1, 1, 0].map(hit), better: 'higher' } as const;
const coded = [100, 200, 300, 400].map((bytes, i) => ({ bytes, ratio: hit(i === 1 ? 0 : 1) }));

describe('an exit before a point', () => {
  test('takes the answers that it is sure of, and their bytes away', () => {
    const answers = [true, true, false, false].map((isSure) => ({ isSure, ratio: hit(1) }));
    expect(exitBefore(answers, coded, exitMs, judged)).toMatchObject({
      ...{ answeredShare: 0.5, exitMs, bytesPerDecision: 175, metric: 1 },
      sentBytes: { p50: 300, p95: 400 },
      loss: { points: -25 },
    });
  });

  test('sends everything, or nothing', () => {
    const all = (isSure: boolean) => coded.map(() => ({ isSure, ratio: hit(0) }));
    expect(exitBefore(all(false), coded, exitMs, judged)).toMatchObject({
      ...{ answeredShare: 0, bytesPerDecision: 250, metric: 0.75, sentBytes: { p50: 200, p95: 400 } },
    });
    expect(exitBefore(all(true), coded, exitMs, judged)).toMatchObject({
      ...{ answeredShare: 1, bytesPerDecision: 0, metric: 0, sentBytes: null, loss: { points: 75 } },
    });
  });
});
