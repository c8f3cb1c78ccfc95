import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { fitLinearProbe, type ProbeSample } from './linear-probe.js';

/** Three classes as Gaussian clouds of the given width around three corners, with a constant and a pure-noise feature. */
function clouds(count: number, width: number, seed: number): ProbeSample[] {
  const random = createRandom(seed);
  const noise = () => random.nextUniform() + random.nextUniform() + random.nextUniform() - 1.5;
  return Array.from({ length: count }, () => {
    const label = random.nextInteger(3);
    const corner = [label === 0 ? 1 : 0, label === 1 ? 100 : 0].map(
      (each, i) => each + [1, 100][i] * width * noise(),
    );
    return { features: Float32Array.of(...corner, 7, noise()), label };
  });
}

/** Share of samples whose largest score is that of their class. */
function accuracyOf({ weights, bias }: ReturnType<typeof fitLinearProbe>, samples: readonly ProbeSample[]) {
  const [, classes] = weights.shape;
  const hits = samples.filter(({ features, label }) => {
    const scores = Array.from(bias.data, (constant, k) =>
      features.reduce((sum, feature, i) => sum + feature * weights.data[i * classes + k], constant),
    );
    return scores.indexOf(Math.max(...scores)) === label;
  });
  return hits.length / samples.length;
}

describe('a linear probe', () => {
  test('tells clouds apart that a line parts, whatever the units of their features', () => {
    const probe = fitLinearProbe(clouds(200, 0.15, 1), 3);
    expect(probe.weights.shape).toEqual([4, 3]);
    expect(accuracyOf(probe, clouds(300, 0.15, 2))).toBeGreaterThan(0.98);
    expect(probe.heldOut.value).toBeGreaterThan(0.95);
    expect([...probe.weights.data.subarray(6, 9)]).toEqual([0, 0, 0]); // of the constant feature
  });

  test('its accuracy on samples held out is close to that on new ones', () => {
    const probe = fitLinearProbe(clouds(1000, 0.8, 8), 3);
    const accuracy = accuracyOf(probe, clouds(2000, 0.8, 4));
    expect(accuracy).toBeLessThan(0.95);
    expect(probe.heldOut.low).toBeLessThan(accuracy);
    expect(probe.heldOut.high).toBeGreaterThan(accuracy);
  });

  test('takes a strong price where there is nothing but noise', () => {
    const random = createRandom(5);
    const samples = Array.from({ length: 60 }, (_, i) => ({
      features: Float32Array.from({ length: 40 }, () => random.nextUniform()),
      label: i % 10 === 0 ? 1 : 0,
    }));
    expect(fitLinearProbe(samples, 2).ridgeShare).toBeGreaterThan(1e-3);
  });

  test('refuses samples that do not fit together', () => {
    const samples = clouds(10, 0.1, 6);
    expect(() => fitLinearProbe(samples.slice(0, 4), 3)).toThrow('at least 5, got 4');
    expect(() => fitLinearProbe(samples, 1)).toThrow('label expected 0 to 0');
    const longer = { features: new Float32Array(5), label: 0 };
    expect(() => fitLinearProbe([...samples, longer], 3)).toThrow('expected 4 elements, got 5');
    const still = samples.map(({ label }) => ({ features: new Float32Array(2), label }));
    expect(() => fitLinearProbe(still, 3)).toThrow('some that vary');
  });
});
