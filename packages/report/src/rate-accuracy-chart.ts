/** The rate-accuracy chart of a subject as a Vega-Lite specification: bytes on a logarithmic axis, intervals as bars. */

import type { TopLevelSpec } from 'vega-lite';
import { CHART_BASE, CHART_COLORS, CHART_WIDTH, logAxis } from './chart-style.js';
import { curvesOfSubject } from './subject-summary.js';
import type { ReportSubject } from './sweep-report.js';

/** How a chart is drawn. */
export interface ChartOptions {
  /** Family drawn above all others. */
  readonly highlight?: string;
  /** Families drawn, in the order of the legend; all by default. */
  readonly families?: readonly string[];
  /** Largest loss shown, in the unit of the metric; worse points lie below the chart. 0.2 by default. */
  readonly shownLoss?: number;
}

const HEIGHT = 380;
const DEFAULT_SHOWN_LOSS = 0.2;
/** Least room above the unsplit network, as a share of the loss shown. */
const HEADROOM = 0.25;

/** The specification; it holds its data. */
export function rateAccuracyChart(
  subject: ReportSubject,
  { highlight, families: wanted, shownLoss = DEFAULT_SHOWN_LOSS }: ChartOptions = {},
): TopLevelSpec {
  const all = curvesOfSubject(subject);
  const families = [...(wanted ?? all.map(({ family }) => family))];
  const curves = all.filter(({ family }) => families.includes(family));
  if (highlight && families.includes(highlight)) {
    families.splice(families.indexOf(highlight), 1);
    families.unshift(highlight);
  }
  const { better, unsplit, name } = subject.metric;
  const sign = better === 'higher' ? 1 : -1;
  // With few samples points lie well above the unsplit network, and what is best is not to be cut off.
  const most = curves.flatMap(({ rows }) => rows).map(({ metric }) => sign * (metric.value - unsplit));
  const headroom = most.reduce((a, b) => Math.max(a, b), shownLoss * HEADROOM);
  const domain = [unsplit - sign * shownLoss, unsplit + sign * headroom].map((value) =>
    Math.min(Math.max(value, 0), 1),
  );
  const color = {
    field: 'family',
    type: 'nominal',
    scale: { domain: families, range: families.map((_, i) => CHART_COLORS[i % CHART_COLORS.length]) },
    legend: { title: null, symbolOpacity: 1 },
  } as const;
  const { domain: rates, values: ticks } = logAxis(
    curves.flatMap(({ rows }) => rows).map((row) => row.bytesPerSample.mean),
  );
  const x = {
    field: 'bytes',
    type: 'quantitative',
    scale: { type: 'log', nice: false, domain: rates },
    axis: { title: 'bytes per sample, all headers (logarithmic)', grid: true, format: '~s', values: ticks },
  } as const;
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [...domain].sort((a, b) => a - b), zero: false, reverse: better === 'lower' },
    axis: { title: better === 'lower' ? `${name} (fewer is up)` : name, format: '.1%' },
  } as const;
  return {
    ...CHART_BASE,
    title: {
      text: subject.name,
      subtitle: [...subject.data.split('; '), 'dashed: the unsplit network; bars: 95 % intervals'],
    },
    width: CHART_WIDTH,
    height: HEIGHT,
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
