/** Sweeps as charts, tables and one self-contained page. */

export { bytesOf, type Contenders, contendersOf, shownFamilies } from './contenders.js';
export { drawPng, drawSvg } from './draw.js';
export { channelBitsChart, histogramChart } from './feature-charts.js';
export { drawFigures, type Figure, type FigureKind } from './figures.js';
export { depthChart, totalTimeChart } from './link-charts.js';
export { type PageOptions, reportPage } from './page.js';
export { type ChartOptions, rateAccuracyChart } from './rate-accuracy-chart.js';
export { curvesOfSubject, type FamilyAtLoss, type FamilyCurve, familiesAtLoss } from './subject-summary.js';
export type { ReportSubject, SubjectDetail, SweepReport } from './sweep-report.js';
