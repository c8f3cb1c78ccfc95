/**
 * Keeps a latency budget: before each request the most accurate operating point whose 95th percentile of total time fits, from
 * what earlier exchanges took. It retreats at once and advances step by step; where only a try can tell whether a larger
 * point fits, it tries one, and waits longer after each try that did not.
 */

import { createLinkEstimate, type LinkPrior, type UncertainTime } from './link-estimate.js';

/** What the controller knows of an operating point. */
export interface RatedPoint {
  readonly id: string;
  /** Of a request on the wire: mean, and the 95th percentile if it is known. */
  readonly bytes: { readonly mean: number; readonly p95?: number };
  /** Loss of the task metric against the unsplit network; only the order matters. */
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
  readonly bytes: number;
  /** Round trip without the server's own time. */
  readonly linkMs: number;
  /** Head, coding and reading on this side. */
  readonly deviceMs: number;
  /** Queue, decoding, tail and coding of the answer. */
  readonly serverMs: number;
  readonly totalMs: number;
}

/** A choice with its reason. */
export interface RateChoice {
  readonly point: string;
  /**
   * `'fits'`: its 95th percentile is within the budget; `'try'`: only a try can tell; `'over-budget'`: no point fits, this is
   * the least.
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
}

/** Chooses points for one client and server. Times `at` are on one clock and never go back. */
export interface RateController {
  /** @throws {RangeError} if no point is within `maxBytes` */
  choose(at: number, limits?: ChoiceLimits): RateChoice;
  observe(exchange: ObservedExchange, at: number): void;
  /** No answer came: time ran out, or the connection broke. */
  observeFailure(at: number): void;
}

/** Deviations from the mean to the 95th percentile of a normal distribution. */
const P95_DEVIATIONS = 1.645;
/** A larger point must fit with so much room, and the current one have kept the budget so often in a row. */
const ADVANCE_SHARE = 0.9;
const ADVANCE_AFTER = 3;
/** Wait after a retreat before the next advance; doubled for each try that failed, up to the longest. */
const FIRST_HOLD_MS = 1_000;
const LONGEST_HOLD_MS = 60_000;
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
  readonly #device = new RunningTime();
  readonly #server = new RunningTime();
  /** Position on the ladder; -1 before the first choice. */
  #current = -1;
  #keptInARow = 0;
  /** No advance before this time. */
  #holdUntil = Number.NEGATIVE_INFINITY;
  #holdMs = FIRST_HOLD_MS;
  /** Position that is being tried; null if none is. */
  #trying: number | null = null;

  constructor(ladder: readonly RatedPoint[], budgetMs: number, link: LinkPrior | undefined) {
    this.#ladder = ladder;
    this.#budgetMs = budgetMs;
    this.#link = createLinkEstimate(link);
  }

  choose(
    at: number,
    { maxBytes = Number.POSITIVE_INFINITY, budgetMs = this.#budgetMs }: ChoiceLimits = {},
  ): RateChoice {
    const allowed = this.#ladder.filter(({ bytes }) => (bytes.p95 ?? bytes.mean) <= maxBytes).length;
    if (allowed === 0) {
      const { mean, p95 = mean } = this.#ladder[0].bytes;
      throw new RangeError(`maxBytes expected at least ${Math.ceil(p95)}, got ${maxBytes}`);
    }
    const expected = this.#ladder.slice(0, allowed).map((point) => this.#expect(point, at));
    const fitting = expected.findLastIndex((time) => p95Of(time) <= budgetMs);
    // A limit of one request moves nothing: the ladder is held for those that follow.
    if (allowed < this.#ladder.length || budgetMs !== this.#budgetMs)
      return this.#choice(Math.max(0, fitting), expected, fitting < 0 ? 'over-budget' : 'fits');
    if (this.#current < 0 || fitting < this.#current) this.#moveTo(Math.max(0, fitting), at);
    else if (this.#mayAdvance(at)) return this.#advance(expected, at);
    return this.#choice(this.#current, expected, fitting < 0 ? 'over-budget' : 'fits');
  }

  observe({ point, bytes, linkMs, deviceMs, serverMs, totalMs }: ObservedExchange, at: number): void {
    if (this.#link.observe(bytes, linkMs, at) === 'faster') this.#release(at);
    this.#device.add(deviceMs);
    this.#server.add(serverMs);
    const kept = totalMs <= this.#budgetMs;
    this.#keptInARow = kept ? this.#keptInARow + 1 : 0;
    if (this.#trying === null || point !== this.#ladder[this.#trying].id) return;
    if (kept) {
      this.#current = this.#trying;
      this.#holdMs = FIRST_HOLD_MS;
    } else {
      this.#hold(at);
    }
    this.#trying = null;
    this.#keptInARow = 0;
  }

  observeFailure(at: number): void {
    this.#link.forget();
    this.#trying = null;
    this.#keptInARow = 0;
    if (this.#current > 0) this.#current = 0;
    this.#hold(at);
  }

  #expect({ bytes }: RatedPoint, at: number): UncertainTime {
    const typical = this.#link.predict(bytes.mean, at);
    // Frames differ in size: the 95th percentile of bytes is one deviation more or less.
    const large = this.#link.predict(bytes.p95 ?? bytes.mean, at);
    const spreadMs = Math.max(0, large.meanMs - typical.meanMs) / P95_DEVIATIONS;
    return {
      meanMs: typical.meanMs + this.#device.meanMs + this.#server.meanMs,
      deviationMs: Math.hypot(
        typical.deviationMs,
        spreadMs,
        this.#device.deviationMs,
        this.#server.deviationMs,
      ),
    };
  }

  #mayAdvance(at: number): boolean {
    const isFree = this.#current < this.#ladder.length - 1 && this.#trying === null;
    return isFree && at >= this.#holdUntil && this.#keptInARow >= ADVANCE_AFTER;
  }

  /** One step up if it fits with room; else a try if it may fit for all that is known. */
  #advance(expected: readonly UncertainTime[], at: number): RateChoice {
    const next = this.#current + 1;
    const limitMs = ADVANCE_SHARE * this.#budgetMs;
    if (p95Of(expected[next]) <= limitMs) {
      this.#moveTo(next, at);
      return this.#choice(next, expected, 'fits');
    }
    if (p5Of(expected[next]) > limitMs) return this.#choice(this.#current, expected, 'fits');
    this.#trying = next;
    return this.#choice(next, expected, 'try');
  }

  #moveTo(position: number, at: number): void {
    if (position < this.#current) this.#hold(at);
    this.#current = position;
    this.#keptInARow = 0;
    this.#trying = null;
  }

  #hold(at: number): void {
    this.#holdUntil = at + this.#holdMs;
    this.#holdMs = Math.min(LONGEST_HOLD_MS, 2 * this.#holdMs);
  }

  /** What was held against larger points belongs to a link that is no more. */
  #release(at: number): void {
    this.#holdUntil = at;
    this.#holdMs = FIRST_HOLD_MS;
  }

  #choice(position: number, expected: readonly UncertainTime[], reason: RateChoice['reason']): RateChoice {
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

function p95Of({ meanMs, deviationMs }: UncertainTime): number {
  return meanMs + P95_DEVIATIONS * deviationMs;
}

function p5Of({ meanMs, deviationMs }: UncertainTime): number {
  return meanMs - P95_DEVIATIONS * deviationMs;
}
