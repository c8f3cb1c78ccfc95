import { createRandom } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { fitTemperature } from './temperature.js';

test('the temperature is what scores were multiplied by', () => {
  const random = createRandom(7);
  const classes = 4;
  for (const factor of [0.05, 1, 20]) {
    const samples = Array.from({ length: 4000 }, () => {
      const logits = Float64Array.from({ length: classes }, () => 2 * random.nextNormal());
      const weights = logits.map(Math.exp);
      let left = random.nextUniform() * weights.reduce((sum, weight) => sum + weight, 0);
      const label = weights.findIndex((weight) => {
        left -= weight;
        return left < 0;
      });
      return { scores: Float32Array.from(logits, (logit) => factor * logit), label: Math.max(0, label) };
    });
    expect(fitTemperature(samples) / factor).toBeCloseTo(1, 1);
  }
});
