import { describe, expect, test, vi } from 'vitest';
import type { JobOutcome, TailJob } from '../tail-worker/worker-messages.js';
import { silentLogger } from './logger.js';
import { createTailPool, type TailPoolOptions } from './tail-pool.js';
import type { TailThread, TailThreadAbilities } from './tail-thread.js';

const JOB: TailJob = { kind: 'picture', image: new Uint8Array(1) };
const FEATURE: TailJob = { kind: 'feature', frames: [] };
const A = { client: 'a' };
const B = { client: 'b' };
const DONE: JobOutcome = {
  kind: 'done',
  frames: [],
  times: { decodeMs: 0, tailMs: 0, respondMs: 0 },
  point: null,
  runSize: 1,
};

/** A thread whose fate the test decides. */
function fakeThread(ready: Promise<TailThreadAbilities> = Promise.resolve({ sharesRows: true })) {
  ready.catch(() => undefined); // the pool may come to it later
  let finish: () => void = () => undefined;
  let lose: (reason: Error) => void = () => undefined;
  const lost = new Promise<Error>((resolve) => {
    lose = resolve;
  });
  const thread: TailThread = {
    ready,
    lost,
    run: vi.fn(async (jobs: readonly TailJob[]) => {
      const done = new Promise<JobOutcome[]>((resolve) => {
        finish = () => resolve(jobs.map(() => DONE));
      });
      const ended = await Promise.race([done, lost]);
      if (ended instanceof Error) throw ended;
      return ended;
    }),
    close: vi.fn(async () => undefined),
  };
  return { thread, finish: () => finish(), lose: (text: string) => lose(new Error(text)) };
}

async function startPool(threads: ReturnType<typeof fakeThread>[], options: Partial<TailPoolOptions> = {}) {
  const waiting = [...threads];
  const startThread = vi.fn(() => (waiting.shift() ?? fakeThread()).thread);
  const defaults = {
    ...{ workerCount: 1, maxQueuedRequests: 2, requestTimeoutMs: 5000, logger: silentLogger },
    ...{ maxBatchSize: 4, batchWindowMs: 0 },
  };
  return { pool: await createTailPool({ ...defaults, ...options, startThread }), startThread };
}

const codeOf = ({ outcome }: { outcome: JobOutcome }) => (outcome.kind === 'failed' ? outcome.code : 'done');

describe('tail pool', () => {
  test('jobs are taken in order, as many at once as there are workers', async () => {
    const workers = [fakeThread(), fakeThread()];
    const { pool } = await startPool(workers, { workerCount: 2 });
    const results = [pool.submit(JOB, A), pool.submit(JOB, A), pool.submit(JOB, A)];
    expect(pool.stats()).toEqual({ queued: 1, running: 2, workers: 2, restarts: 0, maxBatchSize: 4 });
    workers[1].finish();
    expect(codeOf(await results[1])).toBe('done');
    await vi.waitFor(() => expect(workers[1].thread.run).toHaveBeenCalledTimes(2));
    workers[0].finish();
    workers[1].finish();
    await Promise.all(results);
    for (const result of results) expect((await result).queueMs).toBeGreaterThanOrEqual(0);
    await pool.close();
  });

  test('what does not fit the queue is overloaded', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker]);
    const results = [1, 2, 3, 4].map(() => pool.submit(JOB, A));
    expect(codeOf(await results[3])).toBe('overloaded');
    for (const result of results.slice(0, 3)) {
      await vi.waitFor(() => expect(pool.stats().running).toBe(1));
      worker.finish();
      expect(codeOf(await result)).toBe('done');
    }
    await pool.close();
  });

  test('a lost worker fails its job, is replaced, and what waited is done by the next', async () => {
    const [first, second] = [fakeThread(), fakeThread()];
    const { pool } = await startPool([first, second]);
    const results = [pool.submit(JOB, A), pool.submit(JOB, A)];
    first.lose('gone');
    expect(await results[0]).toMatchObject({ outcome: { code: 'worker-lost', text: 'gone' } });
    await vi.waitFor(() => expect(second.thread.run).toHaveBeenCalled());
    second.finish();
    expect(codeOf(await results[1])).toBe('done');
    expect(pool.stats()).toMatchObject({ workers: 1, restarts: 1 });
    await pool.close();
    expect(second.thread.close).toHaveBeenCalled();
  });

  test('a worker lost while idle is replaced', async () => {
    const [first, second] = [fakeThread(), fakeThread()];
    const { pool } = await startPool([first, second]);
    first.lose('gone');
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ workers: 1, restarts: 1 }));
    const result = pool.submit(JOB, A);
    second.finish();
    expect(codeOf(await result)).toBe('done');
    await pool.close();
  });

  test('a replacement that cannot start is tried again', async () => {
    const broken = fakeThread(Promise.reject(new Error('no memory')));
    const [first, last] = [fakeThread(), fakeThread()];
    const { pool, startThread } = await startPool([first, broken, last]);
    first.lose('gone');
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ workers: 0, restarts: 1 }));
    const result = pool.submit(JOB, A);
    await vi.waitFor(() => expect(last.thread.run).toHaveBeenCalled(), { timeout: 3000 });
    expect(startThread).toHaveBeenCalledTimes(3);
    last.finish();
    expect(codeOf(await result)).toBe('done');
    await pool.close();
  });

  test('a job that takes too long is answered timeout, running or waiting; its worker goes on when it is done', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker], { requestTimeoutMs: 30 });
    const results = [pool.submit(JOB, A), pool.submit(JOB, A)];
    expect(codeOf(await results[0])).toBe('timeout');
    expect(codeOf(await results[1])).toBe('timeout');
    expect(pool.stats()).toMatchObject({ queued: 0, running: 1 });
    worker.finish();
    await vi.waitFor(() => expect(pool.stats().running).toBe(0));
    const next = pool.submit(JOB, A);
    worker.finish();
    expect(codeOf(await next)).toBe('done');
    await pool.close();
  });

  test('close answers what waits and what comes later with shutting-down', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker]);
    const [running, waiting] = [pool.submit(JOB, A), pool.submit(JOB, A)];
    const closing = pool.close();
    expect(codeOf(await waiting)).toBe('shutting-down');
    expect(codeOf(await pool.submit(JOB, A))).toBe('shutting-down');
    worker.finish();
    expect(codeOf(await running)).toBe('done');
    await closing;
  });

  test('a worker that cannot start fails the pool, and the others are closed', async () => {
    const good = fakeThread();
    const broken = fakeThread(Promise.reject(new Error('no such file')));
    await expect(startPool([good, broken], { workerCount: 2 })).rejects.toThrow('no such file');
    expect(good.thread.close).toHaveBeenCalled();
  });

  test('a free worker takes what waits, of clients in turn; pictures go alone', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker], { maxQueuedRequests: 20 });
    const taken = () => vi.mocked(worker.thread.run).mock.calls.at(-1)![0];
    const from = (client: string, job: TailJob = { kind: 'feature', frames: [] }) => {
      void pool.submit(job, { client });
      return job;
    };
    const first = from('a');
    expect(taken()).toEqual([first]);
    const [a1, a2, a3, a4] = [1, 2, 3, 4].map(() => from('a'));
    const [b1, picture, b2] = [from('b'), from('c', JOB), from('b')];
    for (const expected of [[a1, b1, a2, b2], [picture], [a3, a4]]) {
      worker.finish();
      await vi.waitFor(() => expect(pool.stats().running).toBe(1));
      await vi.waitFor(() => expect(taken()).toEqual(expected));
    }
    worker.finish();
    await pool.close();
    expect(a4).toBeDefined();
  });

  test('one job at a time where the tail cannot run several', async () => {
    const worker = fakeThread(Promise.resolve({ sharesRows: false }));
    const { pool } = await startPool([worker]);
    const results = [1, 2, 3].map(() => pool.submit(FEATURE, A));
    expect(pool.stats().maxBatchSize).toBe(1);
    for (const result of results) {
      await vi.waitFor(() => expect(pool.stats().running).toBe(1));
      worker.finish();
      expect(codeOf(await result)).toBe('done');
    }
    await pool.close();
  });

  test('what is past its deadline when a worker is free is not run', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker]);
    const running = pool.submit(FEATURE, { ...A, deadlineAt: performance.now() + 250 });
    const late = pool.submit(FEATURE, { ...A, deadlineAt: performance.now() + 250 });
    const good = pool.submit(FEATURE, { ...A, deadlineAt: performance.now() + 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 260));
    worker.finish();
    expect(codeOf(await running)).toBe('done'); // what runs is answered
    expect(codeOf(await late)).toBe('deadline-passed');
    worker.finish();
    expect(codeOf(await good)).toBe('done');
    expect(worker.thread.run).toHaveBeenCalledTimes(2);
    await pool.close();
  });

  test('a full queue drops the newest of whoever has most, and says when to come back', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker]);
    const [, , second, other] = [A, A, A, B].map((origin) => pool.submit(FEATURE, origin));
    const refused = await second;
    expect(codeOf(refused)).toBe('overloaded');
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    worker.finish();
    await vi.waitFor(() => expect(worker.thread.run).toHaveBeenCalledTimes(2));
    worker.finish();
    expect(codeOf(await other)).toBe('done');
    await pool.close();
  });

  test('the last free worker is kept from a client that has the others, while another is about', async () => {
    const workers = [fakeThread(), fakeThread()];
    const { pool } = await startPool(workers, { workerCount: 2, maxQueuedRequests: 20 });
    const greeting = pool.submit(FEATURE, B);
    workers[0].finish();
    await greeting;
    const flood = [1, 2, 3].map(() => pool.submit(FEATURE, A));
    expect(pool.stats()).toMatchObject({ running: 1, queued: 2 });
    const visit = pool.submit(FEATURE, B);
    expect(pool.stats()).toMatchObject({ running: 2, queued: 2 });
    for (const worker of workers) worker.finish();
    expect(codeOf(await visit)).toBe('done');
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ running: 1, queued: 0 }));
    for (const worker of workers) worker.finish();
    for (const result of flood) expect(codeOf(await result)).toBe('done');
    await pool.close();
  });
});
