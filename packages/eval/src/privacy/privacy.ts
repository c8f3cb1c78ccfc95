/**
 * How well pictures can be rebuilt from what crosses a cut, at each rate: an inversion is fitted to features that were coded and
 * decoded, as whoever listens would have them, and measured on others.
 */

import type { Pixels } from '@featherwire/bundle';
import type { Feature } from '../baselines/features/feature-coder.js';
import { bootstrapRatio, type Estimate } from '../metrics/bootstrap.js';
import type { CutCoder } from '../sweep/sweep-subject.js';
import { fitInversion, type PicturedFeature } from './inversion.js';
import { peakSignalToNoise, structuralSimilarity } from './picture-quality.js';

/** A way of sending the feature; without a coder the feature itself is seen. */
export interface PrivacyMethod {
  readonly name: string;
  readonly coder: CutCoder | null;
}

/** A way from features to pictures that was fitted to samples. */
export interface FittedInversion {
  /** What is predicted without any feature. */
  readonly meanPicture: Pixels;
  rebuild(feature: Feature): Promise<Pixels>;
  close(): Promise<void>;
}

/** Fits a way to samples, none of which is measured. */
export type FitInversion = (samples: readonly PicturedFeature[]) => Promise<FittedInversion>;

/** What a privacy measurement takes. */
export interface PrivacyOptions {
  readonly methods: readonly PrivacyMethod[];
  /** What inversions are fitted to. */
  readonly known: readonly PicturedFeature[];
  /** What is rebuilt; none of it is known. */
  readonly test: readonly PicturedFeature[];
  readonly seed: number;
  /** The best linear convolution by default. */
  readonly fit?: FitInversion;
  readonly onMethod?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** How near rebuilt pictures come, as means over pictures. */
export interface RebuiltQuality {
  /** dB. */
  readonly psnr: Estimate;
  readonly ssim: Estimate;
}

/** One line of a measurement. */
export interface PrivacyRow extends RebuiltQuality {
  readonly method: string;
  /** Mean of a sample, with all headers. */
  readonly bytes: number;
  /** In the order of `test`. */
  readonly rebuilt: readonly Pixels[];
}

/** What came of it. */
export interface PrivacyReport {
  /** Predicting the mean of the known pictures, which takes no feature. */
  readonly meanPicture: RebuiltQuality;
  readonly rows: readonly PrivacyRow[];
}

/**
 * Measures every method.
 * @throws {RangeError} as `fitInversion`, or if pictures are smaller than 11 by 11; the signal's reason
 */
export async function measurePrivacy(options: PrivacyOptions): Promise<PrivacyReport> {
  const { methods, known, test, seed, fit = linearFit(seed), onMethod, signal } = options;
  const originals = test.map(({ picture }) => picture);
  const rows: PrivacyRow[] = [];
  let meanPicture: RebuiltQuality | undefined;
  for (const { name, coder } of methods) {
    signal?.throwIfAborted();
    const seen = await coded(known, coder);
    const sent = await coded(test, coder);
    const inversion = await fit(known.map(({ picture }, i) => ({ feature: seen.features[i], picture })));
    const rebuilt = await rebuildAll(inversion, sent.features);
    rows.push({ method: name, bytes: sent.bytes, ...qualityOf(originals, rebuilt, seed), rebuilt });
    meanPicture ??= qualityOf(
      originals,
      originals.map(() => inversion.meanPicture),
      seed,
    );
    onMethod?.(rows.length, methods.length);
  }
  if (!meanPicture) throw new RangeError('methods expected at least one, got none');
  return { meanPicture, rows };
}

/** Least squares. @throws as `fitInversion` */
function linearFit(seed: number): FitInversion {
  return async (samples) => {
    const { meanPicture, rebuild } = fitInversion(samples, { seed });
    return { meanPicture, rebuild: async (feature) => rebuild(feature), close: async () => {} };
  };
}

async function rebuildAll(inversion: FittedInversion, features: readonly Feature[]): Promise<Pixels[]> {
  try {
    const rebuilt: Pixels[] = [];
    for (const feature of features) rebuilt.push(await inversion.rebuild(feature));
    return rebuilt;
  } finally {
    await inversion.close();
  }
}

async function coded(
  samples: readonly PicturedFeature[],
  coder: CutCoder | null,
): Promise<{ readonly features: readonly Feature[]; readonly bytes: number }> {
  const features = samples.map(({ feature }) => feature);
  if (coder === null) return { features, bytes: features[0].data.byteLength };
  const { decoded, bytes, sharedBytes } = await coder.code([features]);
  const total = bytes.reduce((sum, each) => sum + each, sharedBytes);
  return { features: decoded[0], bytes: total / bytes.length };
}

function qualityOf(originals: readonly Pixels[], rebuilt: readonly Pixels[], seed: number): RebuiltQuality {
  const estimate = (quality: (original: Pixels, rebuilt: Pixels) => number): Estimate =>
    bootstrapRatio(
      originals.map((original, i) => ({ numerator: quality(original, rebuilt[i]), denominator: 1 })),
      { seed },
    );
  return { psnr: estimate(peakSignalToNoise), ssim: estimate(structuralSimilarity) };
}
