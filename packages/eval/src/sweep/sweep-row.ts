/** What a sweep finds of one method at one setting on one cut: always the metric, the bytes, both times and the device's work. */

import type { ProgramTimes } from '../baselines/features/external-tools.js';
import type { Estimate } from '../metrics/bootstrap.js';

/** One line of a sweep. */
export interface SweepRow {
  /** Network and cut. */
  readonly subject: string;
  /** Methods of one curve. */
  readonly family: string;
  /** The method with its setting. */
  readonly method: string;
  readonly sampleCount: number;
  readonly metric: Estimate & { readonly name: string };
  /** How much worse than the unsplit network on the same samples, paired; in the unit of the metric, below 0 if better. */
  readonly loss: Estimate;
  /** Bytes of a sample with all headers and its share of what all share. */
  readonly bytesPerSample: { readonly mean: number; readonly p50: number; readonly p95: number };
  /** `8 * bytes / elements` of the cut; null where no feature travels. */
  readonly bitsPerElement: number | null;
  /** Mean wall time of a sample; null where programs outside do the work. */
  readonly encodeMs: number | null;
  readonly decodeMs: number | null;
  /** Mean wall time of the programs outside for a sample, their start included; null where there are none. */
  readonly programs: ProgramTimes | null;
  /** Multiply-accumulate operations on the device for one sample: those before the cut, 0 where the input is sent; null if unknown. */
  readonly headMacs: number | null;
  /** With the bundle's exit before the method, where it has one and a feature travels. */
  readonly exit?: RowExit;
}

/** What an exit makes of a row: it answers some samples on the device, whatever the method. */
export interface RowExit {
  /** Of the samples, in [0, 1]. */
  readonly answeredShare: number;
  /** As `bytesPerSample.mean`, none for those that it answers. */
  readonly bytesPerDecision: number;
  readonly metric: Estimate & { readonly name: string };
  /** As that of the row. */
  readonly loss: Estimate;
}

/** Why a method has no row. */
export interface SkippedMethod {
  readonly subject: string;
  readonly family: string;
  readonly method: string;
  readonly reason: string;
}
