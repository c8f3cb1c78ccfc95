import { describe, expect, test } from 'vitest';
import { describeLink } from './link-profile.js';
import { parseLinkTrace } from './link-trace.js';
import { parseLink } from './parse-link.js';
import { rateSchedule, sentAtMs } from './rate-schedule.js';
import { LTE_DRIVE, syntheticTrace } from './synthetic-trace.js';

/** Numbers in [0, 1) that look like chance: a linear congruential generator. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const DOCUMENT = { stepMs: 100, uplinkMbps: [8, 0, 4], downlinkMbps: [16, 0, 8], roundTripMs: 30 };

describe('a trace as a document', () => {
  test('has its rates, their means and its delays', () => {
    const link = parseLinkTrace(JSON.stringify(DOCUMENT), 'walk.json');
    expect(link).toEqual({
      name: 'walk.json',
      ...{ uplinkMbps: 4, downlinkMbps: 8, roundTripMs: 30, jitterMs: 0, lossRate: 0 },
      rates: { stepMs: 100, uplinkMbps: [8, 0, 4], downlinkMbps: [16, 0, 8] },
    });
    expect(describeLink(link)).toBe('walk.json: 4 to 8 Mbit/s up and outages over 0 s, 30 ms round trip');
  });

  test.each([
    ['no JSON', '{', 'trace t expected JSON'],
    ['no rates', '{"stepMs": 100}', 'trace t expected stepMs and a list uplinkMbps'],
    ['nothing but outages', '{"stepMs": 100, "uplinkMbps": [0, 0]}', 'uplinkMbps expected'],
    ['no step', '{"stepMs": 0.5, "uplinkMbps": [1]}', 'stepMs expected a whole number from 1, got 0.5'],
    ['a negative rate', '{"stepMs": 1, "uplinkMbps": [3, -1]}', 'rate expected'],
    ['directions of unlike length', '{"stepMs": 1, "uplinkMbps": [3], "downlinkMbps": [1, 2]}', 'got 2'],
    ['a delay that is none', '{"stepMs": 1, "uplinkMbps": [3], "jitterMs": "x"}', 'a number as jitterMs'],
  ])('with %s is refused', (_, text, message) => {
    expect(() => parseLinkTrace(text, 't')).toThrow(message);
  });
});

describe('a Mahimahi trace', () => {
  test('is packets of 1500 bytes by the millisecond', () => {
    // Ten packets in the first 100 ms, none in the second, five in the third.
    const text = [...Array(10).keys()]
      .map((i) => 10 * i)
      .concat([210, 220, 230, 240, 300])
      .join('\n');
    const { rates, uplinkMbps } = parseLinkTrace(text, 'lte.up');
    expect(rates?.uplinkMbps.map((rate) => Number(rate.toFixed(9)))).toEqual([1.2, 0, 0.6]);
    expect(uplinkMbps).toBeCloseTo(0.6, 9);
  });

  test.each([
    ['words', 'a\nb'],
    ['times that go back', '5\n3\n'],
    ['nothing', ''],
  ])('of %s is refused', (_, text) => {
    expect(() => parseLinkTrace(text, 't')).toThrow('expected JSON or ascending milliseconds');
  });
});

describe('a trace among links as people type them', () => {
  const read = (file: string): string => {
    expect(file).toBe('Walk.json');
    return JSON.stringify(DOCUMENT);
  };
  test('is a file, and its delays may be replaced', () => {
    expect(parseLink('trace:Walk.json', read)).toMatchObject({ uplinkMbps: 4, roundTripMs: 30, jitterMs: 0 });
    const changed = parseLink('trace:Walk.json, 80ms, jitter=3ms, loss=1%', read);
    expect(changed).toMatchObject({ roundTripMs: 80, jitterMs: 3, lossRate: 0.01 });
  });

  test('has rates of its own, and is no link where no file can be read', () => {
    expect(() => parseLink('trace:Walk.json,5mbps', read)).toThrow('link expected no rates beside');
    expect(() => parseLink('trace:Walk.json')).toThrow('link expected 3g');
  });
});

describe('rates over time', () => {
  const link = parseLinkTrace(JSON.stringify(DOCUMENT), 't');

  test('follow the trace and begin again after it', () => {
    const uplink = rateSchedule(link, 'uplink');
    const at = [0, 99.9, 100, 250, 300, 650].map((ms) => uplink.rateAt(ms));
    expect(at.map(({ mbps }) => mbps)).toEqual([8, 8, 0, 4, 8, 8]);
    expect(at.map(({ untilMs }) => untilMs)).toEqual([100, 100, 200, 300, 400, 700]);
    expect(rateSchedule(link, 'downlink').rateAt(0).mbps).toBe(16);
  });

  test('nothing to send has left at once, even in an outage', () => {
    expect(sentAtMs(rateSchedule(link, 'uplink'), 150, 0)).toBe(150);
  });
});

describe('a synthetic trace', () => {
  test('stays within its bounds, has outages, and is the same for the same numbers', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { uplinkMbps, stepMs } = syntheticTrace(LTE_DRIVE, seeded(seed));
      expect(uplinkMbps.length * stepMs).toBe(600_000);
      const passing = uplinkMbps.filter((rate) => rate > 0);
      expect(Math.min(...passing)).toBeGreaterThanOrEqual(0.3);
      expect(Math.max(...passing)).toBeLessThanOrEqual(20);
      const outageShare = 1 - passing.length / uplinkMbps.length;
      expect(outageShare).toBeGreaterThan(0.005);
      expect(outageShare).toBeLessThan(0.12);
      expect(syntheticTrace(LTE_DRIVE, seeded(seed)).uplinkMbps).toEqual(uplinkMbps);
    }
  });
});
