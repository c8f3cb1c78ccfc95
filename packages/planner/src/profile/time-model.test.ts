import { createRandom } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { cutTimes } from './cut-times.js';
import { estimateNodeMs, fitTimeModel } from './time-model.js';

const SEED = 4;
const truth = { msPerGigaMac: 40, msPerMebibyte: 0.5, msPerNode: 0.01 };

test('the fit finds the rates of nodes that follow them, with no error', () => {
  const random = createRandom(SEED);
  const nodes = Array.from({ length: 40 }, () => ({
    macs: Math.floor(1e8 * random.nextUniform()),
    outputBytes: Math.floor(1e6 * random.nextUniform()),
  }));
  const { model, medianError, stretchCount } = fitTimeModel(
    nodes,
    nodes.map((node) => estimateNodeMs(truth, node)),
  );
  expect(model.msPerGigaMac).toBeCloseTo(truth.msPerGigaMac, 4);
  expect(model.msPerMebibyte).toBeCloseTo(truth.msPerMebibyte, 4);
  expect(model.msPerNode).toBeCloseTo(truth.msPerNode, 4);
  expect(medianError).toBeLessThan(1e-4);
  expect(stretchCount).toBe(8);
});

test('rates are never negative', () => {
  // Time falls with the bytes: the best line without the limit would have a negative rate.
  const nodes = [1, 2, 3, 4].map((mebibytes) => ({ macs: 0, outputBytes: mebibytes * 2 ** 20 }));
  const { model } = fitTimeModel(nodes, [4, 3, 2, 1]);
  expect(model.msPerMebibyte).toBe(0);
  expect(model.msPerNode).toBeCloseTo(2.5, 9);
});

test('the error is that of nodes the fit has not seen', () => {
  // Two nodes alike but for their time: each is estimated by the other one's.
  const nodes = [1, 1].map(() => ({ macs: null, outputBytes: 0 }));
  expect(fitTimeModel(nodes, [1, 3]).medianError).toBeCloseTo(2, 9); // |3 − 1| / 1, the upper of 2/3 and 2
});

test('head and tail of a cut are the sums over its sides, each with the fixed cost', () => {
  // x → a → b → y, with c beside b: b reads a, c reads a, y reads b and c.
  const producer = new Map([
    ['a', 0],
    ['b', 1],
    ['c', 2],
    ['y', 3],
  ]);
  const reads = [['x'], ['a'], ['a'], ['b', 'c']];
  const run = { nodeMs: Float64Array.of(1, 2, 4, 8), fixedMs: 0.5 };
  expect(cutTimes({ producer, reads }, ['a'], run)).toEqual({ headMs: 1.5, tailMs: 14.5 });
  expect(cutTimes({ producer, reads }, ['b', 'c'], run)).toEqual({ headMs: 7.5, tailMs: 8.5 });
});
