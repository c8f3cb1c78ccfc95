/** Why a model on another server gave no result. */

/** Why there is no result. */
export type RemoteModelErrorCode =
  /** No connection, or it was lost. */
  | 'unreachable'
  | 'timeout'
  /** The server takes no more for now. */
  | 'busy'
  /** The server does not take this request. */
  | 'refused'
  /** The answer is not one of the protocol. */
  | 'bad-reply';

/** The only error of a remote model. Its text tells nothing of the server's address. */
export class RemoteModelError extends Error {
  override readonly name = 'RemoteModelError';
  readonly code: RemoteModelErrorCode;
  /** What the server said of when to try again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: RemoteModelErrorCode,
    message: string,
    { retryAfterMs, ...options }: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
