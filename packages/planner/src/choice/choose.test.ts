/** Hand-computed cases of the choice, and random ones against trying every bandwidth. */

import type { LinkProfile } from '@featherwire/link';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fastestByBandwidth, type WayLine } from './break-even.js';
import { choose } from './choose.js';
import { paretoFront } from './pareto.js';
import { totalLine, totalOf } from './total.js';
import type { Way, WayExit, WayKind } from './way.js';

const same = (value: number) => ({ p50: value, p95: value });

function way(id: string, kind: WayKind, figures: Partial<Way> = {}): Way {
  return {
    ...{ id, kind, label: id, setting: '', deviceMacs: 0, metric: 0.9, loss: { points: 0, interval: null } },
    ...{ deviceMs: same(0), serverMs: same(0), exchangeMs: same(0), uplinkBytes: same(0), downlinkBytes: 0 },
    ...figures,
  };
}

const link: LinkProfile = {
  ...{ name: 'test', uplinkMbps: 8, downlinkMbps: 16, roundTripMs: 20, jitterMs: 0, lossRate: 0 },
};
const device = way('device', 'device', { deviceMs: same(100), deviceMacs: 1000 });
/** 30 + 20 + 5 + 2 ms, and 1 ms for each 1,000 bytes at 8 Mbit/s. */
const split = way('split', 'split', {
  deviceMs: same(30),
  serverMs: same(5),
  uplinkBytes: same(2000),
  downlinkBytes: 4000,
  deviceMacs: 300,
  loss: { points: 0.5, interval: [0, 1] },
});
const picture = way('jpeg', 'picture', {
  deviceMs: same(3),
  serverMs: same(12),
  uplinkBytes: same(20_000),
  downlinkBytes: 4000,
  loss: { points: 0.9, interval: null },
});

describe('totals', () => {
  test('are the stages one after the other', () => {
    expect(totalOf(device, link)).toEqual({ p50: 100, p95: 100 });
    expect(totalOf(split, link).p50).toBeCloseTo(30 + 5 + 20 + 2 + 2, 10);
    expect(totalOf(picture, link).p50).toBeCloseTo(3 + 12 + 20 + 2 + 20, 10);
    const exchanging = { ...split, exchangeMs: same(1.5) };
    expect(totalOf(exchanging, link).p50).toBeCloseTo(59 + 1.5, 10);
    expect(totalLine(exchanging, link).fixedMs).toBeCloseTo(57 + 1.5, 10);
  });

  test('spread as independent stages do', () => {
    const shaky = way('shaky', 'split', {
      deviceMs: { p50: 10, p95: 13 },
      serverMs: { p50: 5, p95: 9 },
      uplinkBytes: { p50: 1000, p95: 13_000 }, // 12 ms at 8 Mbit/s
    });
    const { p50, p95 } = totalOf(shaky, link);
    expect(p95 - p50).toBeCloseTo(13, 10); // √(3² + 4² + 12²)
  });

  test('what is not sent has no jitter, and jitter makes the tail longer than the median', () => {
    const shaky = { ...link, jitterMs: 10 };
    expect(totalOf(device, shaky)).toEqual(totalOf(device, link));
    const { p50, p95 } = totalOf(split, shaky);
    expect(p50).toBeGreaterThan(totalOf(split, link).p50);
    expect(p95 - p50).toBeGreaterThan(10);
  });

  test('are a line in the reciprocal of the bandwidth', () => {
    expect(totalLine(split, link)).toEqual({ fixedMs: 57, kilobits: 16 });
  });
});

describe('an exit before a split', () => {
  const exit: WayExit = {
    ...{ answeredShare: 0.25, here: { p50: 28, p95: 31 }, bytesPerDecision: 1500 },
    sent: { deviceMs: same(32), uplinkBytes: { p50: 1000, p95: 3000 } },
    ...{ metric: 0.89, loss: { points: 1, interval: null } },
  };
  const rated = (figures: Partial<WayExit> = {}) =>
    choose([{ ...split, exit: { ...exit, ...figures } }], link, { maxLossPoints: 1 }).ways[0];

  test('mixes what is answered here with what is sent', () => {
    const sentMs = 32 + 5 + 20 + 1 + 2;
    expect(rated().decisionMs!.mean).toBeCloseTo(0.25 * 28 + 0.75 * sentMs, 10);
    expect(rated().decisionMs!.p95).toBeCloseTo(sentMs + 2, 10); // 2,000 bytes more
    expect(rated().totalMs).toEqual(totalOf(split, link));
    expect(choose([split], link, { maxLossPoints: 1 }).ways[0]).not.toHaveProperty('decisionMs');
  });

  test('has the 95th percentile of what is sent as long as anything is', () => {
    expect(rated({ answeredShare: 0.94 }).decisionMs!.p95).toBeCloseTo(62, 10);
    expect(rated({ answeredShare: 0.95 }).decisionMs!.p95).toBeCloseTo(62, 10);
    expect(rated({ answeredShare: 1, sent: null }).decisionMs).toEqual({ mean: 28, p95: 31 });
  });
});

describe('choice', () => {
  const wishes = { maxLossPoints: 1 };

  test('takes the fastest way that keeps the loss', () => {
    expect(choose([device, split, picture], link, wishes).winnerId).toBe('jpeg'); // 57 against 59 and 100
    expect(choose([device, split, picture], link, { maxLossPoints: 0.6 }).winnerId).toBe('split');
    expect(choose([device, split, picture], link, { maxLossPoints: 0.1 }).winnerId).toBe('device');
  });

  test('says which bandwidths belong to which way', () => {
    // split: 57 + 16/B; jpeg: 37 + 160/B; device: 100. They cross at 144/20 = 7.2 and 16/43.
    expect(choose([device, split, picture], link, wishes).ranges).toEqual([
      { wayId: 'device', fromMbps: 0, toMbps: 16 / 43 },
      { wayId: 'split', fromMbps: 16 / 43, toMbps: 7.2 },
      { wayId: 'jpeg', fromMbps: 7.2, toMbps: null },
    ]);
  });

  test('names no winner when nothing keeps the budget, and counts the 95th percentile', () => {
    expect(choose([device, split], link, { ...wishes, budgetMs: 58 }).winnerId).toBeNull();
    const shaky = { ...split, id: 'shaky', deviceMs: { p50: 20, p95: 60 } };
    const choice = choose([split, shaky], link, { ...wishes, budgetMs: 60 });
    expect(choice.ways[0].way.id).toBe('shaky'); // the fastest in the median
    expect(choice.winnerId).toBe('split');
  });

  test('marks what is worse in everything', () => {
    const worse = { ...split, id: 'worse', deviceMs: same(31), deviceMacs: 301 };
    const { ways } = choose([device, split, picture, worse], link, wishes);
    expect(ways.filter(({ onFront }) => onFront).map((rated) => rated.way.id)).toEqual([
      'jpeg',
      'split',
      'device',
    ]);
  });

  test('refuses nothing, ids twice, and rates that are none', () => {
    expect(() => choose([], link, wishes)).toThrow(RangeError);
    expect(() => choose([device, device], link, wishes)).toThrow('distinct ids');
    expect(() => choose([device], { ...link, uplinkMbps: 0 }, wishes)).toThrow('uplinkMbps');
  });
});

describe('fastest way by bandwidth', () => {
  const amount = fc.integer({ min: 0, max: 50 });
  const lines = fc
    .array(fc.record({ fixedMs: amount, kilobits: amount }), { minLength: 1, maxLength: 12 })
    .map((list): WayLine[] => list.map((line, i) => ({ wayId: `w${i}`, ...line })));
  const total = ({ fixedMs, kilobits }: WayLine, mbps: number): number => fixedMs + kilobits / mbps;

  test('is the fastest of all at every bandwidth', () => {
    fc.assert(
      fc.property(lines, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (list, mbps) => {
        const ranges = fastestByBandwidth(list);
        const range = ranges.find(({ fromMbps, toMbps }) => mbps >= fromMbps && mbps <= (toMbps ?? mbps));
        const named = list.find(({ wayId }) => wayId === range?.wayId);
        const least = Math.min(...list.map((line) => total(line, mbps)));
        expect(total(named!, mbps)).toBeCloseTo(least, 6);
      }),
      { numRuns: 2000 },
    );
  });

  test('leaves nothing out, and neighbors are equal where they meet', () => {
    fc.assert(
      fc.property(lines, (list) => {
        const ranges = fastestByBandwidth(list);
        expect(ranges[0].fromMbps).toBe(0);
        expect(ranges[ranges.length - 1].toMbps).toBeNull();
        const of = (id: string): WayLine => list.find(({ wayId }) => wayId === id)!;
        for (let i = 1; i < ranges.length; i++) {
          const { fromMbps, wayId } = ranges[i];
          expect(fromMbps).toBe(ranges[i - 1].toMbps);
          expect(fromMbps).toBeGreaterThan(ranges[i - 1].fromMbps);
          expect(total(of(wayId), fromMbps)).toBeCloseTo(total(of(ranges[i - 1].wayId), fromMbps), 9);
        }
      }),
    );
  });
});

test('the Pareto front is what nothing beats', () => {
  expect(
    paretoFront([
      [1, 2],
      [2, 1],
      [2, 2],
      [1, 2],
      [3, 0],
    ]),
  ).toEqual([true, true, false, true, true]);
  const points = fc.array(fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4)), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(points, (list) => {
      const front = paretoFront(list);
      expect(front).toContain(true);
      for (const [i, point] of list.entries()) {
        const beaten = list.some(
          (other) => other.every((v, axis) => v <= point[axis]) && other.join() !== point.join(),
        );
        expect(front[i]).toBe(!beaten);
      }
    }),
  );
});
