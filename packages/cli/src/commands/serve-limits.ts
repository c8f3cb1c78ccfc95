/** The server's limits as options of `serve`. */

import type { ServerLimits } from '@featherwire/runtime/node';

/**
 * Limits of the server that have an option, whose name follows from theirs. The defaults are the server's own,
 * repeated here so that help need not load it; a test compares them.
 */
export const LIMIT_OPTIONS = [
  { limit: 'maxMessageBytes', fallback: 2 ** 24, description: 'longest request' },
  { limit: 'maxElementsPerTensor', fallback: 2 ** 24, description: 'largest tensor of open dimensions' },
  { limit: 'maxImagePixels', fallback: 2 ** 25, description: 'largest picture' },
  { limit: 'maxQueuedRequests', fallback: 64, description: 'requests of a bundle that wait for a worker' },
  { limit: 'maxRequestsPerSecond', fallback: 1000, description: 'requests of a client in a second' },
  { limit: 'maxBufferedBytes', fallback: 2 ** 28, description: 'bytes held of requests and answers' },
  { limit: 'maxConnections', fallback: 1024, description: 'open connections' },
  { limit: 'maxConnectionsPerAddress', fallback: 256, description: 'open connections of one address' },
  { limit: 'requestTimeoutMs', fallback: 30_000, description: 'time from a request to its answer' },
  { limit: 'receiveTimeoutMs', fallback: 30_000, description: 'time for the bytes of a request' },
] as const satisfies readonly { limit: keyof ServerLimits; fallback: number; description: string }[];
