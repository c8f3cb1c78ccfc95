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
