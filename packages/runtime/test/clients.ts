/** Clients for the tests of a server, what their errors say, and requests made by hand. */

import { request as httpRequest } from 'node:http';
import type { Bundle } from '@featherwire/bundle';
import { encodeFrame, referenceBackend } from '@featherwire/codec';
import type { Tensor } from '@featherwire/tensor';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { createEdgeClient, type EdgeClient } from '../src/client/edge-client.js';
import type { RemoteError } from '../src/client/errors.js';
import type { Transport } from '../src/client/transport.js';
import { createWebSocketTransport } from '../src/client/websocket-transport.js';
import { createHttpTransport } from '../src/node/http-transport.js';
import type { TailServer } from '../src/node/server/tail-server.js';
import { digestPrefix, parseMessage, serializeMessage } from '../src/protocol/index.js';
import { squareFeatures, squareOutputs } from './test-bundles.js';

const NONE = { kind: 'none' } as const;
/** Coding of the square bundle's cut that loses nothing. */
export const LOSSLESS = { double: NONE, shift: NONE };

/** The kinds of connection that a server takes. */
export type ConnectionKind = 'http' | 'websocket';

/** A client that sends each request once; it has no head. */
export function singleTryClient(bundle: Bundle, transport: Transport): EdgeClient {
  return createEdgeClient({ bundle, transport, backend: referenceBackend, retry: { maxAttempts: 1 } });
}

/** A transport to a server, with ids of its own. */
export function transportTo({ url, streamUrl }: TailServer, kind: ConnectionKind): Transport {
  return kind === 'http'
    ? createHttpTransport({ url })
    : createWebSocketTransport({ url: streamUrl, WebSocket });
}

/** Asks for the tail of the square bundle over both kinds of connection. */
export async function expectAlive(server: TailServer, square: Bundle): Promise<void> {
  for (const kind of ['http', 'websocket'] as const) {
    const transport = transportTo(server, kind);
    const client = singleTryClient(square, transport);
    const { outputs } = await client.inferFeature(squareFeatures(3, 1), { coding: LOSSLESS });
    expect(outputs).toEqual(squareOutputs(3, 1));
    await transport.close();
  }
}

/** `name code retryable` or `name code final` of the error that a request ends in, or `no error`. */
export async function remoteCode(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'no error',
    (error: RemoteError) => `${error.name} ${error.code} ${error.retryable ? 'retryable' : 'final'}`,
  );
}

/** A frame that loses nothing. */
export function frameOf(value: Tensor): Uint8Array {
  return encodeFrame(value, { quantizer: NONE, backend: referenceBackend });
}

/** The bytes of a feature request. */
export function featureRequest(bundle: Bundle, frames: readonly Uint8Array[], requestId = 1): Uint8Array {
  const bundlePrefix = digestPrefix(bundle.digest);
  return serializeMessage({ kind: 'feature-request', requestId, bundlePrefix, frames });
}

/** What came back over HTTP. */
export interface HttpReply {
  readonly status: number;
  readonly body: Uint8Array;
  readonly retryAfter: string | undefined;
}

/** One HTTP exchange with full control over what is sent. */
export function post(
  { url }: TailServer,
  body: Uint8Array,
  { route = '/v1/infer', method = 'POST', type = 'application/octet-stream' } = {},
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': body.length };
    const request = httpRequest(`${url}${route}`, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks),
          retryAfter: response.headers['retry-after'],
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** HTTP status, and the code of the error message or the kind of any other. */
export async function statusAndCode(reply: Promise<HttpReply>): Promise<string> {
  const { status, body } = await reply;
  const message = parseMessage(body);
  return `${status} ${message.kind === 'error' ? message.code : message.kind}`;
}
