import { loadBackend } from '@featherwire/codec';
import { expect, test } from 'vitest';
import { measureCodecSpeed, type SpeedRow, syntheticFeature } from './codec-speed.js';

test('every row has rates in order and a coded size where something is coded', async () => {
  const seen: SpeedRow[] = [];
  const rows = measureCodecSpeed({
    ...{ backend: await loadBackend(), shape: [4, 8, 8], levelCounts: [4], batchMs: 1, batchCount: 3 },
    onRow: (row) => seen.push(row),
  });
  expect(seen).toEqual(rows);
  expect(rows.map(({ name }) => name)).toEqual([
    ...[
      'memcpy of float32',
      'frame, rans',
      'frame, binary-fast',
      'frame, binary',
      'quantize',
      'count symbols',
      'rANS, 32 lanes',
      'binary',
    ],
    ...['deflate, level 1', 'deflate, level 6', 'brotli, quality 1', 'brotli, quality 5'],
  ]);
  for (const { encode, decode, kind, bitsPerElement } of rows) {
    for (const rate of [encode, decode]) {
      if (rate) expect(rate.low > 0 && rate.low <= rate.median && rate.median <= rate.high).toBe(true);
    }
    if (kind !== 'stage') expect(bitsPerElement).toBeGreaterThan(0);
  }
});

test('the synthetic feature is rectified, smooth and the same every time', () => {
  const { data } = syntheticFeature([8, 28, 28]);
  expect(data).toEqual(syntheticFeature([8, 28, 28]).data);
  const zeros = data.filter((value) => value === 0).length / data.length;
  expect(zeros).toBeGreaterThan(0.3);
  expect(zeros).toBeLessThan(0.8);
  let neighbors = 0;
  let all = 0;
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  for (let i = 1; i < data.length; i++) {
    neighbors += (data[i] - mean) * (data[i - 1] - mean);
    all += (data[i] - mean) ** 2;
  }
  expect(neighbors / all).toBeGreaterThan(0.4);
});
