/** Worker threads of Node that do jobs of chunks. Idle threads do not keep the process alive. */

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { BackendPreference } from '../backend/load.js';
import type { ChunkJob, ChunkPool, ChunkResult } from '../frame/chunk-jobs.js';
import type { ChunkReply, ChunkRequest, ChunkWorkerStart } from './chunk-messages.js';

/** How a pool is made. */
export interface ChunkPoolOptions {
  /** Threads, an integer from 0; by default one less than the machine runs at the same time, for the calling thread works too. */
  readonly workerCount?: number;
  /** Of each thread; `auto` by default. */
  readonly backend?: BackendPreference;
}

/** A pool to be closed. */
export interface NodeChunkPool extends ChunkPool {
  /** Ends the threads; jobs that are not done are given back. */
  close(): Promise<void>;
}

/**
 * Starts threads.
 * @returns when all of them take jobs
 * @throws {RangeError} if `workerCount` is not an integer from 0
 * @throws {Error} if the threads cannot load the backend
 */
export async function createChunkPool({
  workerCount = availableParallelism() - 1,
  backend = 'auto',
}: ChunkPoolOptions = {}): Promise<NodeChunkPool> {
  if (!Number.isInteger(workerCount) || workerCount < 0)
    throw new RangeError(`workerCount expected an integer from 0, got ${workerCount}`);
  const threads = await startThreads(workerCount, { backend });
  return {
    workerCount,
    run: (job) => {
      const idlest = threads.reduce<ChunkThread | null>(
        (best, thread) => (best && best.pendingCount <= thread.pendingCount ? best : thread),
        null,
      );
      return idlest ? idlest.run(job) : Promise.resolve(null);
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

/** Starts all threads or none. */
async function startThreads(count: number, start: ChunkWorkerStart): Promise<ChunkThread[]> {
  const started = await Promise.allSettled(Array.from({ length: count }, () => startThread(start)));
  const threads = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = started.find((one) => one.status === 'rejected');
  if (!failed) return threads;
  await Promise.all(threads.map((thread) => thread.close()));
  throw failed.reason;
}

async function startThread(start: ChunkWorkerStart): Promise<ChunkThread> {
  const entry = createRequire(import.meta.url).resolve('@featherwire/codec/chunk-worker');
  // Flags of the process may be of its own entry, as `--input-type` is, and the thread needs none.
  const worker = new Worker(entry, { workerData: start, execArgv: [] });
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`thread expected to take jobs, exited with ${code}`)));
  });
  return new ChunkThread(worker);
}

/** A thread and the jobs it has. */
class ChunkThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, (result: ChunkResult | null) => void>();
  #nextId = 0;
  #isLost = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.removeAllListeners('error').removeAllListeners('exit');
    worker.on('message', ({ id, result }: ChunkReply) => this.#settle(id ?? -1, result));
    worker.on('error', () => this.#lose());
    worker.on('exit', () => this.#lose());
    worker.unref();
  }

  /** Jobs that are not done; of a lost thread more than any other has. */
  get pendingCount(): number {
    return this.#isLost ? Number.POSITIVE_INFINITY : this.#pending.size;
  }

  run(job: ChunkJob): Promise<ChunkResult | null> {
    if (this.#isLost) return Promise.resolve(null);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.#worker.ref();
      const request: ChunkRequest = { id, job };
      try {
        this.#worker.postMessage(request, job.kind === 'encode' ? [job.indices.buffer as ArrayBuffer] : []);
      } catch {
        this.#settle(id, null); // the caller does it and finds the reason
      }
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(id: number, result: ChunkResult | null): void {
    this.#pending.get(id)?.(result);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
  }

  #lose(): void {
    this.#isLost = true;
    for (const resolve of this.#pending.values()) resolve(null);
    this.#pending.clear();
  }
}
