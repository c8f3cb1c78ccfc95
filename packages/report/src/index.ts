/** Sweeps as charts, tables and one self-contained page. */

export { drawPng, drawSvg } from './draw.js';
export { type PageOptions, reportPage } from './page.js';
export { type ChartOptions, rateAccuracyChart } from './rate-accuracy-chart.js';
export { curvesOfSubject, type FamilyAtLoss, type FamilyCurve, familiesAtLoss } from './subject-summary.js';
export type { ReportSubject, SweepReport } from './sweep-report.js';
