import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { createLinkEstimate } from './link-estimate.js';
import { createRateController, type RateChoice, type RatedPoint } from './rate-controller.js';

/** A link at a moment. */
interface SimulatedLink {
  readonly roundTripMs: number;
  readonly uplinkMbps: number;
  /** Standard deviation as a share of the time. */
  readonly jitter: number;
}

const msOfLink = ({ roundTripMs, uplinkMbps }: SimulatedLink, bytes: number): number =>
  roundTripMs + (8 * bytes) / 1000 / uplinkMbps;

describe('createLinkEstimate', () => {
  const link = { roundTripMs: 30, uplinkMbps: 10, jitter: 0.05 };

  test('learns round trip and rate from messages of several sizes', () => {
    const random = createRandom(1);
    const estimate = createLinkEstimate();
    for (let i = 0; i < 40; i++) {
      const bytes = 1_000 + random.nextInteger(30_000);
      estimate.observe(bytes, msOfLink(link, bytes) * (1 + 0.05 * random.nextNormal()), 50 * i);
    }
    for (const bytes of [500, 10_000, 60_000]) {
      const { meanMs } = estimate.predict(bytes, 2_000);
      expect(Math.abs(meanMs / msOfLink(link, bytes) - 1)).toBeLessThan(0.1);
    }
  });

  test('is surer of sizes that it saw than of larger ones, and of fresh than of old', () => {
    const estimate = createLinkEstimate();
    for (let i = 0; i < 20; i++) estimate.observe(5_000, msOfLink(link, 5_000), 50 * i);
    const seen = estimate.predict(5_000, 1_000);
    const larger = estimate.predict(50_000, 1_000);
    expect(larger.deviationMs).toBeGreaterThan(3 * seen.deviationMs);
    const later = estimate.predict(5_000, 60_000);
    expect(later.deviationMs).toBeGreaterThan(2 * seen.deviationMs);
  });

  test('two slow exchanges in a row are enough to believe that the link has changed', () => {
    const estimate = createLinkEstimate();
    for (let i = 0; i < 100; i++) estimate.observe(10_000, 40, 50 * i);
    expect(estimate.predict(10_000, 5_000).meanMs).toBeLessThan(45);
    estimate.observe(10_000, 200, 5_050);
    estimate.observe(10_000, 200, 5_100);
    expect(estimate.predict(10_000, 5_100).meanMs).toBeGreaterThan(120);
  });

  test('never predicts a time below 0, whatever it is told', () => {
    const estimate = createLinkEstimate();
    for (const [bytes, ms] of [
      [100, 80],
      [100_000, 1],
      [50_000, 0],
    ])
      estimate.observe(bytes, ms, 0);
    for (const bytes of [0, 100, 1_000_000]) {
      const { meanMs, deviationMs } = estimate.predict(bytes, 0);
      expect(meanMs).toBeGreaterThanOrEqual(0);
      expect(deviationMs).toBeGreaterThan(0);
    }
  });
});

const POINTS: readonly RatedPoint[] = [
  { id: 'tiny', bytes: { mean: 500, p95: 600 }, loss: 0.05 },
  { id: 'small', bytes: { mean: 4_000, p95: 4_500 }, loss: 0.02 },
  { id: 'wasteful', bytes: { mean: 6_000 }, loss: 0.03 },
  { id: 'medium', bytes: { mean: 12_000, p95: 13_000 }, loss: 0.01 },
  { id: 'large', bytes: { mean: 40_000, p95: 44_000 }, loss: 0.002 },
];
const BUDGET_MS = 80;
const DEVICE_MS = 8;
const SERVER_MS = 5;
/** Three quarters of the device's time are the head's. */
const END_TIMES = { beforeMs: 0.75 * DEVICE_MS, deviceMs: 0.25 * DEVICE_MS, serverMs: SERVER_MS };
/** From one request to the next. */
const INTERVAL_MS = 100;

interface Step {
  readonly choice: RateChoice;
  readonly totalMs: number;
  readonly link: SimulatedLink;
}

/** Requests at equal distance over a link that changes. */
function simulate(linkAt: (step: number) => SimulatedLink, steps: number, seed = 1): Step[] {
  const random = createRandom(seed);
  const controller = createRateController({ points: POINTS, budgetMs: BUDGET_MS });
  return Array.from({ length: steps }, (_, i) => {
    const at = i * INTERVAL_MS;
    const link = linkAt(i);
    const choice = controller.choose(at);
    const point = POINTS.find(({ id }) => id === choice.point)!;
    const bytes = point.bytes.mean * (1 + 0.05 * random.nextNormal());
    const linkMs = msOfLink(link, bytes) * Math.max(0.5, 1 + link.jitter * random.nextNormal());
    const totalMs = linkMs + DEVICE_MS + SERVER_MS;
    controller.observe({ point: point.id, bytes, linkMs, ...END_TIMES, totalMs }, at + totalMs);
    return { choice, totalMs, link };
  });
}

/** The best point whose mean time keeps the budget. */
function bestPoint(link: SimulatedLink): string {
  const fitting = POINTS.filter(
    ({ bytes }) => msOfLink(link, bytes.mean) + DEVICE_MS + SERVER_MS <= BUDGET_MS,
  );
  return fitting.reduce((best, point) => (point.loss < best.loss ? point : best)).id;
}

const shareOf = (steps: readonly Step[], test: (step: Step) => boolean): number =>
  steps.filter(test).length / steps.length;

describe('createRateController', () => {
  test.each([
    ['a fast link', { roundTripMs: 10, uplinkMbps: 50, jitter: 0.05 }],
    ['a middling link', { roundTripMs: 30, uplinkMbps: 6, jitter: 0.05 }],
    ['a slow link', { roundTripMs: 40, uplinkMbps: 2, jitter: 0.05 }],
  ])('settles at the best point of %s and keeps the budget', (_, link) => {
    for (let seed = 1; seed <= 10; seed++) {
      const settled = simulate(() => link, 400, seed).slice(100);
      expect(shareOf(settled, ({ choice }) => choice.point === bestPoint(link))).toBeGreaterThan(0.9);
      expect(shareOf(settled, ({ totalMs }) => totalMs <= BUDGET_MS)).toBeGreaterThan(0.95);
    }
  });

  test('begins with the smallest point and goes up by single steps, or to one that fits', () => {
    const order = POINTS.filter(({ id }) => id !== 'wasteful').map(({ id }) => id);
    const steps = simulate(() => ({ roundTripMs: 10, uplinkMbps: 50, jitter: 0.02 }), 100);
    const chosen = steps.map(({ choice }) => order.indexOf(choice.point));
    expect(chosen[0]).toBe(0);
    for (let i = 1; i < chosen.length; i++)
      if (steps[i].choice.reason !== 'fits') expect(chosen[i] - chosen[i - 1]).toBeLessThanOrEqual(1);
    expect(chosen.at(-1)).toBe(order.length - 1);
  });

  test('a point that a smaller one is as good as is never chosen', () => {
    for (const { choice } of simulate(() => ({ roundTripMs: 20, uplinkMbps: 8, jitter: 0.2 }), 300))
      expect(choice.point).not.toBe('wasteful');
  });

  test('a link that gets ten times slower costs a few late answers, one that gets fast again is used', () => {
    const fast = { roundTripMs: 10, uplinkMbps: 50, jitter: 0.05 };
    const slow = { roundTripMs: 40, uplinkMbps: 2, jitter: 0.05 };
    const steps = simulate((i) => (i >= 200 && i < 400 ? slow : fast), 800);
    const late = steps.slice(200, 400).filter(({ totalMs }) => totalMs > BUDGET_MS).length;
    expect(late).toBeLessThanOrEqual(12);
    expect(shareOf(steps.slice(210, 400), ({ choice }) => choice.point === bestPoint(slow))).toBeGreaterThan(
      0.85,
    );
    expect(shareOf(steps.slice(600), ({ choice }) => choice.point === 'large')).toBeGreaterThan(0.9);
  });

  test('tries that fail become rarer', () => {
    const tight = { roundTripMs: 30, uplinkMbps: 5.6, jitter: 0.03 }; // 'large' takes 100 ms, 'medium' 60
    const steps = simulate(() => tight, 3_000);
    const tries = steps.map(({ choice }) => choice.reason === 'try');
    const early = tries.slice(0, 600).filter(Boolean).length;
    const late = tries.slice(2_400).filter(Boolean).length;
    expect(late).toBeLessThanOrEqual(Math.max(early, 2));
    expect(shareOf(steps.slice(1_000), ({ totalMs }) => totalMs <= BUDGET_MS)).toBeGreaterThan(0.97);
  });

  test('where nothing fits it says so and sends the least', () => {
    const steps = simulate(() => ({ roundTripMs: 300, uplinkMbps: 1, jitter: 0.05 }), 50);
    for (const { choice } of steps.slice(5)) {
      expect(choice.point).toBe('tiny');
      expect(choice.reason).toBe('over-budget');
    }
  });

  test('a failure leads back to the smallest point', () => {
    const controller = createRateController({
      points: POINTS,
      budgetMs: BUDGET_MS,
      link: { roundTripMs: 5, uplinkMbps: 1_000, spread: 0.1 },
    });
    expect(controller.choose(0).point).toBe('large');
    controller.observeFailure();
    expect(controller.choose(20).point).toBe('tiny');
  });

  test('limits of one request hold for that request alone', () => {
    const controller = createRateController({
      points: POINTS,
      budgetMs: BUDGET_MS,
      link: { roundTripMs: 5, uplinkMbps: 1_000, spread: 0.1 },
    });
    expect(controller.choose(0).point).toBe('large');
    expect(controller.choose(1, { maxBytes: 13_000 }).point).toBe('medium');
    expect(controller.choose(2, { maxBytes: 12_999 }).point).toBe('small');
    expect(controller.choose(3, { budgetMs: 0.001 })).toMatchObject({ point: 'tiny', reason: 'over-budget' });
    expect(controller.choose(4).point).toBe('large');
    expect(() => controller.choose(5, { maxBytes: 100 })).toThrow('maxBytes expected at least 600, got 100');
  });

  test('an exchange is late by what its request was allowed', () => {
    const afterSlowExchanges = (allowedMs: object): string => {
      const random = createRandom(3);
      const link = { roundTripMs: 30, uplinkMbps: 12, spread: 0.1 };
      const controller = createRateController({ points: POINTS, budgetMs: BUDGET_MS, link });
      controller.choose(0);
      for (let i = 0; i < 100; i++) {
        const linkMs = 57 * (1 + 0.1 * random.nextNormal());
        const times = { linkMs, ...END_TIMES, totalMs: 100 };
        controller.observe({ point: 'large', bytes: 40_000, ...times, ...allowedMs }, INTERVAL_MS * i);
      }
      return controller.choose(100 * INTERVAL_MS).point;
    };
    expect(afterSlowExchanges({ budgetMs: 1000 })).toBe('large');
    expect(afterSlowExchanges({})).not.toBe('large');
  });

  test('points and budgets that make no sense are refused', () => {
    expect(() => createRateController({ points: [], budgetMs: 1 })).toThrow(RangeError);
    expect(() => createRateController({ points: [POINTS[0], POINTS[0]], budgetMs: 1 })).toThrow(RangeError);
    expect(() => createRateController({ points: POINTS, budgetMs: 0 })).toThrow(RangeError);
    expect(() => createLinkEstimate({ roundTripMs: 0, uplinkMbps: 1 })).toThrow(RangeError);
  });
});
