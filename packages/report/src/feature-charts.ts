/** Charts of a cut's feature: the distribution of its values with the limits of clipping, and what its channels cost. */

import type { FeatureSummary } from '@featherwire/eval';
import type { TopLevelSpec } from 'vega-lite';
import { CHART_BASE, CHART_COLORS, CHART_WIDTH } from './chart-style.js';

const HEIGHT = 240;
/** Shares below this lie on the axis of a logarithmic chart. */
const SMALLEST_SHARE = 1e-6;

/**
 * The histogram of a tensor's values, shares on a logarithmic axis, with the clip limits as lines.
 * @param subject - network and cut, for the title
 */
export function histogramChart(
  subject: string,
  { low, high, histogram, clip }: FeatureSummary,
): TopLevelSpec {
  const width = (high - low) / histogram.length;
  const bins = histogram.map((share, i) => ({
    from: low + i * width,
    to: low + (i + 1) * width,
    share: Math.max(share, SMALLEST_SHARE),
    floor: SMALLEST_SHARE,
  }));
  const limits = [clip.low, clip.high].map((value) => ({ value }));
  return {
    ...CHART_BASE,
    title: {
      text: `${subject}: values`,
      subtitle: `share of the elements; lines: clip limits of least squared error at ${clip.levelCount} levels, ${clip.low.toPrecision(3)} and ${clip.high.toPrecision(3)}`,
    },
    width: CHART_WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: bins },
        mark: { type: 'rect', clip: true, color: CHART_COLORS[1] },
        encoding: {
          x: {
            field: 'from',
            type: 'quantitative',
            scale: { nice: false, zero: false },
            axis: { title: 'value of an element' },
          },
          x2: { field: 'to' },
          y: {
            field: 'share',
            type: 'quantitative',
            scale: { type: 'log', domain: [SMALLEST_SHARE, 1] },
            axis: {
              title: 'share (logarithmic)',
              format: '.0e',
              values: [1, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6],
            },
          },
          y2: { field: 'floor' },
        },
      },
      {
        data: { values: limits },
        mark: { type: 'rule', clip: true, color: CHART_COLORS[2], strokeWidth: 2, strokeDash: [6, 3] },
        encoding: { x: { field: 'value', type: 'quantitative' } },
      },
    ],
  };
}

/** Entropy of the indices of each channel, channels from dear to cheap. */
export function channelBitsChart(subject: string, { channelBits, clip }: FeatureSummary): TopLevelSpec {
  const values = [...channelBits]
    .sort((a, b) => b - a)
    .map((bits, i) => ({ from: i, to: i + 1, bits, zero: 0 }));
  const mean = channelBits.reduce((sum, bits) => sum + bits, 0) / channelBits.length;
  return {
    ...CHART_BASE,
    title: {
      text: `${subject}: bits per channel`,
      subtitle: `order-0 entropy of indices at ${clip.levelCount} levels, an estimate; dashed: mean of ${mean.toFixed(2)} bit per element`,
    },
    width: CHART_WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values },
        mark: { type: 'rect', clip: true, color: CHART_COLORS[1] },
        encoding: {
          x: {
            field: 'from',
            type: 'quantitative',
            scale: { nice: false, zero: false, domain: [0, channelBits.length] },
            axis: { title: 'channels, from dear to cheap', format: 'd', tickMinStep: 1 },
          },
          x2: { field: 'to' },
          y: { field: 'bits', type: 'quantitative', axis: { title: 'bit per element' } },
          y2: { field: 'zero' },
        },
      },
      {
        data: { values: [{ mean }] },
        mark: { type: 'rule', clip: true, color: CHART_COLORS[2], strokeDash: [6, 3], strokeWidth: 2 },
        encoding: { y: { field: 'mean', type: 'quantitative' } },
      },
    ],
  };
}
