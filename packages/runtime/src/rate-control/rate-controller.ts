/**
 * Keeps a latency budget: chooses the operating point of each request from what earlier exchanges took. A point costs its
 * loss, and being late by its probability; what lateness costs is raised by late answers and lowered by answers in time,
 * so that nearly all requests of the last minutes keep the budget, and the few that do not are risked where a better
 * point is worth most.
 */

import { createLinkEstimate, type LinkPrior, P95_DEVIATIONS, type UncertainTime } from './link-estimate.js';

/** What the controller knows of an operating point. */
export interface RatedPoint {
  readonly id: string;
  /** Of a request on the wire: mean, and the 95th percentile if it is known. */
  readonly bytes: { readonly mean: number; readonly p95?: number };
  /** Loss of the task metric against the unsplit network, in any unit; differences count as shares of the ladder's range. */
  readonly loss: number;
}

/** How a budget is kept. */
export interface RateControlOptions {
  readonly points: readonly RatedPoint[];
  /** From the call to the result. */
  readonly budgetMs: number;
  /** What is believed of the link before the first exchange. */
  readonly link?: LinkPrior;
}

/** One exchange that succeeded. */
export interface ObservedExchange {
  readonly point: string;
  /** Of the request; the answer, the same at every point, is part of the round trip. */
  readonly bytes: number;
  /** Round trip without the server's own time. */
  readonly linkMs: number;
  /** What the request took up to the feature, before the call too. */
  readonly beforeMs: number;
  /** Coding and reading on this side. */
  readonly deviceMs: number;
  /** Queue, decoding, tail and coding of the answer. */
  readonly serverMs: number;
  /** With what was gone before the choice. */
  readonly totalMs: number;
  /** What the request was allowed, in place of the budget. */
  readonly budgetMs?: number;
}

/** A choice with its reason. */
export interface RateChoice {
  readonly point: string;
  /**
   * `'fits'`: its 95th percentile is within the budget; `'try'`: it is in time more likely than not; `'over-budget'`: it
   * is not, but no other is better.
   */
  readonly reason: 'fits' | 'try' | 'over-budget';
  /** Prediction of the total time. */
  readonly expected: UncertainTime;
}

/** The limits of one request. */
export interface ChoiceLimits {
  /** On the wire; points above it are left out. */
  readonly maxBytes?: number;
  /** In place of the budget. */
  readonly budgetMs?: number;
  /** Milliseconds of the budget that are gone already, as those that an exit took; 0 by default. */
  readonly elapsedMs?: number;
}

/** Chooses points for one client and server. Times `at` are on one clock and never go back. */
export interface RateController {
  /** @throws {RangeError} if no point is within `maxBytes` */
  choose(at: number, limits?: ChoiceLimits): RateChoice;
  observe(exchange: ObservedExchange, at: number): void;
  /** No answer came: time ran out, or the connection broke. The next request goes at the smallest point. */
  observeFailure(): void;
}

/** Share of the requests that a 95th percentile is above. */
const P95_SHARE = 0.95;
/** From this on it is more likely than not. */
const LIKELY_SHARE = 0.5;
/** Share of the requests that may miss the budget; a little less than the 5 % of a 95th percentile, which it then keeps. */
const LATE_SHARE = 0.04;
/**
 * What a late answer costs, as a multiple of the ladder's range of losses: first, its bounds, and how fast it follows the
 * share of late answers.
 */
const LATE_COST = Object.freeze({ first: 2, least: 0.5, most: 50, adaption: 0.05 });
/** Another point must be better than the one before by so much of the cost of a late answer. */
const SWITCH_GAIN = 0.01;
/** Share that a new time of device or server has in its running mean. */
const RUNNING_RATE = 0.2;

/**
 * A controller that has seen nothing yet: it begins with the smallest point unless the prior says that more fits.
 * @throws {RangeError} if there is no point, ids repeat, or the budget is not above 0
 */
export function createRateController({ points, budgetMs, link }: RateControlOptions): RateController {
  const ladder = ladderOf(points);
  if (!(budgetMs > 0)) throw new RangeError(`budgetMs expected a number above 0, got ${budgetMs}`);
  return new LadderController(ladder, budgetMs, link);
}

/** Points by ascending bytes, without those that a smaller one is as good as. */
function ladderOf(points: readonly RatedPoint[]): RatedPoint[] {
  if (points.length === 0) throw new RangeError('points expected at least one, got none');
  if (new Set(points.map(({ id }) => id)).size < points.length)
    throw new RangeError('points expected ids of their own, got one twice');
  const ladder: RatedPoint[] = [];
  for (const point of [...points].sort((a, b) => a.bytes.mean - b.bytes.mean || a.loss - b.loss)) {
    if (ladder.length === 0 || point.loss < ladder[ladder.length - 1].loss) ladder.push(point);
  }
  return ladder;
}

class LadderController implements RateController {
  readonly #ladder: readonly RatedPoint[];
  readonly #budgetMs: number;
  readonly #link;
  readonly #before = new RunningTime();
  readonly #device = new RunningTime();
  readonly #server = new RunningTime();
  /** Position on the ladder; -1 before the first choice. */
  #current = -1;
  #lateCost: number = LATE_COST.first;
  readonly #lossRange: number;
  /** After a failure, until an answer comes. */
  #isCareful = false;

  constructor(ladder: readonly RatedPoint[], budgetMs: number, link: LinkPrior | undefined) {
    this.#ladder = ladder;
    this.#budgetMs = budgetMs;
    this.#link = createLinkEstimate(link);
    this.#lossRange = ladder[0].loss - ladder[ladder.length - 1].loss || 1;
  }

  choose(
    at: number,
    { maxBytes = Number.POSITIVE_INFINITY, budgetMs = this.#budgetMs, elapsedMs = 0 }: ChoiceLimits = {},
  ): RateChoice {
    const tooLarge = this.#ladder.findIndex(({ bytes }) => (bytes.p95 ?? bytes.mean) > maxBytes);
    const allowed = tooLarge < 0 ? this.#ladder.length : tooLarge;
    if (allowed === 0) {
      const { mean, p95 = mean } = this.#ladder[0].bytes;
      throw new RangeError(`maxBytes expected at least ${Math.ceil(p95)}, got ${maxBytes}`);
    }
    const expected = this.#ladder.slice(0, allowed).map((point) => this.#expect(point, at, elapsedMs));
    const inTime = expected.map((time) => shareWithin(time, budgetMs));
    const position = this.#bestOf(inTime);
    // A limit of one request moves nothing.
    if (allowed === this.#ladder.length && budgetMs === this.#budgetMs) this.#current = position;
    return this.#choice(position, expected, inTime);
  }

  observe(exchange: ObservedExchange, at: number): void {
    const { point, bytes, linkMs, beforeMs, deviceMs, serverMs, totalMs } = exchange;
    const { budgetMs = this.#budgetMs } = exchange;
    this.#isCareful = false;
    this.#link.observe(bytes, linkMs, at);
    this.#before.add(beforeMs);
    this.#device.add(deviceMs);
    this.#server.add(serverMs);
    // Nothing less could have been sent than the smallest point: its lateness says nothing of the cost.
    if (point === this.#ladder[0].id) return;
    const late = totalMs > budgetMs ? 1 : 0;
    const cost = this.#lateCost * Math.exp(LATE_COST.adaption * (late - LATE_SHARE));
    this.#lateCost = Math.min(LATE_COST.most, Math.max(LATE_COST.least, cost));
  }

  observeFailure(): void {
    this.#link.forget();
    this.#current = 0;
    this.#isCareful = true;
  }

  /**
   * The point of the least expected cost: its loss, and what lateness costs by its probability. It is the smallest one where
   * none is likely in time, since a late message holds up the next; and what only a try can tell is tried step by step.
   */
  #bestOf(inTime: readonly number[]): number {
    const sure = inTime.findLastIndex((share) => share >= P95_SHARE);
    if (this.#current < 0) return Math.max(0, sure);
    if (this.#isCareful) return 0;
    const costs = inTime.map((share, i) =>
      share < LIKELY_SHARE && i > 0
        ? Number.POSITIVE_INFINITY
        : this.#ladder[i].loss / this.#lossRange + this.#lateCost * (1 - share),
    );
    const least = costs.indexOf(Math.min(...costs));
    if (costs[this.#current] - costs[least] < SWITCH_GAIN * this.#lateCost) return this.#current;
    return Math.min(least, Math.max(sure, this.#current + 1));
  }

  #expect({ bytes }: RatedPoint, at: number, elapsedMs: number): UncertainTime {
    const typical = this.#link.predict(bytes.mean, at);
    // Frames differ in size: the 95th percentile of bytes is one deviation more or less.
    const large = this.#link.predict(bytes.p95 ?? bytes.mean, at);
    const spreadMs = Math.max(0, large.meanMs - typical.meanMs) / P95_DEVIATIONS;
    // A head that has run is in `elapsedMs`, one that is to run is not.
    const beforeMs = Math.max(elapsedMs, this.#before.meanMs);
    return {
      meanMs: beforeMs + typical.meanMs + this.#device.meanMs + this.#server.meanMs,
      deviationMs: Math.hypot(
        typical.deviationMs,
        spreadMs,
        this.#before.deviationMs,
        this.#device.deviationMs,
        this.#server.deviationMs,
      ),
    };
  }

  #choice(position: number, expected: readonly UncertainTime[], inTime: readonly number[]): RateChoice {
    const share = inTime[position];
    const reason = share >= P95_SHARE ? 'fits' : share >= LIKELY_SHARE ? 'try' : 'over-budget';
    return { point: this.#ladder[position].id, reason, expected: expected[position] };
  }
}

/** Running mean and deviation of a time; nothing is assumed before the first. */
class RunningTime {
  meanMs = 0;
  deviationMs = 0;
  #isEmpty = true;

  add(ms: number): void {
    if (this.#isEmpty) {
      this.meanMs = ms;
      this.#isEmpty = false;
      return;
    }
    const difference = ms - this.meanMs;
    this.meanMs += RUNNING_RATE * difference;
    this.deviationMs = Math.sqrt(
      (1 - RUNNING_RATE) * (this.deviationMs ** 2 + RUNNING_RATE * difference ** 2),
    );
  }
}

/** Probability that a time is within a limit: its logarithm is taken to be normal. */
function shareWithin({ meanMs, deviationMs }: UncertainTime, limitMs: number): number {
  const deviationLog = Math.log1p((P95_DEVIATIONS * deviationMs) / meanMs) / P95_DEVIATIONS;
  return normalShare(Math.log(limitMs / meanMs) / deviationLog);
}

/** The standard normal distribution, by the logistic curve of Bowling et al. (2009), within 0.00014. */
function normalShare(x: number): number {
  return 1 / (1 + Math.exp(-0.07056 * x ** 3 - 1.5976 * x));
}
