/** What the demo gives: measured rows and computed totals, kept apart. */

import type { DemoRow } from './rows.js';
import type { TotalsOfLink } from './totals.js';

/** All that `featherwire demo --json` prints. */
export interface DemoResult {
  readonly network: { readonly name: string; readonly sha256: string; readonly bytes: number };
  /** How the lines can be made again. */
  readonly data: { readonly test: string; readonly calibration: string };
  readonly machine: { readonly processor: string; readonly cores: number; readonly node: string };
  readonly backend: string;
  readonly quick: boolean;
  /** Wall time of the whole demo. */
  readonly seconds: number;
  /** Measured. */
  readonly rows: readonly DemoRow[];
  /** Computed from `rows`. */
  readonly totals: readonly TotalsOfLink[];
}
