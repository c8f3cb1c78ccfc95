/** Clients for the tests of a server, and what their errors say. */

import type { Bundle } from '@featherwire/bundle';
import { referenceBackend } from '@featherwire/codec';
import { createEdgeClient, type EdgeClient } from '../src/client/edge-client.js';
import type { RemoteError } from '../src/client/errors.js';
import type { Transport } from '../src/client/transport.js';

/** A client that sends each request once; it has no head. */
export function singleTryClient(bundle: Bundle, transport: Transport): EdgeClient {
  return createEdgeClient({ bundle, transport, backend: referenceBackend, retry: { maxAttempts: 1 } });
}

/** `name code retryable` or `name code final` of the error that a request ends in, or `no error`. */
export async function remoteCode(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'no error',
    (error: RemoteError) => `${error.name} ${error.code} ${error.retryable ? 'retryable' : 'final'}`,
  );
}
