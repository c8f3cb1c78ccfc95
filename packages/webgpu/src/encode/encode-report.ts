/** What the kernels report of a feature and its frame. */

import { GpuError } from '../errors.js';
import { REPORT } from '../shaders/report.js';

/** @throws {RangeError} if the feature was not to be coded @throws {GpuError} if the frame cannot be */
export function checkReport(reported: Uint8Array<ArrayBuffer>, count: number, capacity: number): void {
  const words = new Uint32Array(reported.slice().buffer);
  refuseNaN(words, count);
  const missing = words[REPORT.missingSymbol];
  if (missing > 0) throw new RangeError(`table expected a frequency for symbol ${missing - 1}, got none`);
  const byteCount = words[REPORT.byteCount];
  if (byteCount > capacity) throw new GpuError('internal', `a frame of ${byteCount} bytes in ${capacity}`);
}

/** @throws {RangeError} if the kernels found NaN, as the codec says it */
export function refuseNaN(report: Uint32Array, count: number): void {
  const nanCount = report[REPORT.nanCount];
  if (nanCount === 0) return;
  const first = ~report[REPORT.nanPosition] >>> 0;
  throw new RangeError(
    `feature expected numbers, got NaN in ${nanCount} of ${count} elements, the first at ${first}`,
  );
}
