/** The main job as a library: runs it, and lays its result out for a terminal. */

export type { ProgressReporter } from './progress.js';
export { formatDemoTable } from './report.js';
export type { DemoResult } from './result.js';
export type { DemoRow, LineTimes } from './rows.js';
export { type DemoOptions, runDemo } from './run-demo.js';
export type { TotalsOfLink } from './totals.js';
