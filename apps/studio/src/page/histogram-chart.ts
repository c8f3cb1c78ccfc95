/** How values are distributed, with decision thresholds and reconstruction levels over them. */

import type { ValueHistogram } from '../messages.js';
import { html, svg } from './dom.js';
import { formatCount, formatNumber } from './format.js';

const WIDTH = 560;
const HEIGHT = 130;
const FLOOR = HEIGHT - 22;

/** Heights go by the logarithm: features have most of their values at 0. */
export function histogramChart(histogram: ValueHistogram): HTMLElement {
  const { low, high, counts, thresholds, levels, note } = histogram;
  const most = Math.log1p(Math.max(...counts));
  const step = WIDTH / counts.length;
  const xOf = (value: number): number => (high > low ? (WIDTH * (value - low)) / (high - low) : WIDTH / 2);
  const bars = [...counts].map((count, i) => {
    const height = most > 0 ? (Math.log1p(count) / most) * (FLOOR - 12) : 0;
    return svg('rect', {
      class: 'bar',
      x: (i * step + 0.5).toFixed(2),
      y: (FLOOR - height).toFixed(2),
      width: (step - 1).toFixed(2),
      height: height.toFixed(2),
    });
  });
  const lines = thresholds.map((at) =>
    svg('line', { class: 'threshold', x1: xOf(at), x2: xOf(at), y1: 6, y2: FLOOR }),
  );
  const marks = levels
    .filter((at) => at >= low && at <= high)
    .map((at) =>
      svg('circle', { class: 'level', cx: xOf(at), cy: FLOOR + 1, r: levels.length > 24 ? 2 : 3.5 }),
    );
  const label = `Distribution of ${formatCount(counts.reduce((sum, count) => sum + count, 0))} values from ${formatNumber(low)} to ${formatNumber(high)}, ${levels.length} reconstruction levels`;
  const drawing = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, class: 'chart' },
    ...bars,
    ...lines,
    svg('line', { class: 'axis', x1: 0, x2: WIDTH, y1: FLOOR, y2: FLOOR }),
    ...marks,
    svg('text', { x: 0, y: HEIGHT - 3 }, formatNumber(low)),
    svg('text', { x: WIDTH, y: HEIGHT - 3, 'text-anchor': 'end' }, formatNumber(high)),
  );
  const legend = html(
    'figcaption',
    { class: 'legend' },
    html('span', { class: 'key bar' }, 'values, logarithmic'),
    ...(thresholds.length > 0 ? [html('span', { class: 'key threshold' }, 'decision thresholds')] : []),
    ...(marks.length > 0 ? [html('span', { class: 'key level' }, 'reconstruction levels')] : []),
    ...(note ? [html('span', {}, note)] : []),
  );
  return html('figure', {}, drawing, legend);
}
