/**
 * The workers of one bundle behind one bounded queue. Clients take turns; a free worker takes a batch; a request whose
 * deadline is past is dropped before it is run; a worker that is lost fails its batch with a retryable code and is replaced; a
 * request that takes too long is answered without waiting for it.
 */

import type { RemoteErrorCode } from '../../protocol/index.js';
import type { JobOutcome, TailJob } from '../tail-worker/worker-messages.js';
import { type BatchPolicy, type BatchSettings, createBatchPolicy } from './batch-policy.js';
import { createClientActivity } from './client-activity.js';
import { createFairQueue, type FairQueue } from './fair-queue.js';
import type { ServerLogger } from './logger.js';
import type { TailThread } from './tail-thread.js';

/** Settings of a pool. */
export interface TailPoolOptions extends BatchSettings {
  /** Starts one worker. */
  readonly startThread: () => TailThread;
  readonly workerCount: number;
  readonly maxQueuedRequests: number;
  readonly requestTimeoutMs: number;
  readonly logger: ServerLogger;
}

/** Whose job it is, and until when it is of use. */
export interface JobOrigin {
  /** Clients with different names take turns. */
  readonly client: string;
  /** On the clock of `performance.now()`; none by default. */
  readonly deadlineAt?: number | undefined;
}

/** A finished job and how long it waited for a worker. */
export interface PoolResult {
  readonly outcome: JobOutcome;
  readonly queueMs: number;
  /** After a refusal that time will mend. */
  readonly retryAfterMs?: number;
}

/** What a pool is doing. */
export interface TailPoolStats {
  readonly queued: number;
  /** Batches. */
  readonly running: number;
  /** Workers that can take jobs or have some. */
  readonly workers: number;
  /** Workers replaced so far. */
  readonly restarts: number;
  /** Most requests that a worker takes at once; 1 if the tail cannot run several. */
  readonly maxBatchSize: number;
}

/** A pool of tail workers. */
export interface TailPool {
  /** Does a job; never rejects. The job's bytes are only read, until it is done. */
  submit(job: TailJob, origin: JobOrigin): Promise<PoolResult>;
  stats(): TailPoolStats;
  /** Resolves when nothing waits or runs. */
  drained(): Promise<void>;
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
    const abilities = await Promise.all(threads.map(({ ready }) => ready));
    const maxBatchSize = abilities.every(({ sharesRows }) => sharesRows) ? options.maxBatchSize : 1;
    return new WorkerPool({ ...options, maxBatchSize }, threads);
  } catch (error) {
    await Promise.all(threads.map((thread) => thread.close()));
    throw error;
  }
}

const FIRST_RESTART_DELAY_MS = 50;
const MAX_RESTART_DELAY_MS = 5000;
/** For how long a client that was heard counts as one that may ask again at any moment. */
const ACTIVITY_MS = 1000;
/** Bounds of the time that a refused client is told to wait. */
const RETRY_AFTER_MS = { least: 10, most: 5000 };

interface QueuedJob extends JobOrigin {
  readonly job: TailJob;
  readonly queuedAt: number;
  readonly deadlineAt: number;
  /** The first call counts. */
  settle(result: PoolResult): void;
}

class WorkerPool implements TailPool {
  readonly #options: TailPoolOptions;
  readonly #queue: FairQueue<QueuedJob>;
  readonly #policy: BatchPolicy;
  readonly #activity = createClientActivity(ACTIVITY_MS);
  readonly #idle: TailThread[] = [];
  readonly #all = new Set<TailThread>();
  /** The client that a worker runs for, undefined if there are several. */
  readonly #running = new Map<TailThread, string | undefined>();
  readonly #restartTimers = new Set<NodeJS.Timeout>();
  #holdTimer: NodeJS.Timeout | undefined;
  readonly #drainedWaiters: (() => void)[] = [];
  #restarts = 0;
  #closing: Promise<void> | undefined;

  constructor(options: TailPoolOptions, threads: readonly TailThread[]) {
    this.#options = options;
    this.#queue = createFairQueue(options.maxQueuedRequests);
    this.#policy = createBatchPolicy(options);
    for (const thread of threads) this.#adopt(thread);
  }

  submit(job: TailJob, { client, deadlineAt = Number.POSITIVE_INFINITY }: JobOrigin): Promise<PoolResult> {
    const { requestTimeoutMs } = this.#options;
    if (this.#closing) return Promise.resolve(failure('shutting-down', 'the server is shutting down'));
    const queuedAt = performance.now();
    this.#activity.heard(client, queuedAt);
    if (this.#queue.size >= this.#options.maxQueuedRequests) {
      this.#dropLate(queuedAt);
      // Before anything is made for it: a flood is refused at the cost of reading it.
      if (!this.#queue.hasPlaceFor(client)) return Promise.resolve(this.#overloaded());
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#queue.remove(entry);
        this.#tellDrained();
        resolve(failure('timeout', `no result within ${requestTimeoutMs} ms`));
      }, requestTimeoutMs);
      const settle = (result: PoolResult): void => {
        clearTimeout(timer);
        this.#activity.heard(client, performance.now()); // whoever is answered may ask again at once
        resolve(result);
      };
      const entry: QueuedJob = { job, client, queuedAt, deadlineAt, settle };
      this.#queue.push(entry)?.settle(this.#overloaded());
      this.#dispatch();
    });
  }

  stats(): TailPoolStats {
    return {
      queued: this.#queue.size,
      running: this.#running.size,
      workers: this.#all.size,
      restarts: this.#restarts,
      maxBatchSize: this.#options.maxBatchSize,
    };
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drainedWaiters.push(resolve);
      this.#tellDrained();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#holdTimer);
    for (const timer of this.#restartTimers) clearTimeout(timer);
    for (const entry of [...this.#queue]) {
      this.#queue.remove(entry);
      entry.settle(failure('shutting-down', 'the server is shutting down'));
    }
    await Promise.all([...this.#all].map((thread) => thread.close()));
  }

  #overloaded(): PoolResult {
    const { size } = this.#queue;
    const waitMs = this.#policy.expectedMs(size) / Math.max(1, this.#all.size);
    const retryAfterMs = Math.round(clamp(waitMs, RETRY_AFTER_MS.least, RETRY_AFTER_MS.most));
    return { ...failure('overloaded', `${size} requests are waiting already`), retryAfterMs };
  }

  #adopt(thread: TailThread): void {
    this.#all.add(thread);
    this.#idle.push(thread);
    void thread.lost.then((reason) => this.#replace(thread, reason));
    this.#dispatch();
  }

  #dispatch(): void {
    clearTimeout(this.#holdTimer);
    while (this.#queue.size > 0 && this.#idle.length > 0) {
      const now = performance.now();
      this.#dropLate(now);
      const holdMs = this.#holdMs(now);
      if (holdMs > 0) {
        this.#holdTimer = setTimeout(() => this.#dispatch(), holdMs);
        return;
      }
      const batch = this.#takeBatch(now);
      if (batch.length === 0) return;
      void this.#runOn(this.#idle.shift()!, batch);
    }
  }

  /** Drops what would not be done by its deadline if it were begun now. */
  #dropLate(now: number): void {
    const leastMs = this.#policy.expectedMs(1);
    for (const entry of [...this.#queue]) {
      if (entry.deadlineAt >= now + leastMs) continue;
      if (entry.deadlineAt >= now) this.#policy.doubt();
      this.#queue.remove(entry);
      const queueMs = now - entry.queuedAt;
      entry.settle({ ...failure('deadline-passed', 'the answer would come after its deadline'), queueMs });
    }
  }

  #holdMs(now: number): number {
    let queuedAt = now;
    let deadlineAt = Number.POSITIVE_INFINITY;
    for (const entry of this.#queue) {
      queuedAt = Math.min(queuedAt, entry.queuedAt);
      deadlineAt = Math.min(deadlineAt, entry.deadlineAt);
    }
    const { size } = this.#queue;
    return this.#policy.holdMs(size, now - queuedAt, deadlineAt - now - this.#policy.expectedMs(size));
  }

  /** Of clients in turn, as many as are done together before the first of their deadlines. */
  #takeBatch(now: number): QueuedJob[] {
    const barred = this.#barredClient(now);
    const first = this.#queue.take(({ client }) => client !== barred);
    if (!first) return [];
    const batch = [first];
    let { deadlineAt } = first;
    while (first.job.kind === 'feature' && batch.length < this.#options.maxBatchSize) {
      const doneAt = now + this.#policy.expectedMs(batch.length + 1);
      if (doneAt > deadlineAt) break;
      const next = this.#queue.take(
        (entry) => entry.job.kind === 'feature' && entry.client !== barred && entry.deadlineAt >= doneAt,
      );
      if (!next) break;
      batch.push(next);
      deadlineAt = Math.min(deadlineAt, next.deadlineAt);
    }
    return batch;
  }

  /**
   * The last free worker is kept from a client that has all others for itself, while other clients are about: what is begun
   * cannot be interrupted, so that they would wait behind its batches however fair the queue is.
   */
  #barredClient(now: number): string | undefined {
    if (this.#idle.length !== 1 || this.#running.size === 0) return undefined;
    const clients = new Set(this.#running.values());
    const [client] = clients;
    if (clients.size > 1 || client === undefined) return undefined;
    return this.#activity.hasOthers(client, now) ? client : undefined;
  }

  async #runOn(thread: TailThread, batch: readonly QueuedJob[]): Promise<void> {
    const begunAt = performance.now();
    const waited = ({ queuedAt }: QueuedJob): number => begunAt - queuedAt;
    const [{ client }] = batch;
    this.#running.set(thread, batch.every((entry) => entry.client === client) ? client : undefined);
    try {
      const outcomes = await thread.run(batch.map(({ job }) => job));
      if (batch[0].job.kind !== 'profile') this.#policy.observe(batch.length, performance.now() - begunAt);
      for (const [i, entry] of batch.entries()) {
        entry.settle({ outcome: outcomes[i], queueMs: waited(entry) });
      }
      this.#idle.push(thread);
    } catch (error) {
      const lost = failure('worker-lost', (error as Error).message);
      for (const entry of batch) entry.settle({ ...lost, queueMs: waited(entry) });
    }
    this.#running.delete(thread);
    this.#dispatch();
    this.#tellDrained();
  }

  #tellDrained(): void {
    if (this.#queue.size + this.#running.size > 0) return;
    for (const resolve of this.#drainedWaiters.splice(0)) resolve();
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

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
