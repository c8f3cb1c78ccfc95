/** What a camera or scanner does to print: blur by a Gaussian kernel, and additive Gaussian noise. */

import type { RandomSource } from '@featherwire/tensor';

/** Kernel radius in standard deviations; what lies beyond weighs under 0.3 %. */
const RADIUS_SIGMAS = 3;

/**
 * Convolves a gray picture with a Gaussian, one axis after the other; pixels beyond an edge repeat it.
 * @param values - `width * height` values, rows from the top; not modified
 * @param sigma - standard deviation in pixels; 0 copies
 * @throws {RangeError} if `sigma` is negative or not finite
 */
export function gaussianBlur(
  values: Float32Array,
  width: number,
  height: number,
  sigma: number,
): Float32Array<ArrayBuffer> {
  if (!(sigma >= 0 && Number.isFinite(sigma))) {
    throw new RangeError(`sigma expected a finite number of at least 0, got ${sigma}`);
  }
  const kernel = gaussianKernel(sigma);
  const rows = convolveLines(values, kernel, {
    lineCount: height,
    lineStride: width,
    length: width,
    stride: 1,
  });
  return convolveLines(rows, kernel, { lineCount: width, lineStride: 1, length: height, stride: width });
}

/** Adds independent normal noise of standard deviation `sigma` to each value, in place. */
export function addNoise(values: Float32Array, sigma: number, random: RandomSource): void {
  for (let i = 0; i < values.length; i++) values[i] += sigma * random.nextNormal();
}

/** Values as bytes: rounded, and clipped to 0 … 255. */
export function bytesOfValues(values: Float32Array): Uint8Array {
  return new Uint8Array(Uint8ClampedArray.from(values).buffer);
}

/** Symmetric weights that sum to 1, `2 * radius + 1` of them. */
function gaussianKernel(sigma: number): Float64Array {
  const radius = Math.ceil(RADIUS_SIGMAS * sigma);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    radius === 0 ? 1 : Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** How rows or columns lie in a picture. */
interface LineLayout {
  readonly lineCount: number;
  readonly lineStride: number;
  readonly length: number;
  readonly stride: number;
}

function convolveLines(
  source: Float32Array,
  kernel: Float64Array,
  { lineCount, lineStride, length, stride }: LineLayout,
): Float32Array<ArrayBuffer> {
  const target = new Float32Array(source.length);
  const radius = (kernel.length - 1) / 2;
  for (let line = 0; line < lineCount; line++) {
    const start = line * lineStride;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let k = -radius; k <= radius; k++) {
        const at = Math.min(length - 1, Math.max(0, i + k));
        sum += kernel[k + radius] * source[start + at * stride];
      }
      target[start + i * stride] = sum;
    }
  }
  return target;
}
