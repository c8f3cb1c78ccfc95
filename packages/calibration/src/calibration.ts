/** What calibration takes and gives, as records. */

import type { Measurement } from '@featherwire/bundle';
import type { Backend } from '@featherwire/codec';
import type { PairedHits } from '@featherwire/eval';
import type { Coding, Family } from './families.js';
import type { Rung } from './ladder.js';
import type { PictureRate } from './picture-rates.js';
import type { CurvePoint } from './search.js';
import type { SplitSource } from './split-samples.js';

/** How far a job is; the command decides how that looks. */
export interface CalibrationProgress {
  stage(label: string): void;
  /** @param done - from 0 to `total`, which is at least 1 */
  progress(done: number, total: number): void;
}

/** What to calibrate, and how. */
export interface CalibrationOptions {
  readonly source: SplitSource;
  readonly backend: Backend;
  /** Allowed loss in hundredths of the metric; 1 by default. */
  readonly maxLoss?: number;
  /** Points of the ladder, from 1; 5 by default. */
  readonly pointCount?: number;
  /** Samples to use, from 6; all by default. */
  readonly sampleCount?: number;
  /** 1 by default. */
  readonly seed?: number;
  /** Of the intervals; 0.95 by default. */
  readonly confidence?: number;
  /** `least` gives the points of the ladder fine context models where those save bytes; `size` by default. */
  readonly contexts?: 'size' | 'least';
  /** Bytes of features that are kept in memory; the rest goes to a temporary file. */
  readonly memoryBytes?: number;
  readonly progress?: CalibrationProgress;
  readonly signal?: AbortSignal;
}

/** A measurement with its loss. */
export type MeasuredPoint = Measurement & { readonly loss: NonNullable<Measurement['loss']> };

/** A point of the ladder. */
export interface CalibratedPoint extends Rung {
  readonly id: string;
  /** Name of its family. */
  readonly family: string;
  readonly kind: Family['kind'];
  readonly coding: Coding;
  readonly bitsPerElement: number;
  /** On samples that took part in nothing else. */
  readonly measured: MeasuredPoint;
  /** The exact test beside the interval, on the same samples; null where the metric is not of hits and misses. */
  readonly hits: PairedHits | null;
}

/** The same damage to the output by another kind of coding. */
export interface Comparison {
  readonly family: string;
  readonly kind: Family['kind'];
  /** Mean bytes of a sample where the output is as far from the unsplit network's as that of the chosen point. */
  readonly bytesPerSample: number;
  /** Share of these bytes that the chosen point saves, headers included; negative if it takes more. */
  readonly saved: number;
}

/** What calibration found. */
export interface Calibration {
  /** From few bytes to many; each is best at its rate. */
  readonly points: readonly CalibratedPoint[];
  /** Id of the point of fewest bytes within the allowed loss; null if none was found. */
  readonly chosen: string | null;
  readonly maxLoss: number;
  readonly metric: { readonly name: string; readonly better: 'higher' | 'lower' };
  /** Samples of each part. */
  readonly samples: { readonly design: number; readonly selection: number; readonly claim: number };
  /** Loss of the chosen point on the samples that it was chosen by. */
  readonly selectionLoss: number | null;
  /**
   * Loss if each of these samples is given the unsplit answer to another one; null where such answers do not compare. Where
   * it is within `maxLoss`, the samples tell no coding from sending nothing.
   */
  readonly exchangedLoss: number | null;
  /** What other kinds of coding take for the same output. */
  readonly comparisons: readonly Comparison[];
  /** Rough curves of all families that were tried, on a few samples. */
  readonly families: readonly { readonly name: string; readonly curve: readonly CurvePoint[] }[];
  /** Pictures as files of the same allowed loss, where the data are pictures. */
  readonly pictures: readonly PictureRate[];
  readonly elementsPerSample: number;
}
