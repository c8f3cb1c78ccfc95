/**
 * What the demo measures: the network, its two cuts, how much data, the links and the loss that operating points
 * and pictures may cost. Changing the demo means changing this file.
 */

import type { LinkProfile } from '@featherwire/link';

/** Width in pixels of every text line; the recognizer's height is 48. */
export const LINE_WIDTH = 320;

/** Output of the recognizer: scores [1, steps, characters]. */
export const SCORES_AXIS = 2;

/** One place at which the recognizer is cut. */
export interface CutChoice {
  /** Short word for tables and file names. */
  readonly label: string;
  /** Tensor of the graph. */
  readonly tensor: string;
}

/** A middle cut, 19,200 elements, and a late one, 4,800 elements, of a line of 320 pixels. */
export const CUTS: readonly CutChoice[] = [
  { label: 'middle', tensor: 'p2o.AveragePool.1' },
  { label: 'late', tensor: 'squeeze_0.tmp_0' },
];

/** An operating point is the smallest one that costs at most this on the calibration lines, where one does. */
export interface LossTarget {
  readonly id: string;
  /** Points of character error rate above that of the unsplit network, as a fraction. */
  readonly allowedLoss: number;
}

/** The rates at which the split is shown, from fine to coarse. */
export const LOSS_TARGETS: readonly LossTarget[] = [
  { id: 'fine', allowedLoss: 0.0025 },
  { id: 'medium', allowedLoss: 0.01 },
  { id: 'coarse', allowedLoss: 0.03 },
];

/** Pictures are matched to the finest operating point. */
export const PICTURE_ALLOWED_LOSS = LOSS_TARGETS[0].allowedLoss;

/** How much is measured. */
export interface DemoSize {
  readonly testLines: number;
  readonly calibrationLines: number;
  /** Test lines before those that are timed: engines compile on first use. */
  readonly warmUpLines: number;
  readonly levelCounts: readonly number[];
  /** Share of the elements that may lie outside the clip limits. */
  readonly clippedShares: readonly number[];
  readonly pictureQualities: readonly number[];
}

/** The whole demo: enough lines for an interval of about ± 1.3 points. */
export const FULL_SIZE: DemoSize = {
  testLines: 200,
  calibrationLines: 80,
  warmUpLines: 4,
  levelCounts: [2, 3, 4, 5, 6, 8, 12, 16],
  clippedShares: [0, 0.0005, 0.002, 0.01],
  pictureQualities: [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95],
};

/** `--quick`: the same rows from fewer lines. */
export const QUICK_SIZE: DemoSize = {
  testLines: 40,
  calibrationLines: 24,
  warmUpLines: 4,
  levelCounts: [3, 4, 6, 12],
  clippedShares: [0, 0.002],
  pictureQualities: [10, 20, 30, 40, 50, 60, 70, 80, 90],
};

/** Links without disturbances, for which total times are computed. */
export const LINKS: readonly LinkProfile[] = [
  { name: '1 Mbit/s', uplinkMbps: 1, downlinkMbps: 4, roundTripMs: 60, jitterMs: 0, lossRate: 0 },
  { name: '5 Mbit/s', uplinkMbps: 5, downlinkMbps: 20, roundTripMs: 40, jitterMs: 0, lossRate: 0 },
  { name: '20 Mbit/s', uplinkMbps: 20, downlinkMbps: 80, roundTripMs: 20, jitterMs: 0, lossRate: 0 },
];

/** How many times slower than the measured machine the device is assumed to be when totals are computed. */
export const DEVICE_SLOWDOWNS: readonly number[] = [1, 8, 32];
