/** What a sweep needs of a split network with data, and of a method: it runs neither model nor file itself. */

import type { Feature, FeatureCoder } from '../baselines/features/feature-coder.js';
import type { Ratio } from '../metrics/ratio.js';
import type { BetterDirection } from '../metrics/task-metric.js';

/** Features of several samples: for each tensor of the cut one for each sample. */
export type CutFeatures = readonly (readonly Feature[])[];

/** A split network with data. */
export interface SweepSubject {
  /** Network and cut, as tables print them. */
  readonly name: string;
  readonly metric: { readonly name: string; readonly better: BetterDirection };
  readonly headMacs: number | null;
  /** The unsplit network's share of the metric, one for each sample. */
  readonly reference: readonly Ratio[];
  /** Features for calibration, of samples that are not measured; at least one. */
  readonly seen: CutFeatures;
  /** Features of the samples from `from` to `to`, half-open. */
  features(from: number, to: number): Promise<CutFeatures>;
  /** The metric of what the tail makes of features. @param from - number of the first sample */
  score(features: CutFeatures, from: number): Promise<Ratio[]>;
}

/** A method at one setting. */
export interface SweepMethod {
  readonly family: string;
  /** With its setting; unique in a sweep. */
  readonly name: string;
  /**
   * A coder for one tensor of the cut, or why there is none on this machine or for these shapes.
   * @param seen - the tensor's features for calibration
   */
  create(seen: readonly Feature[]): Promise<FeatureCoder | { readonly skip: string }>;
}
