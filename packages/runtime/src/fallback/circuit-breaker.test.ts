import { describe, expect, test } from 'vitest';
import { createCircuitBreaker } from './circuit-breaker.js';

const latest = () => 1 - Number.EPSILON;

describe('createCircuitBreaker', () => {
  test('opens after failures in a row, and no earlier', () => {
    const breaker = createCircuitBreaker({ failureCount: 3 });
    for (const fails of [true, true, false, true, true]) {
      expect(breaker.admit(0)).toBe(true);
      if (fails) breaker.fail(0);
      else breaker.succeed();
    }
    expect(breaker.state).toBe('closed');
    breaker.fail(0);
    expect(breaker.state).toBe('open');
    expect(breaker.admit(1)).toBe(false);
  });

  test('lets one request try after each wait, and doubles the waits up to the longest', () => {
    const breaker = createCircuitBreaker({
      ...{ failureCount: 1, baseOpenMs: 100, maxOpenMs: 350, random: latest },
    });
    breaker.fail(0);
    let at = 0;
    for (const waitMs of [100, 200, 350, 350]) {
      expect(breaker.admit(at + waitMs - 1), `before ${waitMs}`).toBe(false);
      at += waitMs;
      expect(breaker.admit(at), `after ${waitMs}`).toBe(true);
      expect(breaker.admit(at), 'a second one').toBe(false);
      breaker.fail(at);
    }
    breaker.succeed();
    expect(breaker.admit(at)).toBe(true);
    breaker.fail(at);
    expect(breaker.admit(at + 100), 'the first wait again').toBe(true);
  });

  test('waits are at least half of their bound, and as long as the server asked for', () => {
    const soonest = createCircuitBreaker({ failureCount: 1, baseOpenMs: 100, random: () => 0 });
    soonest.fail(0);
    expect([49, 50].map((at) => soonest.admit(at))).toEqual([false, true]);
    const told = createCircuitBreaker({ failureCount: 1, baseOpenMs: 100 });
    told.fail(0, 1_000);
    expect([999, 1_000].map((at) => told.admit(at))).toEqual([false, true]);
  });

  test('a request that says nothing leaves the next one to try', () => {
    const breaker = createCircuitBreaker({ failureCount: 1, baseOpenMs: 100, random: latest });
    breaker.fail(0);
    expect(breaker.admit(100)).toBe(true);
    breaker.cancel();
    expect(breaker.admit(100)).toBe(true);
  });

  test('answers and failures of requests that went before it opened count too', () => {
    const breaker = createCircuitBreaker({ failureCount: 1, baseOpenMs: 100, random: latest });
    breaker.fail(0);
    breaker.fail(50); // does not lengthen the wait
    expect(breaker.admit(100)).toBe(true);
    breaker.succeed();
    expect(breaker.state).toBe('closed');
  });

  test.each([{ failureCount: 0 }, { failureCount: 1.5 }, { baseOpenMs: 0 }, { baseOpenMs: 9, maxOpenMs: 8 }])(
    'options that make no sense are refused: %o',
    (options) => {
      expect(() => createCircuitBreaker(options)).toThrow(RangeError);
    },
  );
});
