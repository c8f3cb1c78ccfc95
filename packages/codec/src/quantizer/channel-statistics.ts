/**
 * Statistics of each channel, and channels of like size put into groups, for quantizers with limits of their own for
 * groups of channels. Encoding only.
 */

import { forEachGroupChunk, groupLayout } from './channel-groups.js';
import { addValues, createStatistics, type FeatureStatistics, varianceOf } from './statistics.js';

/** Statistics of no values for each of some channels. */
export function createChannelStatistics(channelCount: number): FeatureStatistics[] {
  return Array.from({ length: channelCount }, createStatistics);
}

/**
 * Takes a tensor's values in, each into the statistics of its channel.
 * @param statistics - one for each position along `axis`
 * @param values - row-major; not kept
 * @throws {RangeError} if the shape is not that of the values, or has other channels
 */
export function addChannelValues(
  statistics: readonly FeatureStatistics[],
  values: Float32Array,
  shape: readonly number[],
  axis: number,
): void {
  const count = shape.reduce((a, b) => a * b, 1);
  if (count !== values.length || shape[axis] !== statistics.length) {
    throw new RangeError(
      `shape expected ${values.length} elements and ${statistics.length} channels, got [${shape.join(', ')}] along ${axis}`,
    );
  }
  const layout = groupLayout(shape, axis, statistics.length, null);
  forEachGroupChunk(values, layout, (channel, chunk) => addValues(statistics[channel], chunk));
}

/**
 * Puts channels into groups of nearly equal number, in the order of their root mean square, so that channels of like
 * size share limits.
 * @param statistics - one for each channel
 * @param groupCount - 1 up to the number of channels
 * @returns the group of each channel; group 0 has the smallest values
 * @throws {RangeError} if `groupCount` is out of range
 */
export function groupChannels(statistics: readonly FeatureStatistics[], groupCount: number): number[] {
  const { length } = statistics;
  if (!Number.isInteger(groupCount) || groupCount < 1 || groupCount > length) {
    throw new RangeError(`groupCount expected an integer from 1 to ${length}, got ${groupCount}`);
  }
  const order = [...statistics.keys()].sort((a, b) => sizeOf(statistics[a]) - sizeOf(statistics[b]));
  const groups = new Array<number>(length);
  for (const [rank, channel] of order.entries()) groups[channel] = Math.floor((rank * groupCount) / length);
  return groups;
}

/** Mean square; 0 without values. */
function sizeOf(statistics: FeatureStatistics): number {
  return statistics.count === 0 ? 0 : varianceOf(statistics) + statistics.mean * statistics.mean;
}
