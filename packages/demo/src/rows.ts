/** The rows of the demo's table: what was measured of each way of reading a line, and how it is summed up. */

import { bootstrapRatio, type Estimate, type Ratio } from '@featherwire/eval';
import type { InferResult } from '@featherwire/runtime';

/** Wall times of one line in milliseconds; 0 for stages that a way does not have. */
export interface LineTimes {
  /** Head of the network on the device, or all of it. */
  readonly headMs: number;
  /** Coding of the feature or of the picture. */
  readonly encodeMs: number;
  /** Round trip over loopback less the server's time. */
  readonly linkMs: number;
  /** Decoding of the feature or of the picture on the server, waiting for it included. */
  readonly decodeMs: number;
  /** Tail of the network on the server, or all of it, and coding of the answer. */
  readonly tailMs: number;
}

/** What one line gave. */
export interface LineMeasurement {
  readonly errors: Ratio;
  readonly times: LineTimes;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Coded feature or picture within `bytesSent`. */
  readonly payloadBytes: number;
}

/** One way of reading lines, summed up over all test lines. */
export interface DemoRow {
  readonly id: string;
  readonly label: string;
  /** Elements that are coded, 0 if none are. */
  readonly elements: number;
  /** How they are coded, in words. */
  readonly setting: string;
  /** Means per line of everything that crosses the link above TCP. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly payloadBytes: number;
  /** `8 * payloadBytes / elements`; null without coded elements. */
  readonly bitsPerElement: number | null;
  /** Character error rate with its 95 % interval. */
  readonly errorRate: Estimate;
  /** Medians over the lines. */
  readonly times: LineTimes;
}

/** What names a row. */
export type RowName = Pick<DemoRow, 'id' | 'label' | 'elements' | 'setting'>;

const BOOTSTRAP_SEED = 1;

/** Sums up the lines of one row; at least one. */
export function summarizeRow(name: RowName, lines: readonly LineMeasurement[]): DemoRow {
  const mean = (value: (line: LineMeasurement) => number): number =>
    lines.reduce((sum, line) => sum + value(line), 0) / lines.length;
  const payloadBytes = mean((line) => line.payloadBytes);
  const medianTime = (stage: keyof LineTimes): number => median(lines.map((line) => line.times[stage]));
  return {
    ...name,
    bytesSent: mean((line) => line.bytesSent),
    bytesReceived: mean((line) => line.bytesReceived),
    payloadBytes,
    bitsPerElement: name.elements > 0 ? (8 * payloadBytes) / name.elements : null,
    errorRate: bootstrapRatio(
      lines.map((line) => line.errors),
      { seed: BOOTSTRAP_SEED },
    ),
    times: {
      headMs: medianTime('headMs'),
      encodeMs: medianTime('encodeMs'),
      linkMs: medianTime('linkMs'),
      decodeMs: medianTime('decodeMs'),
      tailMs: medianTime('tailMs'),
    },
  };
}

/** Measurement of a line that a server answered. @param pictureMs - time of coding the picture, if one was sent */
export function measurementOfResult(result: InferResult, errors: Ratio, pictureMs = 0): LineMeasurement {
  const { bytes, times } = result;
  return {
    errors,
    bytesSent: bytes.sent,
    bytesReceived: bytes.received,
    payloadBytes: bytes.payload,
    times: {
      headMs: times.headMs,
      encodeMs: times.encodeMs + pictureMs,
      linkMs: times.linkMs,
      decodeMs: times.queueMs + times.decodeMs,
      tailMs: times.tailMs + times.respondMs,
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
