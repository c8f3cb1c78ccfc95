import type { BundleManifest, ShareBand } from '@featherwire/bundle';
import type { FeatureSummary } from '@featherwire/codec';
import { beforeEach, describe, expect, test } from 'vitest';
import { createDriftMonitor, type DriftMonitor } from './drift-monitor.js';
import { silentLogger } from './logger.js';

const file = { file: 'x', sha256: 'ab'.repeat(32), bytes: 1 };
const part = { ...file, parameters: 0, macs: null };
const band = (low: number, high: number): ShareBand => ({ mean: (low + high) / 2, low, high });
const measured = {
  ...{ bytesPerSample: 1, metric: { name: 'm', value: 1 }, data: 'd', sampleCount: 1 },
  bands: [{ tensor: 'b', saturated: band(0, 0.02), background: band(0.4, 0.6) }],
};
const manifest: BundleManifest = {
  ...{ format: 'featherwire-bundle', version: 1, model: { name: 'net', sha256: file.sha256, bytes: 1 } },
  inputs: [{ name: 'x', dtype: 'float32', shape: [1] }],
  cut: [
    { name: 'a', dtype: 'float32', shape: [1] },
    { name: 'b', dtype: 'float32', shape: [1] },
  ],
  outputs: [{ name: 'y', dtype: 'float32', shape: [1] }],
  ...{ head: part, tail: part },
  operatingPoints: [
    { id: 'bare', kind: 'profiled', profile: file },
    { id: 'banded', kind: 'profiled', profile: file, measured },
  ],
  verification: { runs: 1, maxRelativeError: 0, tolerance: 1 },
};

let lines: string[];
let monitor: DriftMonitor;
beforeEach(() => {
  lines = [];
  monitor = createDriftMonitor(manifest, 'net', { ...silentLogger, warn: (line) => lines.push(line) });
});

const summary = (saturatedShare: number, backgroundShare = 0.5): FeatureSummary => ({
  ...{ saturatedShare, backgroundShare },
  ...{ low: 0, high: 4 },
});

/** Requests whose first tensor is of no account. */
function add(count: number, found: FeatureSummary, point = 1): void {
  for (let i = 0; i < count; i++) monitor.add(point, [summary(1, 0), found]);
}

describe('a share that leaves its band', () => {
  test('is told once, and once more when it is back', () => {
    add(200, summary(0.01));
    expect(lines).toEqual([]);
    add(300, summary(0.2));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^net, point 'banded', tensor 'b': the share of saturated elements drifted to 2\.\d\d %, calibrated 0\.00 % to 2\.00 %$/,
    );
    expect(monitor.report()[0].tensors[1].state).toBe('drifted');
    add(600, summary(0.01));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /the share of saturated elements is back at 1\.\d\d %, calibrated 0\.00 % to 2\.00 %$/,
    );
    expect(monitor.report()[0].tensors[1].state).toBe('within');
  });

  test('is one of both shares, above or below', () => {
    add(100, summary(0, 0.1));
    expect(lines).toEqual([
      "net, point 'banded', tensor 'b': the share of background elements drifted to 10.00 %, calibrated 40.00 % to 60.00 %",
    ]);
    add(300, summary(0.5, 0.1));
    expect(lines).toHaveLength(2);
    add(1000, summary(0, 0.5));
    expect(lines.slice(2).join('; ')).toMatch(/saturated elements is back.*/);
    expect(lines.filter((line) => line.includes('background elements is back'))).toHaveLength(1);
  });

  test('at the edge of its band is not told again and again', () => {
    add(100, summary(0.03));
    for (let i = 0; i < 200; i++) add(1, summary(i % 2 ? 0.0195 : 0.0205));
    expect(lines).toHaveLength(1);
  });

  test('is not told before there are enough requests, and a single one is not enough', () => {
    add(31, summary(1));
    expect(lines).toEqual([]);
    expect(monitor.report()[0].tensors[1].state).toBe('unknown');
    add(1, summary(1));
    expect(lines).toHaveLength(1);
    const other = createDriftMonitor(manifest, 'net', { ...silentLogger, warn: (line) => lines.push(line) });
    for (let i = 0; i < 100; i++) other.add(1, [summary(0), summary(i === 50 ? 0.5 : 0)]);
    expect(lines).toHaveLength(1);
  });
});

test('the report has the means of each point; without a band nothing is told', () => {
  add(10, summary(1), 0);
  add(1, summary(0.25, 0.75));
  add(1, { ...summary(0.75, 0.25), low: -2, high: 6 });
  expect(lines).toEqual([]);
  const first = { saturatedShare: 1, backgroundShare: 0, low: 0, high: 4, state: 'unknown' };
  expect(monitor.report()).toEqual([
    {
      ...{ point: 'bare', requests: 10 },
      tensors: [
        { tensor: 'a', ...first },
        { tensor: 'b', ...first, backgroundShare: 0.5 },
      ],
    },
    {
      ...{ point: 'banded', requests: 2 },
      tensors: [
        { tensor: 'a', ...first },
        { tensor: 'b', saturatedShare: 0.5, backgroundShare: 0.5, low: -1, high: 5, state: 'unknown' },
      ],
    },
  ]);
});
