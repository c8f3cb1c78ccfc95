/** One tail worker seen from the server: a thread that does one batch of jobs at a time, until it is closed or lost. */

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

/** What a thread found out about its network. */
export interface TailThreadAbilities {
  /** Whether several feature jobs may share a run; where not, it runs them one by one. */
  readonly sharesRows: boolean;
}

/** A thread that runs jobs. */
export interface TailThread {
  /** Resolves once it can take jobs, with what it takes; rejects if it never will. */
  readonly ready: Promise<TailThreadAbilities>;
  /** Resolves with the reason once the thread has ended without being closed. */
  readonly lost: Promise<Error>;
  /**
   * Does jobs; not to be called before the last ones are done.
   * @param jobs - feature jobs, or a single one of any kind; their bytes are copied before it returns
   * @returns an outcome for each, in their order
   * @throws {Error} if the thread is lost meanwhile
   */
  run(jobs: readonly TailJob[]): Promise<readonly JobOutcome[]>;
  /** Lets the jobs at hand finish and ends the thread. */
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

/** How a promise of outcomes is settled. */
interface PendingJobs {
  resolve(outcomes: readonly JobOutcome[]): void;
  reject(loss: Error): void;
}

class WorkerThread implements TailThread {
  readonly ready: Promise<TailThreadAbilities>;
  readonly lost: Promise<Error>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #closing = false;
  /** Why the thread is lost. */
  #loss: Error | undefined;
  /** The jobs at hand. Not raced against `lost`, which would keep all outcomes as long as the thread lives. */
  #pending: PendingJobs | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    this.lost = new Promise((resolve) => {
      const lose = (loss: Error): void => {
        this.#loss ??= loss;
        this.#pending?.reject(this.#loss);
        resolve(this.#loss);
      };
      worker.on('error', (cause) => lose(new Error(`tail worker failed: ${cause.message}`, { cause })));
      worker.once('exit', (status) => {
        if (!this.#closing) lose(new Error(`tail worker ended with status ${status}`));
      });
    });
    this.ready = new Promise((resolve, reject) => {
      worker.on('message', (reply: TailWorkerReply) => {
        if (reply.kind === 'ready') resolve({ sharesRows: reply.sharesRows });
        else if (reply.kind === 'refused') reject(new Error(reply.text));
        else this.#pending?.resolve(reply.outcomes);
      });
      this.lost.then(reject);
    });
    this.ready.catch(() => undefined); // whoever awaits it gets the reason; a thread closed early has no one
  }

  async run(jobs: readonly TailJob[]): Promise<readonly JobOutcome[]> {
    if (this.#loss) throw this.#loss;
    const copies = jobs.map(copyOf);
    try {
      return await new Promise<readonly JobOutcome[]>((resolve, reject) => {
        this.#pending = { resolve, reject };
        this.#post({ kind: 'jobs', jobs: copies }, copies.flatMap(buffersOf));
      });
    } finally {
      this.#pending = undefined;
    }
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

/** A job whose bytes are its own: those of a request may share a buffer with others. */
function copyOf(job: TailJob): TailJob {
  switch (job.kind) {
    case 'feature':
      return { ...job, frames: job.frames.map((frame) => new Uint8Array(frame)) };
    case 'picture':
      return { ...job, image: new Uint8Array(job.image) };
    case 'profile':
      return job;
    default:
      return job satisfies never;
  }
}

/** What is given away with such a job. */
function buffersOf(job: TailJob): ArrayBuffer[] {
  const bytes = job.kind === 'feature' ? job.frames : job.kind === 'picture' ? [job.image] : [];
  return bytes.map(({ buffer }) => buffer as ArrayBuffer);
}
