/** What each channel adds to the frame. */

import type { RunDetails } from '../messages.js';
import { html, svg } from './dom.js';
import { formatNumber } from './format.js';

const WIDTH = 560;
const HEIGHT = 96;
const FLOOR = HEIGHT - 18;
const BITS = 8;

export function channelChart({ bytes, channelsPerGroup }: NonNullable<RunDetails['channels']>): HTMLElement {
  const most = Math.max(...bytes, 1);
  const step = WIDTH / bytes.length;
  const bars = bytes.map((added, i) => {
    const height = (Math.max(0, added) / most) * (FLOOR - 8);
    const first = i * channelsPerGroup;
    const name =
      channelsPerGroup === 1 ? `channel ${first}` : `channels ${first} to ${first + channelsPerGroup - 1}`;
    return svg(
      'rect',
      {
        class: 'bar',
        x: (i * step + 0.5).toFixed(2),
        y: (FLOOR - height).toFixed(2),
        width: Math.max(0.5, step - 1).toFixed(2),
        height: height.toFixed(2),
      },
      svg('title', {}, `${name}: ${BITS * added} bits`),
    );
  });
  const label = `Bits that each of ${bytes.length} ${channelsPerGroup === 1 ? 'channels' : `groups of ${channelsPerGroup} channels`} adds to the frame, ${BITS * Math.min(...bytes)} to ${BITS * most}`;
  const drawing = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, class: 'chart' },
    ...bars,
    svg('line', { class: 'axis', x1: 0, x2: WIDTH, y1: FLOOR, y2: FLOOR }),
    svg('text', { x: 0, y: HEIGHT - 3 }, '0'),
    svg('text', { x: WIDTH, y: HEIGHT - 3, 'text-anchor': 'end' }, `${bytes.length * channelsPerGroup - 1}`),
    svg('text', { x: 2, y: 10 }, `${formatNumber(BITS * most)} bits`),
  );
  const unit = channelsPerGroup === 1 ? 'channel' : `group of ${channelsPerGroup} channels`;
  return html(
    'figure',
    {},
    drawing,
    html(
      'figcaption',
      { class: 'legend' },
      `Bits that the frame loses without the ${unit}: measured, by coding again with zeros in its place.`,
    ),
  );
}
