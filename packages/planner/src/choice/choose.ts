/**
 * The choice: which way is the fastest for a link among those that lose little enough and keep the budget, which are worth
 * having at all, and at which bandwidths the answer changes.
 */

import type { Quantiles } from '@featherwire/inference';
import { checkLink, type LinkProfile } from '@featherwire/link';
import { type BandwidthRange, fastestByBandwidth } from './break-even.js';
import { type DecisionMs, decisionOf } from './decision.js';
import { paretoFront } from './pareto.js';
import { totalLine, totalOf } from './total.js';
import type { Way } from './way.js';

/** What is wanted. */
export interface Wishes {
  /** Points of the metric that a way may lose to the unsplit network. */
  readonly maxLossPoints: number;
  /** Limit on the 95th percentile of the total; none if left out. */
  readonly budgetMs?: number | undefined;
}

/** A way with what follows from it for the link. */
export interface RatedWay {
  readonly way: Way;
  /** Computed from measured stages and bytes. */
  readonly totalMs: Quantiles;
  /** On the Pareto front of total (p50, p95), loss, bytes sent, and MACs on the device. */
  readonly onFront: boolean;
  readonly keepsLoss: boolean;
  readonly keepsBudget: boolean;
  /** With the exit of the way's bundle before it; the choice is made without. */
  readonly decisionMs?: DecisionMs;
}

/** The outcome. */
export interface Choice {
  readonly link: LinkProfile;
  readonly wishes: Wishes;
  /** All ways, the fastest first. */
  readonly ways: readonly RatedWay[];
  /** The smallest median total among ways that keep loss and budget; null if none keeps both. */
  readonly winnerId: string | null;
  /** Fastest way by the uplink's bandwidth among those that keep the loss; budget, jitter and losses are left out. */
  readonly ranges: readonly BandwidthRange[];
}

/**
 * Chooses.
 * @param ways - with distinct ids
 * @throws {RangeError} if there are no ways, ids repeat, or the link is out of range
 */
export function choose(ways: readonly Way[], link: LinkProfile, wishes: Wishes): Choice {
  checkInput(ways, link);
  const rated = rate(ways, link, wishes).sort((a, b) => a.totalMs.p50 - b.totalMs.p50);
  const competing = ways.filter((way) => way.loss.points <= wishes.maxLossPoints);
  const lines = competing.map((way) => ({ wayId: way.id, ...totalLine(way, link) }));
  const winner = rated.find(({ keepsLoss, keepsBudget }) => keepsLoss && keepsBudget);
  return {
    link,
    wishes,
    ways: rated,
    winnerId: winner?.way.id ?? null,
    ranges: lines.length === 0 ? [] : fastestByBandwidth(lines),
  };
}

function rate(ways: readonly Way[], link: LinkProfile, { maxLossPoints, budgetMs }: Wishes): RatedWay[] {
  const totals = ways.map((way) => totalOf(way, link));
  const front = paretoFront(
    ways.map(({ loss, uplinkBytes, deviceMacs }, i) => [
      totals[i].p50,
      totals[i].p95,
      loss.points,
      uplinkBytes.p50,
      deviceMacs ?? Number.POSITIVE_INFINITY,
    ]),
  );
  return ways.map((way, i) => ({
    way,
    totalMs: totals[i],
    onFront: front[i],
    keepsLoss: way.loss.points <= maxLossPoints,
    keepsBudget: budgetMs === undefined || totals[i].p95 <= budgetMs,
    ...(way.exit && { decisionMs: decisionOf(way, way.exit, link) }),
  }));
}

function checkInput(ways: readonly Way[], link: LinkProfile): void {
  if (ways.length === 0) throw new RangeError('ways expected at least one, got none');
  if (new Set(ways.map(({ id }) => id)).size !== ways.length) {
    throw new RangeError('ways expected distinct ids, got one twice');
  }
  checkLink(link);
}
