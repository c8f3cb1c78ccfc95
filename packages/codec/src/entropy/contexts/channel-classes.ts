/**
 * Which channels share their tables: groups of 16 channels, first by activity, then by swaps that save bits, and groups
 * in classes as long as a class saves more than its tables take. Encoding only.
 */

import type { IndexAlphabet } from '../../stages.js';
import { rowBits } from './cell-design.js';
import { MAX_CONTEXT_CLASSES } from './context-model.js';
import { GROUP_CHANNELS } from './lanes.js';

/** Bits that a threshold takes in a coded model, about: what a table must save to be worth it. */
export const THRESHOLD_BITS = 4;
const MAX_SWAP_ROUNDS = 8;
/** Symbols that a group's tables start from, distributed as over all channels, when channels are compared. */
const PRIOR_SYMBOLS = 16;

/** The class of each channel, and the counts of each class. */
export interface ChannelClasses {
  /** Ascending classes have multiples of 16 channels, but for the last one. */
  readonly classOfChannel: Uint8Array;
  readonly classCounts: readonly Float64Array[];
}

interface ChannelClass {
  readonly channels: readonly number[];
  readonly counts: Float64Array;
  readonly bits: number;
}

/** @param channelBins - counts of symbols in each bin of each channel, `levelCount` for a bin, channel by channel */
export function classifyChannels(
  channelBins: readonly Float64Array[],
  { levelCount, background }: IndexAlphabet,
): ChannelClasses {
  const groups = swapChannels(groupsByActivity(channelBins, levelCount, background), channelBins, levelCount);
  let classes = groups.map((channels) => classOf(channels, sumOf(channels, channelBins), levelCount));
  const classBits = (THRESHOLD_BITS * channelBins[0].length * (levelCount - 1)) / levelCount;
  while (classes.length > 1) {
    const { at, both, loss } = cheapestUnion(classes, levelCount);
    if (loss > classBits && classes.length <= MAX_CONTEXT_CLASSES) break;
    classes = [...classes.slice(0, at), both, ...classes.slice(at + 2)];
  }
  const classOfChannel = new Uint8Array(channelBins.length);
  classes.forEach(({ channels }, channelClass) => {
    for (const channel of channels) classOfChannel[channel] = channelClass;
  });
  return { classOfChannel, classCounts: classes.map(({ counts }) => counts) };
}

/** Groups of 16 channels in ascending order of their mean distance from the background; the last may be smaller. */
function groupsByActivity(
  channelBins: readonly Float64Array[],
  levelCount: number,
  background: number,
): number[][] {
  const activity = channelBins.map((counts) => activityOf(counts, levelCount, background));
  const order = activity.map((_, channel) => channel).sort((a, b) => activity[a] - activity[b] || a - b);
  const groups: number[][] = [];
  for (let first = 0; first < order.length; first += GROUP_CHANNELS) {
    groups.push(order.slice(first, first + GROUP_CHANNELS));
  }
  return groups;
}

/** Distance of a channel's symbols from the background, in all. */
export function activityOf(counts: Float64Array, levelCount: number, background: number): number {
  let sum = 0;
  for (let at = 0; at < counts.length; at++) sum += counts[at] * Math.abs((at % levelCount) - background);
  return sum;
}

/** Exchanges channels between groups while that saves bits under the groups' tables; sizes stay. */
function swapChannels(
  groups: readonly (readonly number[])[],
  channelBins: readonly Float64Array[],
  levelCount: number,
): number[][] {
  const groupOf = new Uint16Array(channelBins.length);
  groups.forEach((channels, group) => {
    for (const channel of channels) groupOf[channel] = group;
  });
  const members = (group: number): number[] =>
    channelBins.flatMap((_, channel) => (groupOf[channel] === group ? [channel] : []));
  const all = sumOf(
    channelBins.map((_, channel) => channel),
    channelBins,
  );
  for (let round = 0; round < MAX_SWAP_ROUNDS && groups.length > 1; round++) {
    const costs = groups.map((_, group) => {
      const symbolBits = bitsOfSymbols(sumOf(members(group), channelBins), all, levelCount);
      return channelBins.map((counts) => weightedSum(counts, symbolBits));
    });
    let isSettled = true;
    for (let a = 1; a < channelBins.length; a++) {
      for (let b = 0; b < a; b++) {
        const costA = costs[groupOf[a]];
        const costB = costs[groupOf[b]];
        if (costA[a] + costB[b] <= costA[b] + costB[a] + 1e-6) continue;
        [groupOf[a], groupOf[b]] = [groupOf[b], groupOf[a]];
        isSettled = false;
      }
    }
    if (isSettled) break;
  }
  return groups.map((_, group) => members(group));
}

/** What each symbol of each bin costs under the counts of a group, which lean on those of all channels. */
export function bitsOfSymbols(counts: Float64Array, all: Float64Array, levelCount: number): Float64Array {
  const bits = new Float64Array(counts.length);
  for (let row = 0; row < counts.length; row += levelCount) {
    const end = row + levelCount;
    const total = sum(counts.subarray(row, end));
    const allTotal = sum(all.subarray(row, end)) + 1;
    for (let at = row; at < end; at++) {
      const prior = (all[at] + 1 / levelCount) / allTotal;
      bits[at] = -Math.log2((counts[at] + PRIOR_SYMBOLS * prior) / (total + PRIOR_SYMBOLS));
    }
  }
  return bits;
}

/** The two neighboring classes that lose the fewest bits as one. */
function cheapestUnion(
  classes: readonly ChannelClass[],
  levelCount: number,
): { at: number; both: ChannelClass; loss: number } {
  const unions = classes.slice(1).map((right, at) => {
    const left = classes[at];
    const counts = left.counts.map((count, i) => count + right.counts[i]);
    const both = classOf([...left.channels, ...right.channels], counts, levelCount);
    return { at, both, loss: both.bits - left.bits - right.bits };
  });
  return unions.reduce((a, b) => (b.loss < a.loss ? b : a));
}

/** A class with what its symbols cost by the frequencies of its own tables. */
function classOf(channels: readonly number[], counts: Float64Array, levelCount: number): ChannelClass {
  return { channels, counts, bits: bitsOfTables(counts, levelCount) };
}

/** Bits of counts under their own frequencies, bin by bin. */
export function bitsOfTables(counts: Float64Array, levelCount: number): number {
  let bits = 0;
  for (let at = 0; at < counts.length; at += levelCount) bits += rowBits(counts, at, levelCount);
  return bits;
}

export function sumOf(channels: readonly number[], channelBins: readonly Float64Array[]): Float64Array {
  const sums = new Float64Array(channelBins[0].length);
  for (const channel of channels) {
    const counts = channelBins[channel];
    for (let i = 0; i < sums.length; i++) sums[i] += counts[i];
  }
  return sums;
}

export function weightedSum(counts: Float64Array, weights: Float64Array): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i] * weights[i];
  return total;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
