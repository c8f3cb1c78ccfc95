/**
 * The page's end: an edge client whose head, codec and connection are in a worker, so that nothing of them holds up the page.
 * It keeps the rules of `EdgeClient`; fallbacks can be put before it as before any other.
 */

import { InferenceError } from '@featherwire/inference';
import type { BudgetedClient } from '../client/budgeted-client.js';
import type { EdgeClient } from '../client/edge-client.js';
import { TransportError } from '../client/errors.js';
import type { InferWithExit } from './edge-exit.js';
import type { EdgeOptions } from './open-edge.js';
import {
  type EdgeDescription,
  type EdgeReply,
  type EdgeRequest,
  errorOf,
  type WorkerMethods,
} from './worker-messages.js';

/** An edge client in a worker. */
export interface BrowserClient extends EdgeClient, EdgeDescription {
  /** As `infer`, at the point that fits the budget; `TypeError` if the client was opened without one. */
  readonly inferWithinBudget: BudgetedClient['infer'];
  /**
   * As `infer`, or without a coding as `inferWithinBudget`, but for what the bundle's exit is sure of, which is not sent; `TypeError`
   * if the client was opened without it.
   */
  readonly inferWithExit: InferWithExit;
  /** Ends what is in flight with `closed`, then connection, sessions and worker. Calling it again is allowed. */
  close(): Promise<void>;
}

/** Options of a browser client. */
export interface BrowserClientOptions extends EdgeOptions {
  /**
   * A module worker that calls `serveEdge`, which belongs to the client from then on. Default: one on
   * `@featherwire/runtime/browser/worker`, which bundlers find by its address beside this file.
   */
  readonly worker?: Worker;
}

/**
 * Opens the edge side of a bundle in a worker. URLs are those of the page.
 * @throws {BundleError} {InferenceError} {RangeError} as `openEdge`; `InferenceError` with `worker-lost` if the worker cannot
 *   start. The worker is then gone.
 */
export async function createBrowserClient(options: BrowserClientOptions): Promise<BrowserClient> {
  const { worker = defaultWorker(), ...edgeOptions } = options;
  const link = new WorkerLink(worker);
  try {
    const edge = await link.open(absolute(edgeOptions));
    const call =
      <M extends keyof WorkerMethods>(method: M): WorkerMethods[M] =>
      (...args: unknown[]) =>
        link.call(method, args) as never;
    return {
      ...edge,
      infer: call('infer'),
      inferFeature: call('inferFeature'),
      sendPicture: call('sendPicture'),
      inferWithinBudget: call('inferWithinBudget'),
      inferWithExit: call('inferWithExit'),
      close: () => link.close(),
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

function defaultWorker(): Worker {
  return new Worker(new URL('./worker-entry.js', import.meta.url), { type: 'module' });
}

/** Addresses that the page means, which the worker's own would lead elsewhere. */
function absolute({ bundle, server, engine, ...rest }: EdgeOptions): EdgeOptions {
  const url = (relative: string | URL): string => new URL(relative, globalThis.location?.href).href;
  return {
    ...rest,
    bundle: url(bundle),
    server: url(server ?? '/'),
    engine: { ...engine, folder: url(engine.folder) },
  };
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

class WorkerLink {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #opening: { resolve(edge: EdgeDescription): void; reject(error: Error): void } | undefined;
  #closed: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #lost: InferenceError | undefined;
  #lastId = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }) => this.#receive(data as EdgeReply));
    worker.addEventListener('error', ({ message }) => this.#lose(message));
    worker.addEventListener('messageerror', () => this.#lose('a message could not be read'));
  }

  open(options: EdgeOptions): Promise<EdgeDescription> {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#post({ kind: 'open', options });
    });
  }

  /** @param args - what is sent, and the options of the request */
  async call(method: keyof WorkerMethods, args: readonly unknown[]): Promise<unknown> {
    if (this.#closing) throw new TransportError('closed', 'the client is closed');
    if (this.#lost) throw this.#lost;
    const { signal, ...options } = (args[1] ?? {}) as { readonly signal?: AbortSignal };
    const id = ++this.#lastId;
    const abort = (): void => this.#post({ kind: 'abort', id });
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        this.#post({ kind: 'call', id, method, args: [args[0], options] });
        if (signal?.aborted) abort();
        else signal?.addEventListener('abort', abort);
      });
    } finally {
      this.#pending.delete(id);
      signal?.removeEventListener('abort', abort);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#failAll(new TransportError('closed', 'the client was closed'));
    if (!this.#lost) {
      await new Promise<void>((resolve) => {
        this.#closed = resolve;
        this.#post({ kind: 'close' });
      });
    }
    this.#worker.terminate();
  }

  #post(request: EdgeRequest): void {
    this.#worker.postMessage(request);
  }

  #receive(reply: EdgeReply): void {
    switch (reply.kind) {
      case 'opened':
        this.#opening?.resolve(reply.edge);
        return;
      case 'refused':
        this.#opening?.reject(errorOf(reply.error));
        return;
      case 'done':
        this.#pending.get(reply.id)?.resolve(reply.result);
        return;
      case 'failed':
        this.#pending.get(reply.id)?.reject(errorOf(reply.error));
        return;
      case 'closed':
        this.#closed?.();
        return;
      default:
        reply satisfies never;
    }
  }

  #lose(message: string | undefined): void {
    this.#lost ??= new InferenceError('worker-lost', `the worker failed: ${message ?? 'it could not start'}`);
    this.#opening?.reject(this.#lost);
    this.#failAll(this.#lost);
    this.#closed?.();
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
  }
}
