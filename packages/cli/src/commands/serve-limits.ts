/** The server's limits as options of `serve` and `gateway`. */

import type { ServerLimits } from '@featherwire/runtime/node';

/** A limit as an option. */
export interface LimitOption {
  readonly limit: keyof ServerLimits;
  readonly fallback: number;
  readonly description: string;
}

/**
 * Limits of the server that have an option, whose name follows from theirs. The defaults are the server's own,
 * repeated here so that help need not load it; a test compares them.
 */
export const LIMIT_OPTIONS = [
  { limit: 'maxMessageBytes', fallback: 2 ** 24, description: 'longest request' },
  { limit: 'maxJsonBytes', fallback: 2 ** 20, description: 'longest JSON of a request to /v2' },
  { limit: 'maxElementsPerTensor', fallback: 2 ** 24, description: 'largest tensor of open dimensions' },
  { limit: 'maxImagePixels', fallback: 2 ** 25, description: 'largest picture' },
  { limit: 'maxQueuedRequests', fallback: 64, description: 'requests of a bundle that wait for a worker' },
  { limit: 'maxRequestsPerSecond', fallback: 1000, description: 'requests of a client in a second' },
  { limit: 'maxBufferedBytes', fallback: 2 ** 28, description: 'bytes held of requests and answers' },
  { limit: 'maxConnections', fallback: 1024, description: 'open connections' },
  { limit: 'maxConnectionsPerAddress', fallback: 256, description: 'open connections of one address' },
  { limit: 'requestTimeoutMs', fallback: 30_000, description: 'time from a request to its answer' },
  { limit: 'receiveTimeoutMs', fallback: 30_000, description: 'time for the bytes of a request' },
] as const satisfies readonly LimitOption[];

/** Those that only bound work, which a gateway does none of. */
const WORK_LIMITS: readonly (keyof ServerLimits)[] = [
  'maxElementsPerTensor',
  'maxImagePixels',
  'maxQueuedRequests',
];

/** Limits that a gateway has. */
export const GATEWAY_LIMIT_OPTIONS: readonly LimitOption[] = LIMIT_OPTIONS.filter(
  ({ limit }) => !WORK_LIMITS.includes(limit),
);

/** What the options parsed to, as limits. */
export function limitsOf(
  options: Readonly<Partial<Record<keyof ServerLimits, number>>>,
): Partial<ServerLimits> {
  const given = LIMIT_OPTIONS.filter(({ limit }) => options[limit] !== undefined);
  return Object.fromEntries(given.map(({ limit }) => [limit, options[limit]]));
}
