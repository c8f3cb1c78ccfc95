/** One tail worker seen from the server: a thread that does one job at a time, until it is closed or lost. */

import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { createExitGuard } from '@featherwire/inference/node';
import type {
  JobOutcome,
  TailJob,
  TailWorkerReply,
  TailWorkerRequest,
  TailWorkerStart,
} from '../tail-worker/worker-messages.js';

/** A thread that runs jobs. */
export interface TailThread {
  /** Resolves once it can take jobs; rejects if it never will. */
  readonly ready: Promise<void>;
  /** Resolves with the reason once the thread has ended without being closed. */
  readonly lost: Promise<Error>;
  /**
   * Does one job; not to be called before the last one is done.
   * @param job - its bytes are given away
   * @throws {Error} if the thread is lost meanwhile
   */
  run(job: TailJob): Promise<JobOutcome>;
  /** Lets the job at hand finish and ends the thread. */
  close(): Promise<void>;
}

/** Starts the thread of one tail worker. */
export function startTailThread(settings: Omit<TailWorkerStart, 'exitGuard'>): TailThread {
  const guard = createExitGuard();
  const start: TailWorkerStart = { ...settings, exitGuard: guard.words };
  const entry = createRequire(import.meta.url).resolve('@featherwire/runtime/tail-worker');
  const worker = new Worker(entry, { workerData: start });
  worker.once('exit', () => guard.release());
  return new WorkerThread(worker);
}

class WorkerThread implements TailThread {
  readonly ready: Promise<void>;
  readonly lost: Promise<Error>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #closing = false;
  #finish: ((outcome: JobOutcome) => void) | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    this.lost = new Promise((resolve) => {
      worker.on('error', (cause) => resolve(new Error(`tail worker failed: ${cause.message}`, { cause })));
      worker.once('exit', (status) => {
        if (!this.#closing) resolve(new Error(`tail worker ended with status ${status}`));
      });
    });
    this.ready = new Promise((resolve, reject) => {
      worker.on('message', (reply: TailWorkerReply) => {
        if (reply.kind === 'ready') resolve();
        else if (reply.kind === 'refused') reject(new Error(reply.text));
        else this.#finish?.(reply.outcome);
      });
      this.lost.then(reject);
    });
    this.ready.catch(() => undefined); // whoever awaits it gets the reason; a thread closed early has no one
  }

  async run(job: TailJob): Promise<JobOutcome> {
    const bytes = bytesOf(job);
    const done = new Promise<JobOutcome>((resolve) => {
      this.#finish = resolve;
    });
    this.#post({ kind: 'job', job }, [...new Set(bytes.map(({ buffer }) => buffer as ArrayBuffer))]);
    const ended = await Promise.race([done, this.lost]);
    if (ended instanceof Error) throw ended;
    return ended;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#post({ kind: 'close' }, []);
    await this.#exited;
  }

  #post(request: TailWorkerRequest, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(request, transfer);
  }
}

/** What is given away with a job. */
function bytesOf(job: TailJob): readonly Uint8Array[] {
  switch (job.kind) {
    case 'feature':
      return job.frames;
    case 'picture':
      return [job.image];
    case 'profile':
      return [];
    default:
      return job satisfies never;
  }
}
