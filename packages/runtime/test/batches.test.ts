/** Requests that share a run of the tail: each gets what it would get alone, and what is wrong with one is its own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { decodeFrame, referenceBackend } from '@featherwire/codec';
import { type Tensor, tensor } from '@featherwire/tensor';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTailThread, type TailThread } from '../src/node/server/tail-thread.js';
import type { JobOutcome, TailJob } from '../src/node/tail-worker/worker-messages.js';
import { frameOf } from './clients.js';
import { ROW_COLUMNS, squareFeatures, writeRowsBundle, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-batches-'));
let rows: NodeBundle;
let mixed: NodeBundle;
let square: NodeBundle;
let thread: TailThread;

beforeAll(async () => {
  rows = await writeRowsBundle(path.join(root, 'rows'));
  mixed = await writeRowsBundle(path.join(root, 'mixed'), { mixed: true });
  square = await writeSquareBundle(root);
});
afterEach(() => thread.close());
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function startOn(bundle: NodeBundle): Promise<boolean> {
  thread = startTailThread({
    ...{ manifest: bundle.manifest, profiles: new Map(), tailPath: bundle.partPath('tail') },
    ...{
      restorationPaths: new Map(),
      wholePath: undefined,
      remoteTail: undefined,
      threads: 1,
      backend: 'reference',
    },
    ...{ maxElementsPerTensor: 2 ** 20, maxImagePixels: 2 ** 20 },
  });
  return (await thread.ready).sharesRows;
}

const jobOf = (...tensors: Tensor[]): TailJob => ({ kind: 'feature', frames: tensors.map(frameOf) });

/** `count` rows that begin at `first`. */
function rowsJob(first: number, count: number): TailJob {
  const data = Float32Array.from({ length: count * ROW_COLUMNS }, (_, i) => first + i);
  return jobOf(tensor('float32', [count, ROW_COLUMNS], data));
}

const outputOf = (outcome: JobOutcome): Tensor => {
  if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
  return decodeFrame(outcome.frames[0], { backend: referenceBackend });
};
const runSizes = (outcomes: readonly JobOutcome[]) =>
  outcomes.map((outcome) => (outcome.kind === 'done' ? outcome.runSize : outcome.kind));

describe('a batch', () => {
  test('of requests with any number of rows is one run, each with its own rows as answer', async () => {
    expect(await startOn(rows)).toBe(true);
    const jobs = [rowsJob(1, 1), rowsJob(-7, 3), rowsJob(40, 2)];
    const outcomes = await thread.run(jobs);
    expect(runSizes(outcomes)).toEqual([3, 3, 3]);
    for (const [i, [first, count]] of [
      [1, 1],
      [-7, 3],
      [40, 2],
    ].entries()) {
      const squares = Float32Array.from({ length: count * ROW_COLUMNS }, (_, j) => (first + j) ** 2);
      expect(outputOf(outcomes[i])).toEqual(tensor('float32', [count, ROW_COLUMNS], squares));
    }
  });

  test('loses nothing by a request in it that is damaged or does not fit', async () => {
    await startOn(rows);
    const damaged: TailJob = { kind: 'feature', frames: [Uint8Array.of(1, 2, 3)] };
    const other = jobOf(tensor('float32', [1, 3], new Float32Array(3)));
    const empty = jobOf(tensor('float32', [0, ROW_COLUMNS], new Float32Array(0)));
    const outcomes = await thread.run([rowsJob(1, 1), damaged, other, rowsJob(2, 1), empty]);
    expect(runSizes(outcomes)).toEqual([2, 'failed', 'failed', 2, 1]);
    expect(outcomes[1]).toMatchObject({ code: 'bad-frame' });
    expect(outcomes[2]).toMatchObject({ code: 'input-mismatch' });
    expect(outputOf(outcomes[3]).data).toEqual(Float32Array.of(4, 9, 16, 25));
  });

  test('is run one by one where the tail mixes its rows, though it declares them', async () => {
    expect(await startOn(mixed)).toBe(false);
    const outcomes = await thread.run([rowsJob(0, 1), rowsJob(1, 1)]);
    expect(runSizes(outcomes)).toEqual([1, 1]);
    expect(outputOf(outcomes[0]).data).toEqual(Float32Array.of(6, 7, 8, 9));
  });

  test('is run one by one where the first dimensions are not those of rows', async () => {
    expect(await startOn(square)).toBe(false);
    const job = () => jobOf(...Object.values(squareFeatures(3, 1)));
    expect(runSizes(await thread.run([job(), job()]))).toEqual([1, 1]);
  });
});
