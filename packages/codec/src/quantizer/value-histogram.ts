/**
 * A histogram of float32 values whose bins are fixed by the number format: 64 bins in every octave, so a bin is
 * at most 1/64 of its values wide. Histograms therefore merge exactly, in any order. A bin keeps count, sum and
 * sum of squares of its values' places inside it, in 4,096 steps: its mean is known to 2^-18 of the value, and a
 * mass at one value (6 after ReLU6) is told from a spread. Zeros are left to the caller. Encoding only.
 *
 * An octave takes 1.5 KiB and is allocated when its first value comes; there are 510 of them, so a histogram
 * never takes more than 765 KiB, and that of a feature some 50.
 */

import type { DensityPiece, PointMass, ValueDistribution } from './distribution.js';

/** Bins of an octave. */
export const BINS_PER_OCTAVE = 64;
/** Octaves of float32, by sign and exponent. */
const OCTAVES = 512;
const OCTAVE_SHIFT = 23;
const BIN_SHIFT = 17;
const BIN_MASK = BINS_PER_OCTAVE - 1;
const PLACE_MASK = (1 << BIN_SHIFT) - 1;
/** Places are kept in 12 bits: squares then sum up exactly over 2^29 values of one bin. */
const PLACE_SHIFT = 5;
const PLACES = 1 << (BIN_SHIFT - PLACE_SHIFT);
const SUMS = BINS_PER_OCTAVE;
const SQUARES = 2 * BINS_PER_OCTAVE;
/** Spreads below this share of a bin are a mass at one value. */
const POINT_SPREAD = 2 / PLACES;

/** Counts by sign, exponent and six bits of mantissa. Plain data: it may be cloned and sent. */
export interface ValueHistogram {
  /**
   * One per sign and exponent, null while empty: counts of 64 bins, then sums of places, then sums of their
   * squares; all integers.
   */
  readonly octaves: (Float64Array | null)[];
}

/** What one bin holds. */
interface Bin {
  readonly count: number;
  readonly mean: number;
  /** Half the width of the uniform density with the bin's mean and variance. */
  readonly halfWidth: number;
}

/** An empty histogram. */
export function createHistogram(): ValueHistogram {
  return { octaves: new Array<Float64Array | null>(OCTAVES).fill(null) };
}

/** Adds finite values other than 0. @param words - bit patterns of float32 values; others are passed over */
export function addWords(histogram: ValueHistogram, words: Uint32Array): void {
  const { octaves } = histogram;
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    const octave = word >>> OCTAVE_SHIFT;
    if ((word & 0x7fffffff) === 0 || (octave & 0xff) === 0xff) continue;
    octaves[octave] ??= new Float64Array(3 * BINS_PER_OCTAVE);
    const sums = octaves[octave];
    const bin = (word >>> BIN_SHIFT) & BIN_MASK;
    const place = (word & PLACE_MASK) >>> PLACE_SHIFT;
    sums[bin]++;
    sums[SUMS + bin] += place;
    sums[SQUARES + bin] += place * place;
  }
}

/** Adds `other` to `target`. */
export function mergeHistogram(target: ValueHistogram, other: ValueHistogram): void {
  other.octaves.forEach((sums, octave) => {
    if (!sums) return;
    target.octaves[octave] ??= new Float64Array(3 * BINS_PER_OCTAVE);
    const merged = target.octaves[octave];
    for (let i = 0; i < sums.length; i++) merged[i] += sums[i];
  });
}

/** Bins with values, ascending by value. */
function* binsOf(histogram: ValueHistogram): Generator<Bin> {
  for (let octave = OCTAVES - 1; octave >= OCTAVES / 2; octave--) {
    for (let bin = BINS_PER_OCTAVE - 1; bin >= 0; bin--) yield* binAt(histogram, octave, bin);
  }
  for (let octave = 0; octave < OCTAVES / 2; octave++) {
    for (let bin = 0; bin < BINS_PER_OCTAVE; bin++) yield* binAt(histogram, octave, bin);
  }
}

function* binAt(histogram: ValueHistogram, octave: number, bin: number): Generator<Bin> {
  const sums = histogram.octaves[octave];
  if (!sums || sums[bin] === 0) return;
  const word = octave * 2 ** OCTAVE_SHIFT + bin * 2 ** BIN_SHIFT;
  const near = float32OfWord(word);
  const far = float32OfWord(word + PLACE_MASK) + (float32OfWord(word + 1) - near);
  const count = sums[bin];
  const meanPlace = sums[SUMS + bin] / count / PLACES;
  const variance = Math.max(0, sums[SQUARES + bin] / count / PLACES ** 2 - meanPlace ** 2);
  // A uniform density of half-width h has variance h² / 3; the bin's ends bound it.
  const spread = Math.min(Math.sqrt(3 * variance), meanPlace, 1 - meanPlace);
  const width = Math.abs(far - near);
  const mean = near + (far - near) * meanPlace + 0; // -0 is 0
  const halfWidth = spread < POINT_SPREAD ? 0 : spread * width;
  yield { count, mean, halfWidth };
}

/**
 * The histogram, with `zeroCount` zeros, as a density: in each bin uniform with the bin's mean and, as far as the
 * bin's ends allow, its variance.
 * @param finest - bins of smaller magnitude become one for each sign, as many of them matter to no design
 * @returns total mass 1, or no mass if there is no value
 */
export function distributionOfHistogram(
  histogram: ValueHistogram,
  zeroCount: number,
  finest: number,
): ValueDistribution {
  const pieces: DensityPiece[] = [];
  const masses: PointMass[] = [];
  const bins = joinFineBins([...binsOf(histogram)], finest);
  const total = bins.reduce((sum, bin) => sum + bin.count, zeroCount);
  if (zeroCount > 0) masses.push({ value: 0, mass: zeroCount / total });
  for (const { count, mean, halfWidth } of bins) {
    const mass = count / total;
    if (halfWidth === 0) masses.push({ value: mean, mass });
    else {
      const from = mean - halfWidth;
      pieces.push({ from, to: mean + halfWidth, anchor: from, scale: mass / (2 * halfWidth), rate: 0 });
    }
  }
  masses.sort((a, b) => a.value - b.value);
  return { pieces, masses };
}

/** Bins in order, those between -finest and finest joined to one below and one above 0. */
function joinFineBins(bins: readonly Bin[], finest: number): Bin[] {
  const coarse = bins.filter(({ mean }) => Math.abs(mean) >= finest);
  const fine = bins.filter(({ mean }) => Math.abs(mean) < finest);
  const below = joined(fine.filter(({ mean }) => mean < 0));
  const above = joined(fine.filter(({ mean }) => mean >= 0));
  return [
    ...coarse.filter(({ mean }) => mean < 0),
    ...below,
    ...above,
    ...coarse.filter(({ mean }) => mean > 0),
  ];
}

/** One bin with the count, mean and, where that does not cross 0, the variance of some of one sign. */
function joined(bins: readonly Bin[]): Bin[] {
  const count = bins.reduce((sum, bin) => sum + bin.count, 0);
  if (count === 0) return [];
  const mean = bins.reduce((sum, bin) => sum + bin.count * bin.mean, 0) / count;
  const variance =
    bins.reduce((sum, bin) => sum + bin.count * ((bin.mean - mean) ** 2 + bin.halfWidth ** 2 / 3), 0) / count;
  const reach = Math.max(...bins.map((bin) => Math.abs(bin.mean) + bin.halfWidth)) - Math.abs(mean);
  return [{ count, mean, halfWidth: Math.min(Math.sqrt(3 * variance), Math.abs(mean), reach) }];
}

/**
 * The value below which `share` of all lies, to the width of a bin.
 * @param share - in [0, 1] @returns NaN if there is no value
 */
export function quantileOfHistogram(histogram: ValueHistogram, zeroCount: number, share: number): number {
  const zeros: Bin = { count: zeroCount, mean: 0, halfWidth: 0 };
  const below: Bin[] = [];
  const above: Bin[] = [];
  for (const bin of binsOf(histogram)) (bin.mean < 0 ? below : above).push(bin);
  const bins = [...below, ...(zeroCount > 0 ? [zeros] : []), ...above];
  let rest = share * bins.reduce((sum, bin) => sum + bin.count, 0);
  for (const { mean, halfWidth, count } of bins) {
    if (rest <= count) return mean + halfWidth * ((2 * rest) / count - 1);
    rest -= count;
  }
  return bins.length === 0 ? Number.NaN : bins[bins.length - 1].mean + bins[bins.length - 1].halfWidth;
}

/** Sum and count of the values above 0. */
export function positivePart(histogram: ValueHistogram): { readonly sum: number; readonly count: number } {
  let sum = 0;
  let count = 0;
  for (const bin of binsOf(histogram)) {
    if (bin.mean <= 0) continue;
    sum += bin.mean * bin.count;
    count += bin.count;
  }
  return { sum, count };
}

function float32OfWord(word: number): number {
  return new Float32Array(Uint32Array.of(word).buffer)[0];
}
