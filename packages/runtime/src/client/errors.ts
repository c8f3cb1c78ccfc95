/** What can go wrong between the client and an answer: the link, or the server. */

import type { RemoteErrorCode } from '../protocol/index.js';

/** Why the link gave no answer. */
export type TransportErrorCode =
  /** No connection to the server. */
  | 'connect-failed'
  /** The connection ended before the answer came. */
  | 'connection-lost'
  /** No answer in the time allowed. */
  | 'timeout'
  /** The caller gave up. */
  | 'aborted'
  /** The answer is not one of this protocol, or not one to the request. */
  | 'bad-reply'
  /** The server takes no messages of this length. */
  | 'message-too-large'
  /** The answer is longer than the client takes. */
  | 'reply-too-large'
  /** The transport was closed. */
  | 'closed';

const RETRYABLE: ReadonlySet<TransportErrorCode> = new Set(['connect-failed', 'connection-lost', 'timeout']);

/** The link gave no answer. `retryable` says whether the same request may succeed on another attempt. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;
  readonly retryable: boolean;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}

/** The server answered that there is no result. Codes: docs/protocol.md §7. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly code: RemoteErrorCode;
  readonly retryable: boolean;
  /** Before this another attempt has no prospect; 0 if the server said nothing of it. */
  readonly retryAfterMs: number;

  constructor(
    code: RemoteErrorCode,
    retryable: boolean,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}
