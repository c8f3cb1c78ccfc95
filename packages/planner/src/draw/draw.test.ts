/** What drawings show of a choice: every way once, lengths in proportion, text that is no markup. */

import { describe, expect, test } from 'vitest';
import { choose } from '../choice/choose.js';
import type { Way } from '../choice/way.js';
import { drawBars } from './bars.js';
import { drawPlan } from './plan-svg.js';
import { shownWays } from './shown-ways.js';

const same = (value: number) => ({ p50: value, p95: value });
const link = { name: 'test', uplinkMbps: 8, downlinkMbps: 8, roundTripMs: 10, jitterMs: 0, lossRate: 0 };

function split(id: string, label: string, deviceMs: number, points: number): Way {
  return {
    ...{ id, kind: 'split', label, setting: id, deviceMacs: 1, metric: 1, loss: { points, interval: null } },
    ...{
      deviceMs: same(deviceMs),
      serverMs: same(10),
      exchangeMs: same(0),
      uplinkBytes: same(10_000),
      downlinkBytes: 0,
    },
  };
}

const device: Way = {
  ...split('device', 'all on the device', 80, 0),
  ...{ kind: 'device', setting: '', serverMs: same(0), uplinkBytes: same(0) },
};
const ways = [
  device,
  split('coarse', 'split at <a>', 20, 5),
  split('fine', 'split at <a>', 30, 0.5),
  split('finer', 'split at <a>', 40, 0.1),
  split('lossy', 'split at b', 20, 3),
  split('lossier', 'split at b', 10, 4),
];
const choice = choose(ways, link, { maxLossPoints: 1 });

test('of every cut the fastest point that keeps the loss is shown, else the one that loses least', () => {
  expect(shownWays(choice).map(({ way }) => way.id)).toEqual(['lossy', 'fine', 'device']);
});

describe('bars', () => {
  test('are as long as totals, and made of their parts', () => {
    // fine: 30 on the device, 10 + 10 on the link, 10 on the server; device: 80.
    const [, fine, whole] = drawBars(shownWays(choice), 80);
    expect(whole).toBe('█'.repeat(80));
    expect(fine).toBe('█'.repeat(30) + '░'.repeat(20) + '▓'.repeat(10));
  });

  test('that are far too long are cut', () => {
    const slow = { ...device, deviceMs: same(10_000) };
    const bars = drawBars(choose([slow, ways[2]], link, { maxLossPoints: 1 }).ways, 60);
    expect(bars[0]).toHaveLength(10);
    expect(bars[1]).toBe(`${'█'.repeat(60)}›`);
  });
});

test('the picture names every way shown, escapes text and has no number that is none', () => {
  const svg = drawPlan(choice, 'a & b');
  expect(svg).toContain('a &amp; b');
  expect(svg).toContain('split at &lt;a&gt;, fine');
  expect(svg).toContain('all on the device');
  expect(svg).not.toMatch(/NaN|Infinity|undefined|<a>/);
  expect(svg.match(/<polyline/g)).toHaveLength(3);
});
