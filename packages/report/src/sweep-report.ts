/** A finished sweep with everything that says how it was made: what is committed as JSON and drawn from. */

import type { FeatureSummary, PartTimes, SkippedMethod, SweepRow } from '@featherwire/eval';

/** Everything of one run. */
export interface SweepReport {
  /** Makes the report again. */
  readonly command: string;
  /** Of the code, null outside a repository. */
  readonly commit: string | null;
  readonly machine: { readonly processor: string; readonly cores: number; readonly node: string };
  readonly seed: number;
  /** Loss to the unsplit network at which methods are compared, in the unit of the metric. */
  readonly maxLoss: number;
  /** How many times as long as this machine the device takes, in figures of total time. */
  readonly deviceSlowdown: number;
  readonly subjects: readonly ReportSubject[];
}

/** One network at one cut. */
export interface ReportSubject {
  readonly name: string;
  /** Which data, with seeds and counts. */
  readonly data: string;
  readonly metric: { readonly name: string; readonly better: 'higher' | 'lower'; readonly unsplit: number };
  readonly rows: readonly SweepRow[];
  readonly skipped: readonly SkippedMethod[];
  /** What figures beside rate and accuracy are drawn from; none if only rows were measured. */
  readonly detail?: SubjectDetail;
}

/** The cut and its networks. */
export interface SubjectDetail {
  readonly network: string;
  readonly cut: readonly string[];
  /** Multiply-accumulate operations of one sample, null if unknown. */
  readonly headMacs: number | null;
  readonly wholeMacs: number | null;
  readonly times: PartTimes;
  /** One for each tensor of the cut. */
  readonly tensors: readonly FeatureSummary[];
}
