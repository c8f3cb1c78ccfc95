/**
 * What a server can answer instead of a result: one closed table of codes with their byte on the wire, the
 * HTTP status they travel with, and whether the same request may succeed later (docs/protocol.md §7).
 */

/** One row of the table. */
export interface RemoteErrorRow {
  /** Value of the code field, 1 … 255. */
  readonly byte: number;
  readonly httpStatus: number;
  readonly retryable: boolean;
}

/** The table, by code. Bytes are never given a second meaning. */
export const REMOTE_ERRORS = Object.freeze({
  'malformed-message': { byte: 1, httpStatus: 400, retryable: false },
  'unsupported-version': { byte: 2, httpStatus: 400, retryable: false },
  'unknown-bundle': { byte: 3, httpStatus: 404, retryable: false },
  'bad-frame': { byte: 4, httpStatus: 422, retryable: false },
  'input-mismatch': { byte: 5, httpStatus: 422, retryable: false },
  'message-too-large': { byte: 6, httpStatus: 413, retryable: false },
  'picture-unsupported': { byte: 7, httpStatus: 422, retryable: false },
  'bad-picture': { byte: 8, httpStatus: 422, retryable: false },
  overloaded: { byte: 9, httpStatus: 503, retryable: true },
  timeout: { byte: 10, httpStatus: 504, retryable: true },
  'worker-lost': { byte: 11, httpStatus: 503, retryable: true },
  'shutting-down': { byte: 12, httpStatus: 503, retryable: true },
  'run-failed': { byte: 13, httpStatus: 500, retryable: false },
  internal: { byte: 14, httpStatus: 500, retryable: false },
  'unknown-point': { byte: 15, httpStatus: 422, retryable: false },
  'digest-mismatch': { byte: 16, httpStatus: 422, retryable: false },
  'deadline-passed': { byte: 17, httpStatus: 504, retryable: false },
  unauthorized: { byte: 18, httpStatus: 401, retryable: false },
  'rate-limited': { byte: 19, httpStatus: 429, retryable: true },
} satisfies Record<string, RemoteErrorRow>);

/** Name of a code. */
export type RemoteErrorCode = keyof typeof REMOTE_ERRORS;

/** The code of a byte on the wire, or undefined if no code has it. */
export function remoteErrorCode(byte: number): RemoteErrorCode | undefined {
  const codes = Object.keys(REMOTE_ERRORS) as RemoteErrorCode[];
  return codes.find((code) => REMOTE_ERRORS[code].byte === byte);
}
