/** Calibration in Node: operating points from data, by their measured effect on the output. */

export { calibrate } from './calibrate.js';
export type {
  CalibratedPoint,
  Calibration,
  CalibrationOptions,
  CalibrationProgress,
  Comparison,
  MeasuredPoint,
} from './calibration.js';
export type { Coding, Family } from './families.js';
export { paretoFront } from './ladder.js';
export { type CodedSamples, lossOf, meanOf, measureCoding, type UnitRuns } from './measure.js';
export { measureOnData } from './measure-on-data.js';
export { measurementOf } from './measurement.js';
export { looksLikeProbabilities } from './output-distance.js';
export type { PictureRate } from './picture-rates.js';
export { designQuickLadder, type QuickPoint } from './quick-ladder.js';
export { holdsFeatures, recordedFeatures } from './recorded-features.js';
export {
  type PointEffect,
  type PointToRefresh,
  type Refresh,
  type RefreshedPoint,
  type RefreshOptions,
  refresh,
} from './refresh.js';
export { openSamples, type SplitSamples, type SplitSource } from './split-samples.js';
