import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { chooseThreshold, type ExitDecision, fewestDecisions } from './threshold.js';

const LIMIT = { maxLost: 0.01, confidence: 0.95 };

/** Confidences 1, 0.999, 0.998 …; answers at the given places are lost. */
function descending(count: number, ...lost: number[]): ExitDecision[] {
  return Array.from({ length: count }, (_, i) => ({ confidence: 1 - i / 1000, isLost: lost.includes(i) }));
}

describe('the threshold of an exit', () => {
  test('is the lowest confidence where nothing is lost', () => {
    expect(chooseThreshold(descending(400), LIMIT)).toEqual({
      threshold: 1 - 399 / 1000,
      answered: 400,
      lost: 0,
    });
  });

  test('ends before the loss that samples of this number cannot bear, and not at an earlier one', () => {
    // Of 500 samples one loss has a probability of at most 0.05 where 0.01 are lost, and two have more.
    expect(chooseThreshold(descending(500, 100, 300), LIMIT)).toMatchObject({ answered: 300, lost: 1 });
  });

  test('takes all samples of a confidence or none', () => {
    const tied = descending(500, 10, 11).map((each, i) =>
      i >= 8 && i < 14 ? { ...each, confidence: 0.992 } : each,
    );
    expect(chooseThreshold(tied, LIMIT)).toMatchObject({ answered: 8, threshold: 1 - 7 / 1000 });
  });

  test('is none where the most confident answers are lost', () => {
    expect(chooseThreshold(descending(400, 0, 1, 2, 3), LIMIT)).toBeNull();
  });

  test('wants as many samples as can tell the loss from none', () => {
    expect(fewestDecisions(LIMIT)).toBe(299);
    expect(() => chooseThreshold(descending(298), LIMIT)).toThrow(
      'samples expected at least 299 to choose by for a loss of 1 points, got 298',
    );
    expect(chooseThreshold(descending(299), LIMIT)).not.toBeNull();
  });

  test('loses more than the limit on new samples no more often than was asked for', () => {
    const random = createRandom(3);
    const limit = { maxLost: 0.05, confidence: 0.9 };
    const rounds = 300;
    // An answer of confidence c is lost with probability (1 - c) / 2, so that a threshold t loses (1 - t)^2 / 4 of all samples.
    const trueLoss = (threshold: number): number => (1 - threshold) ** 2 / 4;
    let over = 0;
    for (let round = 0; round < rounds; round++) {
      const decisions = Array.from({ length: 200 }, () => {
        const confidence = random.nextUniform();
        return { confidence, isLost: random.nextUniform() < (1 - confidence) / 2 };
      });
      const chosen = chooseThreshold(decisions, limit);
      if (chosen && trueLoss(chosen.threshold) > limit.maxLost) over++;
    }
    expect(over / rounds).toBeLessThanOrEqual(0.1);
    expect(over).toBeGreaterThan(0);
  });
});
