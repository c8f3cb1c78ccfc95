/** What a coding does on a data set, by itself: for test data that calibration never saw. */

import type { MeasuredPoint } from './calibration.js';
import type { Coding } from './families.js';
import { measureCoding } from './measure.js';
import { measurementOf } from './measurement.js';
import { type OpenOptions, openSamples } from './split-samples.js';

/**
 * Measures a coding on all samples of a data set.
 * @throws as `calibrate`
 */
export async function measureOnData({
  coding,
  confidence = 0.95,
  ...options
}: Omit<OpenOptions, 'sampleCount'> & {
  readonly coding: Coding;
  /** Of the interval; 0.95 by default. */
  readonly confidence?: number;
}): Promise<MeasuredPoint> {
  const samples = await openSamples(options);
  try {
    const { design, selection, claim } = samples.parts;
    const coded = await measureCoding(coding, [...design, ...selection, ...claim], samples.bench);
    return measurementOf(coded, samples, options.source.data.description, confidence);
  } finally {
    await samples.close();
  }
}
