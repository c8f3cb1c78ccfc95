/** Seeded tensors that are mostly zero, without and with structure in space: the data of layout tests. */

import { createRandom, type RandomSource, type TensorOf } from '@featherwire/tensor';

const BLUR_PASSES = 4;

/** Zeros, but for a share `density` of exponential values, each drawn alone. */
export function drawScattered(shape: readonly number[], density: number, seed: number): TensorOf<'float32'> {
  const random = createRandom(seed);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const data = Float32Array.from({ length: count }, () =>
    random.nextUniform() < density ? -Math.log(1 - random.nextUniform()) : 0,
  );
  return { dtype: 'float32', shape: [...shape], data };
}

/**
 * Rectified smooth noise, with a threshold for each channel: what a convolution with ReLU leaves.
 * @param threshold - mean distance of a channel's zero point from its mean, in deviations; larger is sparser
 */
export function drawClustered(
  [channels, rows, columns]: readonly [number, number, number],
  threshold: number,
  seed: number,
): TensorOf<'float32'> {
  const random = createRandom(seed);
  const plane = rows * columns;
  const data = new Float32Array(channels * plane);
  for (let channel = 0; channel < channels; channel++) {
    const noise = smoothNoise(rows, columns, random);
    const shift = threshold + random.nextNormal();
    for (let i = 0; i < plane; i++) data[channel * plane + i] = Math.max(0, noise[i] - shift);
  }
  return { dtype: 'float32', shape: [channels, rows, columns], data };
}

/** Normal noise after box filters of 3 × 3, scaled back to a deviation of about 1. */
function smoothNoise(rows: number, columns: number, random: RandomSource): Float32Array {
  let noise = Float32Array.from({ length: rows * columns }, () => random.nextNormal());
  for (let pass = 0; pass < BLUR_PASSES; pass++) {
    const source = noise;
    noise = source.map((_, i) => {
      let sum = 0;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const row = (Math.floor(i / columns) + dy + rows) % rows;
          const column = ((i % columns) + dx + columns) % columns;
          sum += source[row * columns + column];
        }
      }
      return sum / 9;
    });
  }
  const power = noise.reduce((sum, value) => sum + value * value, 0) / noise.length;
  return noise.map((value) => value / Math.sqrt(power));
}
