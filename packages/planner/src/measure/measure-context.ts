/** What all measurements share. */

import type { Backend } from '@featherwire/codec';
import type { TaskScore } from '@featherwire/eval';
import type { PreparedSamples } from './samples.js';

/** Told how far the work is. */
export interface PlanProgress {
  /** A stage begins, with a few words. */
  stage(label: string): void;
  progress(done: number, total: number): void;
}

/** What all measurements share. */
export interface MeasureContext {
  readonly samples: PreparedSamples;
  readonly score: TaskScore;
  readonly backend: Backend;
  /** Sessions that run at the same time where times are not measured. */
  readonly parallelism: number;
  /** Samples whose times are measured, one at a time. */
  readonly timedSamples: number;
  readonly progress: PlanProgress;
  readonly signal: AbortSignal;
}

/** Samples that are run before those that are timed. */
export const WARM_UP_SAMPLES = 2;
