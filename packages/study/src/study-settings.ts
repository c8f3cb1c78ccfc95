/** How much a study measures: two extents of the same thing. */

import {
  type BaselineSettings,
  DEFAULT_BASELINE_SETTINGS,
  DEFAULT_OWN_SETTINGS,
  type OwnSettings,
} from '@featherwire/eval';
import type { StudyExtent } from './suite-targets.js';

/** What is measured of each target. */
export interface StudySettings {
  readonly baselines: BaselineSettings;
  readonly own: OwnSettings;
  /** Samples that methods design from. */
  readonly seenSamples: number;
  /** Samples that operating points are calibrated on, from the calibration data; 0 for none. */
  readonly calibrationSamples: number;
  /** Points of that calibration. */
  readonly calibrationPoints: number;
}

/** The settings of each extent. */
export const STUDY_SETTINGS: Readonly<Record<StudyExtent, StudySettings>> = {
  quick: {
    baselines: {
      qualities: [80, 40, 10],
      quantizationParameters: [22, 32, 42, 51],
      levelCounts: [16, 8, 4, 2],
      bits: [8, 4, 3, 2],
      inputQualities: [90, 60, 35, 15, 5],
      inputDistances: [1, 3, 8, 20],
    },
    own: { levelCounts: [16, 8, 4, 3, 2], stepShares: [0.08, 0.18, 0.35, 0.7] },
    seenSamples: 24,
    calibrationSamples: 0,
    calibrationPoints: 0,
  },
  full: {
    baselines: DEFAULT_BASELINE_SETTINGS,
    own: DEFAULT_OWN_SETTINGS,
    seenSamples: 100,
    calibrationSamples: 400,
    calibrationPoints: 6,
  },
};
