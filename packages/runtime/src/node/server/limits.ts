/** What a server takes from its clients: every bound in one record, with defaults. */

import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';

/** Bounds of a server. All are integers from 1. */
export interface ServerLimits {
  /** Longest request message. */
  readonly maxMessageBytes: number;
  /** Longest JSON object of a request of the Open Inference Protocol; bytes behind it count for the message alone. */
  readonly maxJsonBytes: number;
  /** Most elements of a cut tensor whose shape the bundle leaves open, and of a resized picture. */
  readonly maxElementsPerTensor: number;
  /** Most pixels of an encoded picture. */
  readonly maxImagePixels: number;
  /** Requests of one bundle that wait for a worker; one more is answered `overloaded`. */
  readonly maxQueuedRequests: number;
  /** From a request's last byte to its answer; later it is answered `timeout`. */
  readonly requestTimeoutMs: number;
  /** From the first to the last byte of an HTTP request. */
  readonly receiveTimeoutMs: number;
  /** Open connections of any kind; further ones are dropped. */
  readonly maxConnections: number;
  /** Open connections of one address; further ones are dropped. */
  readonly maxConnectionsPerAddress: number;
  /** Requests that a client may send in a second; also as many at once. 4 KiB of JSON count as one. */
  readonly maxRequestsPerSecond: number;
  /**
   * Bytes of requests that came and are not answered, and of answers that have not left, together; half of it for one client.
   */
  readonly maxBufferedBytes: number;
  /**
   * Requests of one WebSocket whose answers the client has not taken; then it is not read until half of them are. As many that
   * were read already wait, one more is answered `overloaded`.
   */
  readonly maxRequestsPerConnection: number;
}

/** Taken where a server is told nothing else. */
export const DEFAULT_SERVER_LIMITS: ServerLimits = Object.freeze({
  maxMessageBytes: 2 ** 24,
  maxJsonBytes: 2 ** 20,
  maxElementsPerTensor: DEFAULT_PICTURE_LIMITS.maxTensorElements,
  maxImagePixels: DEFAULT_PICTURE_LIMITS.maxPicturePixels,
  maxQueuedRequests: 64,
  requestTimeoutMs: 30_000,
  receiveTimeoutMs: 30_000,
  maxConnections: 1024,
  maxConnectionsPerAddress: 256,
  maxRequestsPerSecond: 1000,
  maxBufferedBytes: 2 ** 28,
  maxRequestsPerConnection: 64,
});

/**
 * The limits with their defaults.
 * @throws {RangeError} if one is not an integer from 1
 */
export function completeLimits(limits: Partial<ServerLimits> = {}): ServerLimits {
  const complete = { ...DEFAULT_SERVER_LIMITS, ...limits };
  for (const [name, value] of Object.entries(complete)) {
    checkPositiveInteger(`limits.${name}`, value);
  }
  return complete;
}

/** @throws {RangeError} if `value` is not an integer from 1 */
export function checkPositiveInteger(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new RangeError(`${name} expected an integer from 1, got ${value}`);
}
