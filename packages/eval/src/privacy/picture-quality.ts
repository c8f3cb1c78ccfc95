/** How near a rebuilt picture is to the original: PSNR, and SSIM as in Wang et al., IEEE TIP 13(4), 2004. */

import type { Pixels } from '@featherwire/bundle';

const PEAK = 255;
/** Window and constants of the publication. */
const WINDOW_RADIUS = 5;
const WINDOW_DEVIATION = 1.5;
const MEAN_STABILIZER = (0.01 * PEAK) ** 2;
const VARIANCE_STABILIZER = (0.03 * PEAK) ** 2;

/**
 * Peak signal to noise ratio over all channels, dB; `Infinity` for equal pictures.
 * @throws {RangeError} if the pictures differ in size or channels
 */
export function peakSignalToNoise(original: Pixels, rebuilt: Pixels): number {
  checkSameSize(original, rebuilt);
  let sum = 0;
  for (let i = 0; i < original.data.length; i++) sum += (original.data[i] - rebuilt.data[i]) ** 2;
  return 10 * Math.log10(PEAK ** 2 / (sum / original.data.length));
}

/**
 * Structural similarity, 1 for equal pictures: the mean over channels and over all places where the window lies inside.
 * @throws {RangeError} if the pictures differ in size or channels, or a side is below 11
 */
export function structuralSimilarity(original: Pixels, rebuilt: Pixels): number {
  checkSameSize(original, rebuilt);
  const { width, height, channels } = original;
  const side = 2 * WINDOW_RADIUS + 1;
  if (Math.min(width, height) < side)
    throw new RangeError(`pixels expected sides from ${side}, got ${width} x ${height}`);
  let sum = 0;
  for (let channel = 0; channel < channels; channel++) sum += planeSimilarity(original, rebuilt, channel);
  return sum / channels;
}

function planeSimilarity(original: Pixels, rebuilt: Pixels, channel: number): number {
  const { width, height, channels } = original;
  const [a, b] = [original, rebuilt].map(({ data }) =>
    Float64Array.from({ length: width * height }, (_, i) => data[i * channels + channel]),
  );
  const blur = (value: (i: number) => number): Float64Array =>
    blurred(
      Float64Array.from(a, (_, i) => value(i)),
      width,
      height,
    );
  const [meanA, meanB] = [blur((i) => a[i]), blur((i) => b[i])];
  const [squareA, squareB, product] = [
    blur((i) => a[i] ** 2),
    blur((i) => b[i] ** 2),
    blur((i) => a[i] * b[i]),
  ];
  let sum = 0;
  for (let i = 0; i < meanA.length; i++) {
    const means = meanA[i] * meanB[i];
    const squares = meanA[i] ** 2 + meanB[i] ** 2;
    const covariance = product[i] - means;
    const variances = squareA[i] + squareB[i] - squares;
    sum +=
      ((2 * means + MEAN_STABILIZER) * (2 * covariance + VARIANCE_STABILIZER)) /
      ((squares + MEAN_STABILIZER) * (variances + VARIANCE_STABILIZER));
  }
  return sum / meanA.length;
}

/** Gaussian means where the whole window lies inside: [height - 10, width - 10]. */
function blurred(plane: Float64Array, width: number, height: number): Float64Array {
  const weights = windowWeights();
  const side = weights.length;
  const [columns, rows] = [width - side + 1, height - side + 1];
  const across = new Float64Array(columns * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < columns; x++)
      for (let k = 0; k < side; k++) across[y * columns + x] += weights[k] * plane[y * width + x + k];
  const result = new Float64Array(columns * rows);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (let k = 0; k < side; k++) result[y * columns + x] += weights[k] * across[(y + k) * columns + x];
  return result;
}

function windowWeights(): number[] {
  const weights = Array.from({ length: 2 * WINDOW_RADIUS + 1 }, (_, i) =>
    Math.exp(-((i - WINDOW_RADIUS) ** 2) / (2 * WINDOW_DEVIATION ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function checkSameSize(original: Pixels, rebuilt: Pixels): void {
  const sizeOf = ({ width, height, channels }: Pixels): string => `${width} x ${height} x ${channels}`;
  if (sizeOf(original) !== sizeOf(rebuilt))
    throw new RangeError(`rebuilt expected ${sizeOf(original)}, got ${sizeOf(rebuilt)}`);
}
