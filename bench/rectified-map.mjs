/** A drawn feature of rectified maps, for benchmarks of speed; runs in browsers too. */
import { createRandom } from '@featherwire/tensor';

/**
 * Planes of a signal that neighbors share, less a threshold, rectified.
 * @param shape - [samples, channels, rows, columns]
 */
export function rectifiedMap([samples, channels, rows, columns], seed) {
  const random = createRandom(seed);
  const planes = samples * channels;
  const values = new Float32Array(planes * rows * columns);
  const plane = new Float32Array(rows * columns);
  for (let p = 0; p < planes; p++) {
    const scale = 0.3 + random.nextUniform();
    for (let i = 0; i < plane.length; i++) {
      const left = i % columns > 0 ? plane[i - 1] : 0;
      const above = i >= columns ? plane[i - columns] : 0;
      plane[i] = 0.45 * (left + above) + random.nextNormal() / 2;
      values[p * plane.length + i] = Math.max(0, (plane[i] - 0.3) * scale);
    }
  }
  return values;
}
