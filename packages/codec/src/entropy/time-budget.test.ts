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
    for (let i = 0; i < 40; i++) {
      runTimed('layout', 2_000, () => {
        const end = performance.now() + 1;
        while (performance.now() < end);
      });
    }
    // 2,000 elements take a millisecond.
    expect(startTimeBudget(50).allows('layout', 1_000_000)).toBe(false);
    expect(startTimeBudget(50).allows('layout', 10_000)).toBe(true);
    expect(() => startTimeBudget(-1)).toThrow(/maxMs expected/);
    expect(() => startTimeBudget(Number.NaN)).toThrow(/maxMs expected/);
  });
});
