/** All figures of a report: which there are, what their files are called, and their drawings. */

import type { TopLevelSpec } from 'vega-lite';
import { contendersOf, shownFamilies } from './contenders.js';
import { drawPng, drawSvg } from './draw.js';
import { channelBitsChart, histogramChart } from './feature-charts.js';
import { depthChart, totalTimeChart } from './link-charts.js';
import { rateAccuracyChart } from './rate-accuracy-chart.js';
import type { SweepReport } from './sweep-report.js';

/** What a figure shows. */
export type FigureKind = 'rate-accuracy' | 'total-time' | 'histogram' | 'channel-bits' | 'depth';

/** One figure. */
export interface Figure {
  readonly kind: FigureKind;
  /** Name of the subject, of `depth` that of the network. */
  readonly of: string;
  /** Name for files, without an ending; unique in a report. */
  readonly name: string;
  readonly svg: string;
  readonly png: Uint8Array;
}

interface Plan {
  readonly kind: FigureKind;
  readonly of: string;
  readonly chart: TopLevelSpec | null;
  /** Tells tensors of a cut apart. */
  readonly suffix?: string;
}

/** Draws everything that the report has figures for. */
export async function drawFigures(report: SweepReport): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { kind, of, chart, suffix = '' } of plansOf(report)) {
    if (!chart) continue;
    const name = `${kind}-${of.replaceAll(/[^A-Za-z0-9.]+/g, '-')}${suffix}`;
    figures.push({ kind, of, name, svg: await drawSvg(chart), png: await drawPng(chart) });
  }
  return figures;
}

function plansOf(report: SweepReport): Plan[] {
  const { subjects, maxLoss } = report;
  const all = subjects.map((subject) => contendersOf(subject, maxLoss));
  const networks = [...new Set(subjects.flatMap(({ detail }) => (detail ? [detail.network] : [])))];
  return [
    ...networks.map((of): Plan => ({ kind: 'depth', of, chart: depthChart(of, all, maxLoss) })),
    ...all.flatMap((contenders): Plan[] => {
      const { subject, ours } = contenders;
      const { name: of, detail } = subject;
      const families = shownFamilies(subject, maxLoss);
      const highlight = ours?.family ?? families[0];
      const tensors = detail?.tensors ?? [];
      return [
        { kind: 'rate-accuracy', of, chart: rateAccuracyChart(subject, { families, highlight }) },
        { kind: 'total-time', of, chart: totalTimeChart(contenders, report) },
        ...tensors.flatMap((tensor, i): Plan[] => {
          const suffix = tensors.length > 1 ? `-${i + 1}` : '';
          return [
            { kind: 'histogram', of, chart: histogramChart(of, tensor), suffix },
            { kind: 'channel-bits', of, chart: channelBitsChart(of, tensor), suffix },
          ];
        }),
      ];
    }),
  ];
}
