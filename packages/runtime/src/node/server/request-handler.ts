/**
 * Request message in, answer message out, whatever the connection: finds the bundle, hands the work to its
 * pool, counts, and refuses new work while the server drains. Never rejects.
 */

import {
  DIGEST_PREFIX_BYTES,
  type Message,
  ProtocolError,
  parseMessage,
  peekRequestId,
  REMOTE_ERRORS,
  type RemoteErrorCode,
  serializeMessage,
} from '../../protocol/index.js';
import type { TailJob } from '../tail-worker/worker-messages.js';
import type { DriftMonitor } from './drift-monitor.js';
import type { TailPool } from './tail-pool.js';

/** An answer. */
export interface Answer {
  readonly message: Uint8Array;
  /** Undefined if it is a response. */
  readonly error: RemoteErrorCode | undefined;
}

/** What became of the requests so far. */
export interface RequestCounts {
  readonly inFlight: number;
  readonly answered: number;
  /** By code; codes that never came are left out. */
  readonly failed: Readonly<Partial<Record<RemoteErrorCode, number>>>;
}

/** Answers requests. */
export interface RequestHandler {
  /** @param bytes - one message; only read */
  handle(bytes: Uint8Array): Promise<Answer>;
  /** The answer to what never became a request; counted like any other. */
  refuse(requestId: number, code: RemoteErrorCode, text: string): Answer;
  counts(): RequestCounts;
  /** From now on every request is answered `shutting-down`. */
  drain(): void;
  readonly draining: boolean;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
}

type Request = Extract<Message, { kind: 'feature-request' | 'picture-request' }>;

/** What answers the requests of one bundle. */
export interface ServedBundle {
  readonly pool: TailPool;
  readonly drift: DriftMonitor;
}

/** @param bundles - by the hexadecimal digest prefix of each */
export function createRequestHandler(bundles: ReadonlyMap<string, ServedBundle>): RequestHandler {
  return new BundleRequestHandler(bundles);
}

class BundleRequestHandler implements RequestHandler {
  readonly #bundles: ReadonlyMap<string, ServedBundle>;
  readonly #failed: Partial<Record<RemoteErrorCode, number>> = {};
  readonly #idleWaiters: (() => void)[] = [];
  #inFlight = 0;
  #answered = 0;
  #draining = false;

  constructor(bundles: ReadonlyMap<string, ServedBundle>) {
    this.#bundles = bundles;
  }

  get draining(): boolean {
    return this.#draining;
  }

  async handle(bytes: Uint8Array): Promise<Answer> {
    this.#inFlight++;
    try {
      return await this.#answer(bytes);
    } catch (error) {
      return this.refuse(peekRequestId(bytes), 'internal', (error as Error).message);
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
    }
  }

  refuse(requestId: number, code: RemoteErrorCode, text: string): Answer {
    this.#failed[code] = (this.#failed[code] ?? 0) + 1;
    const { retryable } = REMOTE_ERRORS[code];
    return { message: serializeMessage({ kind: 'error', requestId, code, retryable, text }), error: code };
  }

  counts(): RequestCounts {
    return { inFlight: this.#inFlight, answered: this.#answered, failed: { ...this.#failed } };
  }

  drain(): void {
    this.#draining = true;
  }

  idle(): Promise<void> {
    return this.#inFlight === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  async #answer(bytes: Uint8Array): Promise<Answer> {
    const receivedAt = performance.now();
    const request = parseRequest(bytes);
    if ('code' in request) return this.refuse(peekRequestId(bytes), request.code, request.text);
    const { requestId } = request;
    if (this.#draining) return this.refuse(requestId, 'shutting-down', 'the server is shutting down');
    const key = hexOf(request.bundlePrefix);
    const bundle = this.#bundles.get(key);
    if (!bundle) return this.refuse(requestId, 'unknown-bundle', `no bundle here has a digest of ${key}…`);
    const { pool, drift } = bundle;
    const statistics = request.kind === 'feature-request' ? request.statistics : undefined;
    if (statistics && statistics.length !== drift.tensorCount) {
      const text = `statistics expected ${drift.tensorCount} tensors, got ${statistics.length}`;
      return this.refuse(requestId, 'input-mismatch', text);
    }
    const { outcome, queueMs } = await pool.submit(jobOf(request));
    if (outcome.kind === 'failed') return this.refuse(requestId, outcome.code, outcome.text);
    if (outcome.kind !== 'done') return this.refuse(requestId, 'internal', `a worker gave ${outcome.kind}`);
    if (statistics && outcome.point !== null) drift.add(outcome.point, statistics);
    const times = { queueMs, ...outcome.times, totalMs: performance.now() - receivedAt };
    const message = serializeMessage({ kind: 'response', requestId, times, frames: outcome.frames });
    this.#answered++;
    return { message, error: undefined };
  }
}

/** The key of a bundle among the pools. */
export function bundleKey(digest: string): string {
  return digest.slice(0, 2 * DIGEST_PREFIX_BYTES).toLowerCase();
}

function parseRequest(
  bytes: Uint8Array,
): Request | { readonly code: RemoteErrorCode; readonly text: string } {
  try {
    const message = parseMessage(bytes);
    if (message.kind === 'feature-request' || message.kind === 'picture-request') return message;
    return { code: 'malformed-message', text: `message expected a request, got ${message.kind}` };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const code = error.code === 'unsupported-version' ? 'unsupported-version' : 'malformed-message';
    return { code, text: error.message };
  }
}

/** Copies, since the request's bytes may share a buffer with others, and a job's bytes are given away. */
function jobOf(request: Request): TailJob {
  return request.kind === 'feature-request'
    ? { kind: 'feature', frames: request.frames.map((frame) => new Uint8Array(frame)) }
    : { kind: 'picture', image: new Uint8Array(request.image) };
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
