/** A decoder learns to rebuild pictures from features that hold them in a way that no linear map undoes. */

import type { PicturedFeature } from '@featherwire/eval';
import { createRandom, tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { TrainError } from '../src/index.js';
import { trainInversion } from '../src/node/index.js';

const CELLS = 4;
const SIDE = 8;

/** Cells of 2 by 2 equal pixels around middle gray; the feature has the square of each cell's level and its sign. */
function samples(count: number, seed: number): PicturedFeature[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const levels = Float32Array.from({ length: CELLS ** 2 }, () => 2 * random.nextUniform() - 1);
    const data = Float32Array.of(...levels.map((level) => level * level), ...levels.map(Math.sign));
    const pixels = Uint8Array.from({ length: SIDE ** 2 }, (_, i) => {
      const cell = Math.floor(Math.floor(i / SIDE) / 2) * CELLS + Math.floor((i % SIDE) / 2);
      return Math.round(127.5 + 100 * levels[cell]);
    });
    return {
      feature: tensor('float32', [1, 2, CELLS, CELLS], data),
      picture: { data: pixels, width: SIDE, height: SIDE, channels: 1 as const },
    };
  });
}

/** Mean squared difference of bytes. */
function errorOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a, (value, i) => (value - b[i]) ** 2).reduce((sum, each) => sum + each, 0) / a.length;
}

test("rebuilds pictures that it has not seen, with half the error of the best linear map, which is a quarter of the mean picture's", async () => {
  const losses: number[] = [];
  const inversion = await trainInversion(samples(64, 1), {
    ...{ stepCount: 300, seed: 3, width: 16 },
    onStep: (_, loss) => losses.push(loss),
  });
  try {
    let [rebuilt, mean] = [0, 0];
    for (const { feature, picture } of samples(16, 2)) {
      rebuilt += errorOf((await inversion.rebuild(feature)).data, picture.data);
      mean += errorOf(inversion.meanPicture.data, picture.data);
    }
    expect(losses).toHaveLength(300);
    expect(rebuilt).toBeLessThan(mean / 8);
  } finally {
    await inversion.close();
  }
}, 60_000);

test('cells that do not divide the picture, and a loss that is no number, are refused', async () => {
  const [sample] = samples(1, 4);
  const uneven = { ...sample, picture: { ...sample.picture, data: new Uint8Array(72), width: 9 } };
  await expect(trainInversion([uneven], { stepCount: 1, seed: 1 })).rejects.toThrow(
    'cells that divide 8 x 9',
  );
  const data = new Float32Array(sample.feature.data.length).fill(Number.NaN);
  const broken = { ...sample, feature: tensor('float32', sample.feature.shape, data) };
  await expect(trainInversion([broken], { stepCount: 1, seed: 1 })).rejects.toThrow(TrainError);
}, 60_000);
