/**
 * What a client needs of a link: send one message, get the message that answers it, and know how many bytes
 * that took. Implementations: WebSocket and fetch here, HTTP for Node in `../node/http-transport.ts`.
 */

import { TransportError } from './errors.js';

/** How long and under which signal an exchange may run. */
export interface ExchangeOptions {
  readonly signal?: AbortSignal | undefined;
  /** From the call to the answer, connecting included; no limit if left out. */
  readonly timeoutMs?: number | undefined;
}

/** An answered request. */
export interface Exchange {
  /** The answering message; the caller owns it. */
  readonly message: Uint8Array;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** A link to one server. Any number of exchanges may be in flight. */
export interface Transport {
  /**
   * What the byte counts hold. `link`: everything of the exchange that crosses the link above TCP, with HTTP
   * heads or WebSocket frame headers; `bodies`: the messages alone, where the engine hides the rest.
   */
  readonly counted: 'link' | 'bodies';
  /** An id that no other request in flight on this transport has, 1 … 2^32 - 1. */
  nextRequestId(): number;
  /**
   * Sends a request and waits for its answer.
   * @param message - a serialized request whose id came from `nextRequestId`; not modified
   * @throws {TransportError} and nothing else once the message is valid
   */
  exchange(message: Uint8Array, options?: ExchangeOptions): Promise<Exchange>;
  /** Ends the connections; exchanges in flight fail with `closed`. Calling it again is allowed. */
  close(): Promise<void>;
}

/** Replies over this are refused unless a transport is told otherwise: 64 MiB. */
export const DEFAULT_MAX_REPLY_BYTES = 2 ** 26;

/** Timers of the engines run out at once beyond this: 24 days are as good as no limit. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const REQUEST_ID_COUNT = 2 ** 32 - 1;

/** Counts request ids 1, 2, …, and from 2^32 - 1 back to 1. */
export function createRequestIds(): () => number {
  let last = 0;
  return () => {
    last = (last % REQUEST_ID_COUNT) + 1;
    return last;
  };
}

/**
 * Calls `fail` once when the time is over or the signal is raised.
 * @returns a function that ends the watch
 */
export function watchExchange(options: ExchangeOptions, fail: (error: TransportError) => void): () => void {
  const { signal, timeoutMs } = options;
  const stop = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
  const end = (error: TransportError): void => {
    stop();
    fail(error);
  };
  const abort = (): void => {
    end(new TransportError('aborted', 'the request was aborted', { cause: signal?.reason }));
  };
  const timer =
    timeoutMs === undefined || timeoutMs > MAX_TIMER_MS
      ? undefined
      : setTimeout(() => end(new TransportError('timeout', `no answer within ${timeoutMs} ms`)), timeoutMs);
  if (signal?.aborted)
    queueMicrotask(abort); // after the caller holds the function that ends the watch
  else signal?.addEventListener('abort', abort);
  return stop;
}
