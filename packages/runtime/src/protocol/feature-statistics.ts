/** Summaries of the cut tensors in a feature request, as bytes (docs/protocol.md §4.2). */

import type { FeatureSummary } from '@featherwire/codec';
import { MAX_TENSORS } from './message.js';
import { ProtocolError } from './protocol-error.js';

const TENSOR_BYTES = 12;
/** A share of 1. */
const WHOLE = 0xffff;
const MAX_FLOAT32 = 2 ** 127 * (2 - 2 ** -23);

/** Bytes of statistics with their count. @throws {RangeError} if there are none or too many */
export function statisticsBytes(statistics: readonly FeatureSummary[]): number {
  const { length } = statistics;
  if (length < 1 || length > MAX_TENSORS) {
    throw new RangeError(`statistics expected 1 to ${MAX_TENSORS}, got ${length}`);
  }
  return 1 + TENSOR_BYTES * length;
}

/**
 * Writes statistics; extremes beyond float32 become its largest numbers.
 * @returns the offset after them
 * @throws {RangeError} if a share or an extreme is out of range
 */
export function writeStatistics(
  target: Uint8Array,
  offset: number,
  statistics: readonly FeatureSummary[],
): number {
  const view = new DataView(target.buffer, target.byteOffset);
  target[offset] = statistics.length;
  for (const [i, { saturatedShare, backgroundShare, low, high }] of statistics.entries()) {
    const start = offset + 1 + TENSOR_BYTES * i;
    view.setUint16(start, WHOLE * checkedShare(saturatedShare) + 0.5, true);
    view.setUint16(start + 2, WHOLE * checkedShare(backgroundShare) + 0.5, true);
    if (!(low <= high)) throw new RangeError(`statistics expected low up to high, got ${low} and ${high}`);
    view.setFloat32(start + 4, clamped(low), true);
    view.setFloat32(start + 8, clamped(high), true);
  }
  return offset + statisticsBytes(statistics);
}

function checkedShare(share: number): number {
  if (share >= 0 && share <= 1) return share;
  throw new RangeError(`share expected 0 to 1, got ${share}`);
}

function clamped(value: number): number {
  return Math.min(Math.max(value, -MAX_FLOAT32), MAX_FLOAT32);
}

/**
 * Reads statistics.
 * @returns them and the offset after them
 * @throws {ProtocolError} on anything else
 */
export function readStatistics(
  bytes: Uint8Array,
  offset: number,
): { readonly statistics: FeatureSummary[]; readonly end: number } {
  const count = bytes[offset];
  if (count === 0) throw new ProtocolError('bad-value', offset, 'statistics count expected 1 or more, got 0');
  const end = offset + 1 + TENSOR_BYTES * count;
  if (end > bytes.length) {
    const message = `statistics expected ${TENSOR_BYTES * count} bytes, got ${bytes.length - offset - 1}`;
    throw new ProtocolError('truncated', offset, message);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const statistics = Array.from({ length: count }, (_, i) => {
    const start = offset + 1 + TENSOR_BYTES * i;
    const low = view.getFloat32(start + 4, true);
    const high = view.getFloat32(start + 8, true);
    // Written so that NaN is refused too.
    if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high)) {
      throw new ProtocolError(
        'bad-value',
        start + 4,
        `extremes expected to be finite and to ascend, got ${low}, ${high}`,
      );
    }
    const saturatedShare = view.getUint16(start, true) / WHOLE;
    return { saturatedShare, backgroundShare: view.getUint16(start + 2, true) / WHOLE, low, high };
  });
  return { statistics, end };
}
