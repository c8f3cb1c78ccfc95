/**
 * Which channels of a fine model share their tables: any of them, as long as tables of their own save more than those take.
 * Encoding only.
 */

import type { IndexAlphabet } from '../../stages.js';
import {
  activityOf,
  bitsOfSymbols,
  bitsOfTables,
  type ChannelClasses,
  sumOf,
  weightedSum,
} from './channel-classes.js';
import { MAX_CONTEXT_CLASSES } from './context-model.js';

/** Bits that a threshold in 4,096 slots takes in a coded model, about. */
const FINE_THRESHOLD_BITS = 10;
const MAX_ROUNDS = 8;

/**
 * Clusters channels: each goes to the class whose tables code it in the fewest bits, by turns with the tables; then the two
 * classes that lose the least bits by it are joined, while that is less than tables take, and channels are assigned once more.
 * @param channelBins - counts of symbols in each bin of each channel, `levelCount` for a bin, channel by channel
 */
export function clusterChannels(
  channelBins: readonly Float64Array[],
  { levelCount, background }: IndexAlphabet,
): ChannelClasses {
  const everyChannel = [...channelBins.keys()];
  const all = sumOf(everyChannel, channelBins);
  const activity = channelBins.map((counts) => activityOf(counts, levelCount, background));
  const order = everyChannel.sort((a, b) => activity[a] - activity[b] || a - b);
  const classCount = Math.min(MAX_CONTEXT_CLASSES, order.length);
  let classes = Array.from({ length: classCount }, (_, channelClass) =>
    order.slice(
      Math.ceil((channelClass * order.length) / classCount),
      Math.ceil(((channelClass + 1) * order.length) / classCount),
    ),
  );
  for (let round = 0; round < MAX_ROUNDS; round++) {
    classes = assignChannels(classes, channelBins, all, levelCount);
  }
  classes = joinClasses(classes, channelBins, levelCount);
  classes = assignChannels(classes, channelBins, all, levelCount);
  classes.sort((a, b) => activity[a[0]] - activity[b[0]] || a[0] - b[0]);
  const classOfChannel = new Uint8Array(channelBins.length);
  classes.forEach((channels, channelClass) => {
    for (const channel of channels) classOfChannel[channel] = channelClass;
  });
  return { classOfChannel, classCounts: classes.map((channels) => sumOf(channels, channelBins)) };
}

/** Each channel in the class whose tables code it in the fewest bits; classes that keep none are left out. */
function assignChannels(
  classes: readonly (readonly number[])[],
  channelBins: readonly Float64Array[],
  all: Float64Array,
  levelCount: number,
): number[][] {
  const tables = classes.map((channels) => bitsOfSymbols(sumOf(channels, channelBins), all, levelCount));
  const assigned: number[][] = classes.map(() => []);
  channelBins.forEach((counts, channel) => {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    tables.forEach((table, channelClass) => {
      const bits = weightedSum(counts, table);
      if (bits < least) [best, least] = [channelClass, bits];
    });
    assigned[best].push(channel);
  });
  return assigned.filter((channels) => channels.length > 0);
}

/** Joins classes whose tables take more than they save. */
function joinClasses(
  classes: readonly (readonly number[])[],
  channelBins: readonly Float64Array[],
  levelCount: number,
): number[][] {
  const tableBits = (FINE_THRESHOLD_BITS * channelBins[0].length * (levelCount - 1)) / levelCount;
  const members = classes.map((channels) => [...channels]);
  const counts = classes.map((channels) => sumOf(channels, channelBins));
  const bits = counts.map((own) => bitsOfTables(own, levelCount));
  const loss = (a: number, b: number): number =>
    bitsOfTables(
      counts[a].map((count, i) => count + counts[b][i]),
      levelCount,
    ) -
    bits[a] -
    bits[b];
  const losses = members.map((_, a) =>
    members.map((_, b) => (a < b ? loss(a, b) : Number.POSITIVE_INFINITY)),
  );
  while (members.length > 1) {
    const [a, b] = leastPair(losses);
    if (losses[a][b] > tableBits) break;
    members[a].push(...members[b]);
    counts[a] = counts[a].map((count, i) => count + counts[b][i]);
    bits[a] = bitsOfTables(counts[a], levelCount);
    for (const list of [members, counts, bits, losses]) list.splice(b, 1);
    for (const row of losses) row.splice(b, 1);
    for (let other = 0; other < members.length; other++) {
      if (other !== a)
        losses[Math.min(a, other)][Math.max(a, other)] = loss(Math.min(a, other), Math.max(a, other));
    }
  }
  return members;
}

function leastPair(losses: readonly (readonly number[])[]): [number, number] {
  let pair: [number, number] = [0, 1];
  losses.forEach((row, a) => {
    row.forEach((loss, b) => {
      if (loss < losses[pair[0]][pair[1]]) pair = [a, b];
    });
  });
  return pair;
}
