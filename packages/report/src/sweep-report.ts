/** A finished sweep with everything that says how it was made: what is committed as JSON and drawn from. */

import type { SkippedMethod, SweepRow } from '@featherwire/eval';

/** Everything of one run. */
export interface SweepReport {
  /** Makes the report again. */
  readonly command: string;
  /** Of the code, null outside a repository. */
  readonly commit: string | null;
  readonly machine: { readonly processor: string; readonly cores: number; readonly node: string };
  readonly seed: number;
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
}
