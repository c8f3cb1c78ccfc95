import { describe, expect, test } from 'vitest';
import { formatDemoTable } from './report.js';
import type { DemoResult } from './result.js';
import { type DemoRow, measurementOfResult, summarizeRow } from './rows.js';
import { LINKS } from './scenario.js';
import { computeTotals, eligibleRows, totalMs } from './totals.js';

function row(id: string, errorRate: number, bytesSent: number, headMs: number): DemoRow {
  const times = { headMs, encodeMs: 1, linkMs: 9, decodeMs: 2, tailMs: 3 };
  return {
    ...{ id, label: id === 'device' ? 'all on device' : id, setting: '', elements: 100, bytesSent },
    ...{ bytesReceived: bytesSent > 0 ? 500 : 0, payloadBytes: bytesSent, bitsPerElement: 1, times },
    errorRate: { value: errorRate, low: errorRate - 0.01, high: errorRate + 0.01 },
  };
}

describe('totals', () => {
  test('add device, round trip, both transfers and server, and leave the loopback out', () => {
    // 1 Mbit/s: 1,250 bytes up take 10 ms, 500 bytes down at 4 Mbit/s take 1 ms.
    expect(totalMs(row('split/x', 0, 1_250, 20), LINKS[0], 2)).toBeCloseTo(
      (20 + 1) * 2 + 60 + 10 + 1 + 2 + 3,
      9,
    );
  });

  test('of the device alone are its own time', () => {
    expect(totalMs(row('device', 0, 0, 20), LINKS[0], 8)).toBe(8 * 21);
  });

  test('a row that loses over one point does not win', () => {
    const rows = [row('device', 0.05, 0, 500), row('png', 0.05, 9_000, 0), row('late/coarse', 0.07, 100, 0)];
    expect(eligibleRows(rows).map(({ id }) => id)).toEqual(['device', 'png']);
    expect(computeTotals(rows).every(({ winner }) => winner !== 'late/coarse')).toBe(true);
  });

  test('the device wins where it is fast and loses where it is slow', () => {
    const totals = computeTotals([row('device', 0.05, 0, 20), row('png', 0.05, 9_000, 0)]);
    const winnerAt = (slowdown: number): string | undefined =>
      totals.find(({ deviceSlowdown, link }) => deviceSlowdown === slowdown && link.uplinkMbps === 20)
        ?.winner;
    expect(winnerAt(1)).toBe('device');
    expect(winnerAt(32)).toBe('png');
  });
});

describe('rows', () => {
  test('are means of bytes, medians of times and pooled error rates', () => {
    const line = (bytes: number, ms: number, errors: number) => ({
      errors: { numerator: errors, denominator: 10 },
      times: { headMs: ms, encodeMs: 0, linkMs: 0, decodeMs: 0, tailMs: 0 },
      ...{ bytesSent: bytes, bytesReceived: 0, payloadBytes: bytes },
    });
    const summary = summarizeRow({ id: 'a', label: 'a', setting: '', elements: 80 }, [
      line(10, 1, 0),
      line(20, 100, 1),
      line(60, 3, 2),
    ]);
    expect(summary).toMatchObject({ bytesSent: 30, bitsPerElement: 3, times: { headMs: 3 } });
    expect(summary.errorRate.value).toBeCloseTo(0.1, 12);
  });

  test('wait for the server counts as decoding, the answer as tail, a picture as encoding', () => {
    const times = {
      headMs: 1,
      encodeMs: 2,
      linkMs: 3,
      queueMs: 4,
      decodeMs: 5,
      tailMs: 6,
      respondMs: 7,
      readMs: 8,
    };
    const bytes = { sent: 9, received: 10, payload: 8, counted: 'link' as const, perTensor: [] };
    const result = { outputs: {}, attempts: 1, codec: undefined, bytes, times: { ...times, totalMs: 40 } };
    expect(measurementOfResult(result, { numerator: 0, denominator: 1 }, 20).times).toEqual({
      ...{ headMs: 1, encodeMs: 22, linkMs: 3, decodeMs: 9, tailMs: 13 },
    });
  });
});

test('the report names a winner for every link and device, and labels what is computed', () => {
  const rows = [row('device', 0.05, 0, 20), row('png', 0.05, 9_000, 0), row('late/fine', 0.05, 600, 15)];
  const result: DemoResult = {
    network: { name: 'net', sha256: '', bytes: 1 },
    data: { test: 'lines', calibration: 'others' },
    machine: { processor: 'p', cores: 2, node: 'v20' },
    ...{ backend: 'wasm', quick: true, seconds: 1, rows, totals: computeTotals(rows) },
  };
  const text = formatDemoTable(result);
  expect(text.match(/ wins\./g)?.length).toBe(result.totals.length);
  expect(text).toContain('computed from the measured times and bytes');
  expect(text.split('\n').every((line) => line.length <= 160)).toBe(true);
});
