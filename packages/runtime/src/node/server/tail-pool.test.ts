import { describe, expect, test, vi } from 'vitest';
import type { JobOutcome, TailJob } from '../tail-worker/worker-messages.js';
import { silentLogger } from './logger.js';
import { createTailPool, type TailPoolOptions } from './tail-pool.js';
import type { TailThread } from './tail-thread.js';

const JOB: TailJob = { kind: 'picture', image: new Uint8Array(1) };
const DONE: JobOutcome = {
  kind: 'done',
  frames: [],
  times: { decodeMs: 0, tailMs: 0, respondMs: 0 },
  point: null,
};

/** A thread whose fate the test decides. */
function fakeThread(ready: Promise<void> = Promise.resolve()) {
  ready.catch(() => undefined); // the pool may come to it later
  let finish: (outcome: JobOutcome) => void = () => undefined;
  let lose: (reason: Error) => void = () => undefined;
  const lost = new Promise<Error>((resolve) => {
    lose = resolve;
  });
  const thread: TailThread = {
    ready,
    lost,
    run: vi.fn(async () => {
      const done = new Promise<JobOutcome>((resolve) => {
        finish = resolve;
      });
      const ended = await Promise.race([done, lost]);
      if (ended instanceof Error) throw ended;
      return ended;
    }),
    close: vi.fn(async () => undefined),
  };
  return { thread, finish: () => finish(DONE), lose: (text: string) => lose(new Error(text)) };
}

async function startPool(threads: ReturnType<typeof fakeThread>[], options: Partial<TailPoolOptions> = {}) {
  const waiting = [...threads];
  const startThread = vi.fn(() => (waiting.shift() ?? fakeThread()).thread);
  const defaults = { workerCount: 1, maxQueuedRequests: 2, requestTimeoutMs: 5000, logger: silentLogger };
  return { pool: await createTailPool({ ...defaults, ...options, startThread }), startThread };
}

const codeOf = ({ outcome }: { outcome: JobOutcome }) => (outcome.kind === 'failed' ? outcome.code : 'done');

describe('tail pool', () => {
  test('jobs are taken in order, as many at once as there are workers', async () => {
    const workers = [fakeThread(), fakeThread()];
    const { pool } = await startPool(workers, { workerCount: 2 });
    const results = [pool.submit(JOB), pool.submit(JOB), pool.submit(JOB)];
    expect(pool.stats()).toEqual({ queued: 1, running: 2, workers: 2, restarts: 0 });
    workers[1].finish();
    expect(codeOf(await results[1])).toBe('done');
    await vi.waitFor(() => expect(workers[1].thread.run).toHaveBeenCalledTimes(2));
    workers[0].finish();
    workers[1].finish();
    await Promise.all(results);
    expect((await results[0]).queueMs).toBeLessThan((await results[2]).queueMs);
    await pool.close();
  });

  test('what does not fit the queue is overloaded', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker]);
    const results = [1, 2, 3, 4].map(() => pool.submit(JOB));
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
    const results = [pool.submit(JOB), pool.submit(JOB)];
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
    const result = pool.submit(JOB);
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
    const result = pool.submit(JOB);
    await vi.waitFor(() => expect(last.thread.run).toHaveBeenCalled(), { timeout: 3000 });
    expect(startThread).toHaveBeenCalledTimes(3);
    last.finish();
    expect(codeOf(await result)).toBe('done');
    await pool.close();
  });

  test('a job that takes too long is answered timeout, running or waiting; its worker goes on when it is done', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker], { requestTimeoutMs: 30 });
    const results = [pool.submit(JOB), pool.submit(JOB)];
    expect(codeOf(await results[0])).toBe('timeout');
    expect(codeOf(await results[1])).toBe('timeout');
    expect(pool.stats()).toMatchObject({ queued: 0, running: 1 });
    worker.finish();
    await vi.waitFor(() => expect(pool.stats().running).toBe(0));
    const next = pool.submit(JOB);
    worker.finish();
    expect(codeOf(await next)).toBe('done');
    await pool.close();
  });

  test('close answers what waits and what comes later with shutting-down', async () => {
    const worker = fakeThread();
    const { pool } = await startPool([worker]);
    const [running, waiting] = [pool.submit(JOB), pool.submit(JOB)];
    const closing = pool.close();
    expect(codeOf(await waiting)).toBe('shutting-down');
    expect(codeOf(await pool.submit(JOB))).toBe('shutting-down');
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
});
