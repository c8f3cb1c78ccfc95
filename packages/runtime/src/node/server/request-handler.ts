/**
 * Request message in, answer message out, whatever the connection and whoever does the work: parses, counts, and refuses what
 * comes too often, and all new work while the server drains. Never rejects.
 */

import {
  type Message,
  ProtocolError,
  parseMessage,
  peekRequestId,
  REMOTE_ERRORS,
  type RemoteErrorCode,
  serializeMessage,
} from '../../protocol/index.js';
import type { RateLimiter } from './rate-limiter.js';
import type { RequestObservation, ServerMetrics } from './server-metrics.js';
import type { RequestTrace, RequestTracing, TraceParent } from './tracing.js';

/** An answer. */
export interface Answer {
  readonly message: Uint8Array;
  /** Undefined if it is a response. */
  readonly error: RemoteErrorCode | undefined;
  /** What the message tells the client to wait. */
  readonly retryAfterMs?: number;
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
  /**
   * @param bytes - one message; only read
   * @param client - whose it is; clients take turns
   * @param parent - what it is part of, for traces; nothing by default
   */
  handle(bytes: Uint8Array, client: string, parent?: TraceParent): Promise<Answer>;
  /** The answer to what never became a request; counted like any other. */
  refuse(refusal: Refusal): Answer;
  counts(): RequestCounts;
  /** From now on every request is answered `shutting-down`. */
  drain(): void;
  readonly draining: boolean;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
}

/** Why there is no result. */
export interface Refusal {
  /** 0 if it could not be read. */
  readonly requestId: number;
  readonly code: RemoteErrorCode;
  readonly text: string;
  readonly retryAfterMs?: number | undefined;
  /** Length of what came; 0 by default. */
  readonly receivedBytes?: number;
  /** Name of the bundle, if one was named that is served. */
  readonly bundle?: string;
}

/** A request that asks for outputs. */
export type InferenceRequest = Extract<Message, { kind: 'feature-request' | 'picture-request' }>;

/** How a request came. */
export interface Arrival extends TraceParent {
  /** The request as it came; only to be read. */
  readonly bytes: Uint8Array;
  readonly client: string;
  /** On the clock of `performance.now()`. */
  readonly receivedAt: number;
}

/** What became of a request that was taken. */
export type RequestOutcome =
  | {
      readonly kind: 'answered';
      /** A response with the request's id. */
      readonly message: Uint8Array;
      readonly observation: Pick<RequestObservation, 'bundle' | 'times' | 'point' | 'runSize'>;
    }
  | ({ readonly kind: 'refused' } & Pick<Refusal, 'code' | 'text' | 'retryAfterMs' | 'bundle'>);

/** Does what a request asks for: in workers of this process, or elsewhere. */
export type RequestRunner = (request: InferenceRequest, arrival: Arrival) => Promise<RequestOutcome>;

/** What a handler works with. */
export interface RequestHandlerOptions {
  readonly run: RequestRunner;
  readonly limiter: RateLimiter;
  readonly metrics: Pick<ServerMetrics, 'observe'>;
  readonly tracing: RequestTracing;
}

/** A handler that takes requests at once. */
export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  return new CountingHandler(options);
}

class CountingHandler implements RequestHandler {
  readonly #options: RequestHandlerOptions;
  readonly #failed: Partial<Record<RemoteErrorCode, number>> = {};
  readonly #idleWaiters: (() => void)[] = [];
  #inFlight = 0;
  #answered = 0;
  #draining = false;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  get draining(): boolean {
    return this.#draining;
  }

  async handle(bytes: Uint8Array, client: string, parent: TraceParent = {}): Promise<Answer> {
    this.#inFlight++;
    const receivedAt = performance.now();
    const trace = this.#options.tracing.begin(parent, receivedAt);
    const { traceparent } = trace;
    const receivedBytes = bytes.length;
    try {
      const outcome = await this.#run({ bytes, client, receivedAt, traceparent });
      if (outcome.kind === 'refused') {
        return this.#refuse({ requestId: peekRequestId(bytes), ...outcome, receivedBytes }, trace);
      }
      const { message, observation } = outcome;
      this.#answered++;
      this.#observe({ ...observation, outcome: 'ok', receivedBytes, sentBytes: message.length }, trace);
      return { message, error: undefined };
    } catch (error) {
      const text = (error as Error).message;
      return this.#refuse({ requestId: peekRequestId(bytes), code: 'internal', text, receivedBytes }, trace);
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
    }
  }

  refuse(refusal: Refusal): Answer {
    return this.#refuse(refusal, undefined);
  }

  #refuse(refusal: Refusal, trace: RequestTrace | undefined): Answer {
    const { requestId, code, text, retryAfterMs, receivedBytes = 0, bundle } = refusal;
    this.#failed[code] = (this.#failed[code] ?? 0) + 1;
    const { retryable } = REMOTE_ERRORS[code];
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) };
    const message = serializeMessage({ kind: 'error', requestId, code, retryable, text, ...wait });
    const observation = { outcome: code, receivedBytes, sentBytes: message.length };
    this.#observe({ ...observation, ...(bundle !== undefined && { bundle }) }, trace);
    return { message, error: code, ...wait };
  }

  #observe(observation: RequestObservation, trace: RequestTrace | undefined): void {
    this.#options.metrics.observe(observation);
    trace?.end(observation);
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

  async #run(arrival: Arrival): Promise<RequestOutcome> {
    const { bytes, client, receivedAt } = arrival;
    const waitMs = this.#options.limiter.take(client, receivedAt);
    if (waitMs > 0) {
      const text = 'more requests in a second than a client may send';
      return { kind: 'refused', code: 'rate-limited', text, retryAfterMs: waitMs };
    }
    const request = parseRequest(bytes);
    if ('code' in request) return { ...request, kind: 'refused' };
    if (this.#draining)
      return { kind: 'refused', code: 'shutting-down', text: 'the server is shutting down' };
    return this.#options.run(request, arrival);
  }
}

function parseRequest(
  bytes: Uint8Array,
): InferenceRequest | { readonly code: RemoteErrorCode; readonly text: string } {
  try {
    const message = parseMessage(bytes);
    if (message.kind === 'feature-request' || message.kind === 'picture-request') return message;
    return { code: 'malformed-message', text: `message expected a request, got ${message.kind}` };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { code: codeOfProtocolError(error), text: error.message };
  }
}

/** What a client is told of a message that is none. */
export function codeOfProtocolError({ code }: ProtocolError): RemoteErrorCode {
  return code === 'unsupported-version' ? 'unsupported-version' : 'malformed-message';
}
