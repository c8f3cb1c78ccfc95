/** Calibration in Node: operating points from data, by their measured effect on the output. */

export {
  type CalibratedPoint,
  type Calibration,
  type CalibrationOptions,
  type CalibrationProgress,
  type Comparison,
  calibrate,
} from './calibrate.js';
export type { Coding, Family } from './families.js';
export { measureOnData } from './measure-on-data.js';
export type { PictureRate } from './picture-rates.js';
export type { SplitSource } from './split-samples.js';
