import { expect, test } from 'vitest';
import { readTrace } from './trace.js';

const run = (ts: number, dur: number) => ({ cat: 'Session', name: 'model_run', ts, dur });
const step = (name: string, ts: number, dur: number, opType = 'Conv') => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: { op_name: opType, output_size: '64' },
});

test('takes the median of each step over the last runs', () => {
  const events = [
    ...[run(0, 100), step('a', 10, 50)],
    ...[run(200, 100), step('a', 210, 10), step('b', 230, 4)],
    ...[run(400, 100), step('a', 410, 14), step('b', 430, 8)],
    ...[run(600, 100), step('a', 610, 12), step('b', 630, 6)],
  ];
  expect(readTrace(JSON.stringify(events), 3)).toEqual({
    steps: [
      { name: 'a', opType: 'Conv', ms: 0.012, outputBytes: 64 },
      { name: 'b', opType: 'Conv', ms: 0.006, outputBytes: 64 },
    ],
    fixedMs: 0.074, // of 100 µs the steps span 24, 28 and 26
  });
});

test('counts what runs inside another step with that one', () => {
  // The engine writes the body of an If before the If itself.
  const events = [step('inner', 12, 5), step('branch', 10, 20, 'If'), step('next', 31, 2), run(0, 100)];
  expect(readTrace(JSON.stringify(events), 1).steps.map(({ name }) => name)).toEqual(['branch', 'next']);
});

test('leaves out events that are no step', () => {
  const fence = { ...step('a', 20, 3), name: 'a_fence_before' };
  expect(readTrace(JSON.stringify([run(0, 100), fence, step('a', 30, 3)]), 1).steps).toHaveLength(1);
});

test('refuses traces with too few runs or with runs that differ', () => {
  const one = [run(0, 100), step('a', 10, 50)];
  expect(() => readTrace(JSON.stringify(one), 2)).toThrow(/expected 2 runs, got 1/);
  const other = [run(200, 100), step('b', 210, 50)];
  expect(() => readTrace(JSON.stringify([...one, ...other]), 2)).toThrow(/same steps/);
});
