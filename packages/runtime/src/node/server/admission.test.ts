/** What decides about requests before they are run, on clocks of the test's. */

import { describe, expect, test } from 'vitest';
import { createBatchPolicy } from './batch-policy.js';
import { createByteBudget } from './byte-budget.js';
import { createClientActivity } from './client-activity.js';
import { createRateLimiter } from './rate-limiter.js';

describe('rate limiter', () => {
  test('lets as many through at once as in a second, then one whenever its time has come', () => {
    const limiter = createRateLimiter(4);
    const at = (now: number) => limiter.take('a', now);
    expect([0, 0, 0, 0].map(at)).toEqual([0, 0, 0, 0]);
    expect(at(0)).toBe(250);
    expect([at(250), at(251) > 0]).toEqual([0, true]);
    expect([at(9000), at(9000), at(9000), at(9000), at(9000) > 0]).toEqual([0, 0, 0, 0, true]);
    expect(limiter.take('b', 9000)).toBe(0);
  });

  test('tells a flood to wait until all that was refused could have been taken, a second more at most', () => {
    const limiter = createRateLimiter(4);
    limiter.take('a', 0, 4);
    const waits = Array.from({ length: 10 }, () => limiter.take('a', 0));
    expect(waits).toEqual([250, 500, 750, 1000, 1250, 1250, 1250, 1250, 1250, 1250]);
    // What came too early is taken as soon as there is a token, and what was refused is forgotten as time goes.
    expect([limiter.take('a', 250), limiter.take('a', 250)]).toEqual([0, 1000]);
    expect(limiter.take('a', 1250, 4)).toBe(0);
    expect(limiter.take('a', 1250)).toBe(250);
  });

  test('several tokens may be taken at once, and no more than a bucket holds', () => {
    const limiter = createRateLimiter(4);
    expect(limiter.take('a', 0, 3)).toBe(0);
    expect(limiter.take('a', 0, 3)).toBe(500);
    expect(limiter.take('a', 500, 3)).toBe(0);
    expect(limiter.take('a', 500, 0)).toBe(0);
    expect(limiter.take('a', 1500, 1e9)).toBe(0);
  });

  test('forgets nobody who still waits, however many clients there are', () => {
    const limiter = createRateLimiter(1);
    limiter.take('a', 10_000);
    for (let i = 0; i < 10_000; i++) limiter.take(`client ${i}`, 0);
    expect(limiter.take('a', 10_000)).toBeGreaterThan(0);
  });
});

describe('byte budget', () => {
  test('is bounded for all and for each', () => {
    const budget = createByteBudget(100);
    expect([budget.hasRoom('a', 50), budget.hasRoom('a', 51), budget.held]).toEqual([true, false, 0]);
    expect([budget.take('a', 50), budget.take('a', 1)]).toEqual([true, false]);
    expect([budget.take('b', 30), budget.take('c', 21), budget.take('c', 20)]).toEqual([true, false, true]);
    budget.owe('a', 40);
    expect(budget.held).toBe(140);
    budget.release('a', 90);
    expect([budget.held, budget.take('a', 50)]).toEqual([50, true]);
  });
});

describe('client activity', () => {
  test('knows whether others were heard lately', () => {
    const activity = createClientActivity(1000);
    expect(activity.hasOthers('a', 0)).toBe(false);
    activity.heard('a', 0);
    activity.heard('a', 10);
    expect([activity.hasOthers('a', 10), activity.hasOthers('b', 10)]).toEqual([false, true]);
    activity.heard('b', 20);
    activity.heard('a', 900);
    expect([activity.hasOthers('a', 1020), activity.hasOthers('a', 1021)]).toEqual([true, false]);
  });
});

describe('batch policy', () => {
  const policyAfter = (...sizes: number[]) => {
    const policy = createBatchPolicy({ maxBatchSize: 8, batchWindowMs: 5 });
    for (const size of sizes) policy.observe(size, 10 * size);
    return policy;
  };

  test('a lone request never waits', () => {
    expect(policyAfter().holdMs(1, 0, 1000)).toBe(0);
    expect(policyAfter(4, 1).holdMs(1, 0, 1000)).toBe(0);
  });

  test('after a batch of several, a worker waits for as many, no longer than the window and the deadlines let it', () => {
    const policy = policyAfter(4);
    expect(policy.holdMs(3, 0, 1000)).toBe(5);
    expect(policy.holdMs(3, 4, 1000)).toBe(1);
    expect(policy.holdMs(3, 6, 1000)).toBe(0);
    expect(policy.holdMs(3, 0, 2)).toBe(2);
    expect(policy.holdMs(3, 0, -2)).toBe(0);
    expect(policy.holdMs(4, 0, 1000)).toBe(0);
    expect(policyAfter(20).holdMs(8, 0, 1000)).toBe(0);
  });

  test('times are expected by request, and doubted when they keep requests out', () => {
    const policy = policyAfter(4);
    expect([policy.expectedMs(1), policy.expectedMs(3)]).toEqual([10, 30]);
    policy.doubt();
    expect(policy.expectedMs(1)).toBe(8);
  });
});
