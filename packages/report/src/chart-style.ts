/** What all charts have in common: size, font, colors. */

import { CHART_FONT } from './draw.js';

/** Units of the plot, without axes and legend. */
export const CHART_WIDTH = 640;

/** Distinct on white and under the usual color blindness; the first is the highlight's. */
export const CHART_COLORS: readonly string[] = [
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

/** Of every specification. */
export const CHART_BASE = {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  padding: 12,
  config: {
    font: `${CHART_FONT}, Helvetica, Arial, sans-serif`,
    axis: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: 'normal' },
    legend: { labelFontSize: 11, labelLimit: 320 },
    title: { fontSize: 14, subtitleFontSize: 11, anchor: 'start', offset: 10, subtitlePadding: 4 },
  },
} as const;

/** Steps of a logarithmic axis within a decade. */
const LOG_STEPS = [1, 2, 5];
/** Room beside the smallest and the largest value, as a factor. */
const LOG_ROOM = 1.15;
/** Of more decades only the powers of ten are marked. */
const MAX_FULL_DECADES = 4;

/** What a logarithmic axis needs. */
export interface LogAxis {
  readonly domain: [number, number];
  /** 1, 2 and 5 of each decade, of many decades the first alone. */
  readonly values: number[];
}

/** The axis of some values, all above 0, with a little room at both ends. */
export function logAxis(values: readonly number[]): LogAxis {
  const domain: [number, number] = [Math.min(...values) / LOG_ROOM, Math.max(...values) * LOG_ROOM];
  const [first, last] = domain.map((end) => Math.floor(Math.log10(end)));
  const steps = last - first > MAX_FULL_DECADES ? LOG_STEPS.slice(0, 1) : LOG_STEPS;
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    steps.map((step) => Number((step * 10 ** (first + i)).toPrecision(6))),
  ).flat();
  return { domain, values: ticks.filter((tick) => tick >= domain[0] && tick <= domain[1]) };
}
