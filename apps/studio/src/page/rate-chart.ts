/** Rate and accuracy of the bundle's operating points, and which is taken. */

import type { OperatingPoint } from '@featherwire/bundle';
import { html, svg } from './dom.js';
import { formatBytes, formatNumber } from './format.js';

const WIDTH = 260;
const HEIGHT = 180;
const LEFT = 50;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 34;

/** A point with its measurement. */
type MeasuredPoint = OperatingPoint & { readonly measured: NonNullable<OperatingPoint['measured']> };

/**
 * @param current - id of the operating point that was taken last
 * @param sent - bytes of the last request, marked on the axis
 * @param choose - called with the id of a point that is clicked; the list of points does the same by keyboard
 */
export function rateChart(
  points: readonly OperatingPoint[],
  { current, sent, choose }: { current: string | null; sent: number | null; choose: (id: string) => void },
): HTMLElement {
  const measured = points.filter((point): point is MeasuredPoint => point.measured !== undefined);
  if (measured.length === 0) {
    return html(
      'p',
      { class: 'hint' },
      'No operating point has been measured: featherwire calibrate does that.',
    );
  }
  const { metric, data, reference } = measured[0].measured;
  const rates = [...measured.map((point) => point.measured.bytesPerSample), ...(sent ? [sent] : [])];
  const values = [
    ...measured.map((point) => point.measured.metric.value),
    ...(reference === undefined ? [] : [reference]),
  ];
  const x = logScale(Math.min(...rates) / 1.25, Math.max(...rates) * 1.25);
  const y = linearScale(Math.min(...values), Math.max(...values));
  const sorted = [...measured].sort((a, b) => a.measured.bytesPerSample - b.measured.bytesPerSample);
  const line = sorted
    .map(
      ({
        measured: {
          bytesPerSample,
          metric: { value },
        },
      }) => `${x(bytesPerSample)},${y(value)}`,
    )
    .join(' ');
  const dots = measured.map(
    ({
      id,
      measured: {
        bytesPerSample,
        metric: { value },
      },
    }) => {
      const dot = svg(
        'circle',
        {
          class: id === current ? 'dot current' : 'dot',
          cx: x(bytesPerSample),
          cy: y(value),
          r: id === current ? 7 : 5,
        },
        svg('title', {}, `${id}: ${formatBytes(bytesPerSample)}, ${formatNumber(value)}`),
      );
      dot.addEventListener('click', () => choose(id));
      return dot;
    },
  );
  const now = measured.find(({ id }) => id === current);
  const label = `Accuracy over rate of ${measured.length} operating points, from ${formatBytes(sorted[0].measured.bytesPerSample)} to ${formatBytes(sorted.at(-1)!.measured.bytesPerSample)} a sample${now ? `; taken: ${now.id}` : ''}`;
  const ends = [Math.min(...rates), Math.max(...rates)];
  return html(
    'figure',
    { class: 'rate' },
    svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, class: 'chart' },
      svg('line', { class: 'axis', x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
      svg('line', { class: 'axis', x1: LEFT, x2: LEFT, y1: TOP, y2: HEIGHT - BOTTOM }),
      ...(reference === undefined
        ? []
        : [
            svg('line', {
              class: 'reference',
              x1: LEFT,
              x2: WIDTH - RIGHT,
              y1: y(reference),
              y2: y(reference),
            }),
            svg('text', { x: LEFT + 5, y: y(reference) - 5 }, 'unsplit'),
          ]),
      svg('polyline', { class: 'curve', points: line }),
      ...(sent
        ? [svg('line', { class: 'sent', x1: x(sent), x2: x(sent), y1: TOP, y2: HEIGHT - BOTTOM })]
        : []),
      ...dots,
      ...ends.map((bytes, i) =>
        svg(
          'text',
          { x: x(bytes), y: HEIGHT - BOTTOM + 14, 'text-anchor': i === 0 ? 'start' : 'end' },
          formatBytes(bytes),
        ),
      ),
      svg(
        'text',
        { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 4, 'text-anchor': 'middle' },
        'bytes a sample, logarithmic',
      ),
      ...[Math.min(...values), Math.max(...values)].map((value) =>
        svg('text', { x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }, formatNumber(value)),
      ),
    ),
    html(
      'figcaption',
      { class: 'legend' },
      html('span', { class: 'key dot' }, `${metric.name}, measured on ${data}`),
      ...(sent ? [html('span', { class: 'key sent' }, `this request: ${formatBytes(sent)}`)] : []),
    ),
  );
}

function logScale(low: number, high: number): (value: number) => number {
  const span = Math.log(high / low) || 1;
  return (value) => Number((LEFT + ((WIDTH - LEFT - RIGHT) * Math.log(value / low)) / span).toFixed(1));
}

function linearScale(low: number, high: number): (value: number) => number {
  const room = (high - low || Math.abs(high) || 1) * 0.12;
  const span = high - low + 2 * room;
  return (value) =>
    Number((HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * (value - low + room)) / span).toFixed(1));
}
