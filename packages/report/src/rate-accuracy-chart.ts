/** The rate-accuracy chart of a subject as a Vega-Lite specification: bytes on a logarithmic axis, intervals as bars. */

import type { TopLevelSpec } from 'vega-lite';
import { CHART_FONT } from './draw.js';
import { curvesOfSubject } from './subject-summary.js';
import type { ReportSubject } from './sweep-report.js';

/** How a chart is drawn. */
export interface ChartOptions {
  /** Family drawn above all others. */
  readonly highlight?: string;
  /** Largest loss shown, in the unit of the metric; worse points lie below the chart. 0.2 by default. */
  readonly shownLoss?: number;
}

const WIDTH = 640;
const HEIGHT = 380;
const DEFAULT_SHOWN_LOSS = 0.2;
/** Room beside the cheapest and the dearest point, as a factor. */
const PADDING = 1.15;
/** Room above the unsplit network, as a share of the loss shown. */
const HEADROOM = 0.25;
/** Distinct on white and under the usual color blindness; the first is the highlight's. */
const COLORS = [
  '#111111',
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#8a6d00',
  '#7f7f7f',
  '#7a3b9a',
  '#b03a3a',
  '#3a7d7d',
];
const FONT = `${CHART_FONT}, Helvetica, Arial, sans-serif`;

/** The specification; it holds its data. */
export function rateAccuracyChart(
  subject: ReportSubject,
  { highlight, shownLoss = DEFAULT_SHOWN_LOSS }: ChartOptions = {},
): TopLevelSpec {
  const curves = curvesOfSubject(subject);
  const families = curves.map(({ family }) => family);
  if (highlight && families.includes(highlight)) {
    families.splice(families.indexOf(highlight), 1);
    families.unshift(highlight);
  }
  const { better, unsplit, name } = subject.metric;
  const sign = better === 'higher' ? 1 : -1;
  const domain = [unsplit - sign * shownLoss, unsplit + sign * shownLoss * HEADROOM].map((value) =>
    Math.min(Math.max(value, 0), 1),
  );
  const color = {
    field: 'family',
    type: 'nominal',
    scale: { domain: families, range: families.map((_, i) => COLORS[i % COLORS.length]) },
    legend: { title: null, symbolOpacity: 1 },
  } as const;
  const x = {
    field: 'bytes',
    type: 'quantitative',
    scale: {
      type: 'log',
      nice: false,
      domain: paddedRange(subject.rows.map((row) => row.bytesPerSample.mean)),
    },
    axis: { title: 'bytes per sample, all headers (logarithmic)', grid: true, format: '~s' },
  } as const;
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [...domain].sort((a, b) => a - b), zero: false, reverse: better === 'lower' },
    axis: { title: better === 'lower' ? `${name} (fewer is up)` : name, format: '.1%' },
  } as const;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: subject.name, subtitle: subject.data, anchor: 'start' },
    width: WIDTH,
    height: HEIGHT,
    background: 'white',
    config: { font: FONT, axis: { labelFontSize: 11, titleFontSize: 12 }, legend: { labelFontSize: 11 } },
    data: { values: points(curves) },
    layer: [
      {
        data: { values: [{ value: unsplit }] },
        mark: { type: 'rule', strokeDash: [6, 4], color: '#555555' },
        encoding: { y },
      },
      {
        transform: [{ filter: 'datum.kept' }],
        mark: { type: 'line', clip: true, interpolate: 'linear' },
        encoding: {
          x,
          y,
          color,
          order: { field: 'bytes' },
          size: highlight
            ? { condition: { test: `datum.family === ${JSON.stringify(highlight)}`, value: 3 }, value: 1.3 }
            : { value: 1.3 },
        },
      },
      {
        mark: { type: 'rule', clip: true, opacity: 0.35 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      {
        mark: { type: 'point', clip: true, filled: true, size: 28 },
        encoding: {
          x,
          y,
          color,
          opacity: { condition: { test: 'datum.kept', value: 1 }, value: 0.4 },
          tooltip: [
            { field: 'method' },
            { field: 'bytes', format: '.1f' },
            { field: 'value', format: '.2%' },
          ],
        },
      },
    ],
  };
}

/** So that no point lies on the frame. */
function paddedRange(rates: readonly number[]): [number, number] {
  return [Math.min(...rates) / PADDING, Math.max(...rates) * PADDING];
}

function points(curves: ReturnType<typeof curvesOfSubject>): object[] {
  return curves.flatMap(({ family, rows, envelope }) =>
    rows.map((row) => ({
      family,
      method: row.method,
      bytes: row.bytesPerSample.mean,
      value: row.metric.value,
      low: row.metric.low,
      high: row.metric.high,
      kept: envelope.includes(row),
    })),
  );
}
