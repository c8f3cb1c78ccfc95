/** Seeded feature tensors for tests: the shapes of value distributions that networks produce. */

import { createRandom, type RandomSource, type TensorOf } from '@featherwire/tensor';

/** Draws one value. */
export type Distribution = (random: RandomSource) => number;

const exponential: Distribution = (random) => -Math.log(1 - random.nextUniform());

/** Distributions by name. */
export const DISTRIBUTIONS = {
  gaussian: (random) => random.nextNormal(),
  laplace: (random) => (random.nextUniform() < 0.5 ? -1 : 1) * exponential(random),
  relu: (random) => (random.nextUniform() < 0.6 ? 0 : exponential(random)),
  sparse: (random) => (random.nextUniform() < 0.98 ? 0 : exponential(random)),
  leakyRelu: (random) => {
    const value = random.nextNormal() - 0.3;
    return value < 0 ? 0.1 * value : value;
  },
  uniform: (random) => random.nextUniform(),
  twoModes: (random) =>
    random.nextUniform() < 0.3 ? random.nextNormal() * 0.1 : random.nextNormal() * 0.5 + 2,
} as const satisfies Record<string, Distribution>;

/** Name of a distribution. */
export type DistributionName = keyof typeof DISTRIBUTIONS;

/** A float32 vector of `count` values. */
export function drawFeature(name: DistributionName, count: number, seed: number): TensorOf<'float32'> {
  const random = createRandom(seed);
  const distribution = DISTRIBUTIONS[name];
  const data = Float32Array.from({ length: count }, () => distribution(random));
  return { dtype: 'float32', shape: [count], data };
}
