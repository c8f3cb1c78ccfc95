/**
 * The workers of one bundle behind one bounded queue. Jobs are taken in order; a worker that is lost fails its
 * job with a retryable code and is replaced; a job that takes too long is answered without waiting for it.
 */

import type { RemoteErrorCode } from '../../protocol/index.js';
import type { JobOutcome, TailJob } from '../tail-worker/worker-messages.js';
import type { ServerLogger } from './logger.js';
import type { TailThread } from './tail-thread.js';

/** Settings of a pool. */
export interface TailPoolOptions {
  /** Starts one worker. */
  readonly startThread: () => TailThread;
  readonly workerCount: number;
  readonly maxQueuedRequests: number;
  readonly requestTimeoutMs: number;
  readonly logger: ServerLogger;
}

/** A finished job and how long it waited for a worker. */
export interface PoolResult {
  readonly outcome: JobOutcome;
  readonly queueMs: number;
}

/** What a pool is doing. */
export interface TailPoolStats {
  readonly queued: number;
  readonly running: number;
  /** Workers that can take jobs or have one. */
  readonly workers: number;
  /** Workers replaced so far. */
  readonly restarts: number;
}

/** A pool of tail workers. */
export interface TailPool {
  /** Does a job; never rejects. The job's bytes are given away. */
  submit(job: TailJob): Promise<PoolResult>;
  stats(): TailPoolStats;
  /** Fails what waits with `shutting-down`, lets what runs finish, ends the workers. */
  close(): Promise<void>;
}

/**
 * Starts the workers and waits until all of them are ready.
 * @throws {Error} if one cannot start; none is left running then
 */
export async function createTailPool(options: TailPoolOptions): Promise<TailPool> {
  const threads = Array.from({ length: options.workerCount }, () => options.startThread());
  try {
    await Promise.all(threads.map((thread) => thread.ready));
  } catch (error) {
    await Promise.all(threads.map((thread) => thread.close()));
    throw error;
  }
  return new WorkerPool(options, threads);
}

const FIRST_RESTART_DELAY_MS = 50;
const MAX_RESTART_DELAY_MS = 5000;

interface QueuedJob {
  readonly job: TailJob;
  readonly queuedAt: number;
  /** The first call counts. */
  settle(outcome: JobOutcome, queueMs: number): void;
}

class WorkerPool implements TailPool {
  readonly #options: TailPoolOptions;
  readonly #queue: QueuedJob[] = [];
  readonly #idle: TailThread[] = [];
  readonly #all = new Set<TailThread>();
  readonly #restartTimers = new Set<NodeJS.Timeout>();
  #restarts = 0;
  #closing: Promise<void> | undefined;

  constructor(options: TailPoolOptions, threads: readonly TailThread[]) {
    this.#options = options;
    for (const thread of threads) this.#adopt(thread);
  }

  submit(job: TailJob): Promise<PoolResult> {
    const { maxQueuedRequests, requestTimeoutMs } = this.#options;
    if (this.#closing) return Promise.resolve(failure('shutting-down', 'the server is shutting down'));
    if (this.#idle.length === 0 && this.#queue.length >= maxQueuedRequests) {
      return Promise.resolve(failure('overloaded', `${this.#queue.length} requests are waiting already`));
    }
    return new Promise((resolve) => {
      const queuedAt = performance.now();
      const timer = setTimeout(() => {
        const position = this.#queue.indexOf(entry);
        if (position >= 0) this.#queue.splice(position, 1);
        resolve(failure('timeout', `no result within ${requestTimeoutMs} ms`));
      }, requestTimeoutMs);
      const entry: QueuedJob = {
        job,
        queuedAt,
        settle: (outcome, queueMs) => {
          clearTimeout(timer);
          resolve({ outcome, queueMs });
        },
      };
      this.#queue.push(entry);
      this.#dispatch();
    });
  }

  stats(): TailPoolStats {
    return {
      queued: this.#queue.length,
      running: this.#all.size - this.#idle.length,
      workers: this.#all.size,
      restarts: this.#restarts,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    for (const timer of this.#restartTimers) clearTimeout(timer);
    for (const entry of this.#queue.splice(0)) {
      entry.settle(failure('shutting-down', 'the server is shutting down').outcome, 0);
    }
    await Promise.all([...this.#all].map((thread) => thread.close()));
  }

  #adopt(thread: TailThread): void {
    this.#all.add(thread);
    this.#idle.push(thread);
    void thread.lost.then((reason) => this.#replace(thread, reason));
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      void this.#runOn(this.#idle.shift()!, this.#queue.shift()!);
    }
  }

  async #runOn(thread: TailThread, entry: QueuedJob): Promise<void> {
    const queueMs = performance.now() - entry.queuedAt;
    try {
      entry.settle(await thread.run(entry.job), queueMs);
      this.#idle.push(thread);
      this.#dispatch();
    } catch (error) {
      entry.settle(failure('worker-lost', (error as Error).message).outcome, queueMs);
    }
  }

  #replace(thread: TailThread, reason: Error): void {
    this.#all.delete(thread);
    const position = this.#idle.indexOf(thread);
    if (position >= 0) this.#idle.splice(position, 1);
    if (this.#closing) return;
    this.#options.logger.warn(`${reason.message}; starting another`);
    this.#restarts++;
    this.#startLater(FIRST_RESTART_DELAY_MS);
  }

  /** Tries until a worker starts; the wait doubles so that a broken machine is not kept busy by it. */
  #startLater(delayMs: number): void {
    const timer = setTimeout(async () => {
      this.#restartTimers.delete(timer);
      const thread = this.#options.startThread();
      try {
        await thread.ready;
      } catch (error) {
        this.#options.logger.error(`tail worker could not start: ${(error as Error).message}`);
        if (!this.#closing) this.#startLater(Math.min(MAX_RESTART_DELAY_MS, delayMs * 2));
        return;
      }
      if (this.#closing) await thread.close();
      else this.#adopt(thread);
    }, delayMs);
    this.#restartTimers.add(timer);
  }
}

function failure(code: RemoteErrorCode, text: string): PoolResult {
  return { outcome: { kind: 'failed', code, text }, queueMs: 0 };
}
