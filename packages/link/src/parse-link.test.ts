import { describe, expect, test } from 'vitest';
import { checkLink, type LinkProfile } from './link-profile.js';
import { LINK_NAMES, NAMED_LINKS } from './named-links.js';
import { parseLink } from './parse-link.js';

const PLAIN = { jitterMs: 0, lossRate: 0 };

describe('parseLink', () => {
  test.each<[string, Partial<LinkProfile>]>([
    ['20mbps,40ms', { uplinkMbps: 20, downlinkMbps: 20, roundTripMs: 40, ...PLAIN }],
    ['20/80Mbps, 40ms', { uplinkMbps: 20, downlinkMbps: 80, roundTripMs: 40, ...PLAIN }],
    ['768/1600kbps,300ms', { uplinkMbps: 0.768, downlinkMbps: 1.6, roundTripMs: 300 }],
    [
      '1gbps,0.5ms,jitter=2ms,loss=1.5%',
      { uplinkMbps: 1000, roundTripMs: 0.5, jitterMs: 2, lossRate: 0.015 },
    ],
    ['lte,loss=2%', { uplinkMbps: 12, roundTripMs: 70, jitterMs: 8, lossRate: 0.02, name: 'lte, loss=2%' }],
    ['LTE', { uplinkMbps: 12, name: 'LTE' }],
  ])('%s', (text, expected) => {
    expect(parseLink(text)).toMatchObject(expected);
  });

  test.each([
    '',
    '20mbps',
    '40ms',
    'lte2',
    '20mbps,40ms,x',
    '20,40',
    'lte,',
    '-1mbps,1ms',
    'constructor',
    '1e3mbps,1ms',
  ])('%j is refused with what is possible', (text) => {
    expect(() => parseLink(text)).toThrow(/link expected 3g, lte, 5g, .* or as 20mbps,40ms/);
  });

  test.each([
    ['0mbps,1ms', 'uplinkMbps expected 0.001 to 1000000, got 0'],
    ['1/0.0001mbps,1ms', 'downlinkMbps expected'],
    ['1mbps,60001ms', 'roundTripMs expected 0 to 60000'],
    ['1mbps,1ms,loss=50%', 'lossRate expected 0 to below 0.5'],
  ])('%s is out of range', (text, message) => {
    expect(() => parseLink(text)).toThrow(message);
  });
});

test('named links are in range and say where they come from', () => {
  for (const name of LINK_NAMES) {
    const { source, ...link } = NAMED_LINKS[name as keyof typeof NAMED_LINKS];
    expect(checkLink(link)).toBe(link);
    expect(source.length).toBeGreaterThan(20);
    expect(parseLink(name)).toEqual(link);
  }
});

describe('outages', () => {
  const link = { name: 'x', uplinkMbps: 1, downlinkMbps: 1, roundTripMs: 1, ...PLAIN };
  const outage = (...outages: [number, number][]) => ({
    periodMs: 100,
    outages: outages.map(([startMs, lengthMs]) => ({ startMs, lengthMs })),
  });
  test('lie in their period one after the other and leave some of it', () => {
    for (const good of [outage(), outage([0, 50], [50, 49]), outage([99, 1])]) {
      expect(checkLink({ ...link, outage: good }).outage).toBe(good);
    }
    const bad = [
      outage([0, 100]),
      outage([50, 10], [55, 10]),
      outage([95, 6]),
      outage([-1, 2]),
      outage([0, 0]),
    ];
    for (const wrong of [...bad, { periodMs: 0, outages: [] }, { periodMs: Number.NaN, outages: [] }]) {
      expect(() => checkLink({ ...link, outage: wrong })).toThrow(RangeError);
    }
  });
});
