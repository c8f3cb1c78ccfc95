import { createLocalSession } from '@featherwire/inference/node';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { exitFeatures, linearExit } from './linear-exit.js';
import { serializeModel } from './model.js';

const INPUT = { name: 'cut', dtype: 'float32', shape: ['N', 1, 2, 4] } as const;
/** Means of the two cells of the upper row are 1 and 3, of the lower 5 and 7. */
const FEATURE = tensor('float32', [1, 1, 2, 4], Float32Array.of(0, 2, 2, 4, 4, 6, 6, 8));
const MAP = {
  weights: tensor('float32', [4, 2], Float32Array.of(1, 0, 0, 1, 0, 0, 0, 0)),
  bias: tensor('float32', [2], Float32Array.of(0, 0)),
};
const NAMES = { answer: 'y', confidence: 'sure' };

async function run(answers: 'scores' | 'probabilities') {
  const pooled = exitFeatures(INPUT, { grid: 2, features: 'means' });
  const model = linearExit(pooled, MAP, { ...NAMES, answers });
  const session = await createLocalSession(serializeModel(model));
  try {
    return (await session.run({ cut: FEATURE })).outputs;
  } finally {
    await session.close();
  }
}

describe('a linear exit', () => {
  test('gives scores of the means of cells, and the largest probability', async () => {
    const { y, sure } = await run('scores');
    expect([y.shape, [...y.data]]).toEqual([
      [1, 2],
      [1, 3],
    ]);
    expect(sure.shape).toEqual([1]);
    expect(sure.data[0]).toBeCloseTo(Math.exp(3) / (Math.exp(1) + Math.exp(3)), 6);
  });

  test('gives probabilities where the network does', async () => {
    const { y, sure } = await run('probabilities');
    expect(Number(y.data[0]) + Number(y.data[1])).toBeCloseTo(1, 6);
    expect(y.data[1]).toBe(sure.data[0]);
  });

  test('takes the mean of all places without a grid, of any size', async () => {
    const open = { ...INPUT, shape: ['N', 1, 'H', 'W'] };
    const session = await createLocalSession(
      serializeModel(exitFeatures(open, { grid: 1, features: 'means' })),
    );
    try {
      const { means } = (await session.run({ cut: FEATURE })).outputs;
      expect([means.shape, [...means.data]]).toEqual([[1, 1], [4]]);
    } finally {
      await session.close();
    }
  });

  test('refuses a grid that does not divide the map, and other ranks', () => {
    const pool = (shape: readonly (number | string)[], grid: number) => () =>
      exitFeatures({ ...INPUT, shape }, { grid, features: 'means' });
    expect(pool([1, 1, 2, 4], 4)).toThrow('expected rows and columns that 4 divides, got [1, 1, 2, 4]');
    expect(pool([1, 1, 'H', 4], 2)).toThrow('that 2 divides');
    expect(pool([1, 4, 4], 2)).toThrow('that 2 divides');
    expect(pool([1, 1, 2, 4, 4], 1)).toThrow('expected 2 to 4 dimensions');
  });
});
