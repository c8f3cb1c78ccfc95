import { beforeAll, describe, expect, test } from 'vitest';
import { drawFeature } from '../../test/features.js';
import { smoothFeature } from '../../test/smooth-features.js';
import { type Backend, encodeFrame, encodeWithinBytes, inspectFrame, loadWasmBackend } from '../index.js';
import { runTimed, startTimeBudget } from './time-budget.js';

let backend: Backend;
beforeAll(async () => {
  backend = await loadWasmBackend();
});

describe('a limit on time', () => {
  const quantizer = { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } } as const;

  test('of nothing leaves the table, in the dense layout; without one auto takes what is smaller', () => {
    const feature = smoothFeature([16, 32, 32], 4, 5);
    const table = encodeFrame(feature, { quantizer, coder: 'rans', layout: 'dense', backend });
    expect(encodeFrame(feature, { quantizer, maxMs: 0, backend })).toEqual(table);
    const free = encodeFrame(feature, { quantizer, backend });
    expect(free.length).toBeLessThan(table.length);
    expect(encodeFrame(feature, { quantizer, maxMs: 60_000, backend })).toEqual(free);
    expect(inspectFrame(free).coder).not.toBe('rans');
  });

  test('does not keep a coder from being used that is asked for', () => {
    const feature = smoothFeature([16, 32, 32], 4, 5);
    const frame = encodeFrame(feature, { quantizer, coder: 'binary', maxMs: 0, backend });
    expect(inspectFrame(frame).coder).toBe('binary');
  });

  test('ends the search for a byte budget with a frame that fits', () => {
    const feature = { ...drawFeature('relu', 40_000, 3), shape: [40_000] };
    expect(encodeWithinBytes(feature, { maxBytes: 4_000, maxMs: 0, backend }).quantizer).toBeNull();
    const { frame, quantizer: found } = encodeWithinBytes(feature, {
      maxBytes: 4_000,
      maxMs: 60_000,
      backend,
    });
    expect(frame.length).toBeLessThanOrEqual(4_000);
    expect(found).not.toBeNull();
  });

  test('is predicted from what steps took', () => {
    let now = 0;
    const clock = (): number => now;
    for (let i = 0; i < 40; i++) {
      runTimed(
        'layout',
        2_000,
        () => {
          now += 1;
        },
        clock,
      );
    }
    // 2,000 elements take a millisecond.
    const budget = startTimeBudget(50, clock);
    expect(budget.allows('layout', 101_000)).toBe(false);
    expect(budget.allows('layout', 99_000)).toBe(true);
    now += 40;
    expect(budget.allows('layout', 99_000)).toBe(false);
    expect(budget.allows('layout', 19_000)).toBe(true);
    expect(() => startTimeBudget(-1)).toThrow(/maxMs expected/);
    expect(() => startTimeBudget(Number.NaN)).toThrow(/maxMs expected/);
  });
});
