/** What was measured, as a manifest states it. */

import { pooledRatio } from '@featherwire/eval';
import type { MeasuredPoint } from './calibration.js';
import { type CodedSamples, lossOf, meanOf } from './measure.js';
import type { SplitSamples } from './split-samples.js';

/** A measurement of a point. @param data - which samples it was made on */
export function measurementOf(
  coded: CodedSamples,
  { bench, metricName }: Pick<SplitSamples, 'bench' | 'metricName'>,
  data: string,
  confidence: number,
): MeasuredPoint {
  const loss = lossOf(coded, bench.better, confidence);
  const sorted = [...coded.bytes].sort((a, b) => a - b);
  const quantile = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1];
  return {
    bytesPerSample: meanOf(coded.bytes),
    metric: { name: metricName, value: pooledRatio(coded.ratios) },
    data,
    sampleCount: coded.bytes.length,
    reference: pooledRatio(coded.references),
    loss: { value: loss.value, interval: [loss.low, loss.high], confidence },
    bytes: { p50: quantile(0.5), p95: quantile(0.95), max: quantile(1) },
    encodeMs: coded.encodeMs,
    decodeMs: coded.decodeMs,
  };
}
