/**
 * Messages in parts, each the body of an HTTP PUT, for links whose proxies take no long bodies or whose connections do not last
 * as long as a message takes (docs/protocol.md §8.5). After a failure the server says what it has, and the rest is sent. Messages
 * that fit one part travel as by `createFetchTransport`.
 */

import { TransportError } from './errors.js';
import {
  checkReply,
  completeFetchOptions,
  createFetchTransport,
  type FetchTransportOptions,
  MESSAGE_CONTENT_TYPE,
  readReply,
  transportOverFetch,
} from './fetch-transport.js';
import type { Exchange, Transport } from './transport.js';

/** Path of requests in parts. */
export const UPLOAD_PATH = '/v1/uploads';

/** Settings of an upload transport. */
export interface UploadTransportOptions extends FetchTransportOptions {
  /** Longest body that is sent, from 1. */
  readonly maxPartBytes: number;
  /** Says who the client is, as a bearer token (RFC 6750). */
  readonly token?: string;
}

/** Failures in a row after which an exchange is given up. */
const MAX_FAILURES = 4;
const FIRST_WAIT_MS = 100;

/**
 * Opens no connection: the engine keeps them.
 * @throws {RangeError} if `maxPartBytes` is not an integer from 1
 */
export function createUploadTransport(options: UploadTransportOptions): Transport {
  const { maxPartBytes, token } = options;
  if (!Number.isSafeInteger(maxPartBytes) || maxPartBytes < 1) {
    throw new RangeError(`maxPartBytes expected an integer from 1, got ${maxPartBytes}`);
  }
  const { url, fetch, maxReplyBytes } = completeFetchOptions(options);
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request: typeof fetch = (address, init) =>
    fetch(address, { ...init, headers: { ...init?.headers, ...authorization } });
  const short = createFetchTransport({ url, fetch: request, maxReplyBytes });
  const address = new URL(UPLOAD_PATH, url).href;
  return transportOverFetch(address, (message, signal) => {
    if (message.length <= maxPartBytes) return short.exchange(message, { signal });
    const context = { address: `${address}/${randomId()}`, request, maxPartBytes, maxReplyBytes, signal };
    return sendInParts(message, context);
  });
}

interface UploadContext {
  /** Of this message alone. */
  readonly address: string;
  readonly request: typeof fetch;
  readonly maxPartBytes: number;
  readonly maxReplyBytes: number;
  readonly signal: AbortSignal;
}

/** 128 bits in hexadecimal. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function sendInParts(message: Uint8Array, context: UploadContext): Promise<Exchange> {
  let offset = 0;
  let failures = 0;
  let bytesSent = 0;
  let bytesReceived = 0;
  for (;;) {
    const part = message.subarray(offset, offset + context.maxPartBytes);
    bytesSent += part.length;
    let reply: PartReply;
    try {
      reply = await sendPart(part, { offset, total: message.length }, context);
    } catch (error) {
      failures++;
      const isFinal = error instanceof TransportError && !error.retryable;
      if (isFinal || context.signal.aborted || failures > MAX_FAILURES) throw error;
      await waitFor(FIRST_WAIT_MS * 2 ** (failures - 1), context.signal);
      continue; // the server says what it has of the part, and of those before
    }
    bytesReceived += reply.bytes.length;
    if (reply.kind === 'answer') return { message: reply.bytes, bytesSent, bytesReceived };
    if (reply.received > offset) failures = 0;
    else if (++failures > MAX_FAILURES) throw badReply('a server that takes parts, got one that keeps none');
    offset = reply.received;
  }
}

type PartReply =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  | { readonly kind: 'progress'; readonly bytes: Uint8Array; readonly received: number };

async function sendPart(
  part: Uint8Array,
  { offset, total }: { readonly offset: number; readonly total: number },
  { address, request, maxReplyBytes, signal }: UploadContext,
): Promise<PartReply> {
  const range = `bytes ${offset}-${offset + part.length - 1}/${total}`;
  const response = await request(address, {
    method: 'PUT',
    headers: { 'content-type': MESSAGE_CONTENT_TYPE, 'content-range': range },
    body: part as Uint8Array<ArrayBuffer>,
    signal,
  });
  const bytes = await readReply(response, maxReplyBytes);
  if (response.status === 202 || response.status === 409) {
    return { kind: 'progress', bytes, received: receivedOf(bytes, total) };
  }
  checkReply(response.status, response.headers.get('content-type'), bytes);
  return { kind: 'answer', bytes };
}

function receivedOf(bytes: Uint8Array, total: number): number {
  let received: unknown;
  try {
    ({ received } = JSON.parse(new TextDecoder().decode(bytes)) as { received: unknown });
  } catch {
    // told below
  }
  if (Number.isSafeInteger(received) && (received as number) >= 0 && (received as number) < total) {
    return received as number;
  }
  throw badReply('how many bytes the server has, got something else');
}

function badReply(expected: string): TransportError {
  return new TransportError('bad-reply', `reply expected ${expected}`);
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
