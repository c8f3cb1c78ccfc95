/**
 * A session in a worker thread of its own: the event loop of the caller stays free while the network runs.
 * An idle session does not keep the process alive.
 */

import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { checkFeeds } from '../feeds.js';
import {
  InferenceError,
  type ModelSession,
  type RunResult,
  type SessionOptions,
  type TensorMap,
  type ValueSpec,
} from '../session.js';
import { buffersOf, copyTensors } from '../transfer.js';
import { createExitGuard } from './exit-guard.js';
import { ortSessionOptions } from './ort-options.js';
import type { WorkerReply, WorkerRequest, WorkerStart } from './worker-messages.js';

/**
 * Loads a network in a new worker thread.
 * @param model - the model file's bytes (copied), or its path
 * @throws {InferenceError} `model-rejected` if the engine refuses the model, or the file cannot be read;
 *   `worker-lost` if the thread ends before the model is loaded
 * @throws {RangeError} if an option is out of range
 */
export async function createWorkerSession(
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<ModelSession> {
  ortSessionOptions(options); // refuses bad options here, as a RangeError of the caller
  const guard = createExitGuard();
  const start: WorkerStart = { model, options, exitGuard: guard.words };
  const entry = createRequire(import.meta.url).resolve('@featherwire/inference/worker');
  const worker = new Worker(entry, { workerData: start });
  worker.once('exit', () => guard.release());
  return new WorkerSession(worker).ready();
}

interface PendingRun {
  resolve(result: RunResult): void;
  reject(error: InferenceError): void;
}

class WorkerSession implements ModelSession {
  inputs: readonly ValueSpec[] = [];
  outputs: readonly ValueSpec[] = [];
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingRun>();
  readonly #exited: Promise<void>;
  #loading: { resolve(): void; reject(error: InferenceError): void } | undefined;
  #nextId = 0;
  #closing: Promise<void> | undefined;
  #lost: InferenceError | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('message', (reply: WorkerReply) => this.#receive(reply));
    worker.on('error', (cause) => this.#lose(`the worker thread failed: ${cause.message}`, cause));
    worker.on('exit', (status) => this.#lose(`the worker thread ended with status ${status}`));
  }

  /** Resolves once the network is loaded. */
  async ready(): Promise<ModelSession> {
    await new Promise<void>((resolve, reject) => {
      this.#loading = { resolve, reject };
    });
    this.#loading = undefined;
    this.#worker.unref();
    return this;
  }

  async run(feeds: TensorMap): Promise<RunResult> {
    if (this.#closing) throw new InferenceError('closed', 'the session is closed');
    if (this.#lost) throw this.#lost;
    checkFeeds(this.inputs, feeds);
    const owned = copyTensors(feeds);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
      this.#post({ kind: 'run', id, feeds: owned }, buffersOf(owned));
    });
  }

  close(): Promise<void> {
    if (!this.#closing) {
      this.#worker.ref(); // whoever waits for the end gets it
      this.#post({ kind: 'close' }, []);
      this.#closing = this.#exited;
    }
    return this.#closing;
  }

  #post(request: WorkerRequest, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(request, transfer);
  }

  #receive(reply: WorkerReply): void {
    switch (reply.kind) {
      case 'ready':
        this.inputs = reply.inputs;
        this.outputs = reply.outputs;
        this.#loading?.resolve();
        return;
      case 'refused':
        this.#loading?.reject(new InferenceError(reply.code, reply.message));
        return;
      case 'done':
        this.#take(reply.id)?.resolve(reply.result);
        return;
      case 'failed':
        this.#take(reply.id)?.reject(new InferenceError(reply.code, reply.message));
        return;
      default:
        reply satisfies never;
    }
  }

  #take(id: number): PendingRun | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0 && !this.#closing) this.#worker.unref();
    return pending;
  }

  #lose(message: string, cause?: unknown): void {
    this.#lost ??= new InferenceError('worker-lost', message, { cause });
    this.#loading?.reject(this.#lost);
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(this.#lost);
  }
}
