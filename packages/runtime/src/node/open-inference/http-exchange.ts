/**
 * One exchange with a server of the Open Inference Protocol: a bounded time, a bounded answer, and one more attempt where the
 * connection was lost before the end of an answer. What timed out or was refused is not sent again.
 */

import { HEADER_LENGTH_FIELD, type JsonObject } from './inference-body.js';
import { RemoteModelError } from './remote-model-error.js';

/** How a server is asked. */
export interface ExchangeOptions {
  /** Sent as bearer token (RFC 6750); none by default. */
  readonly token?: string;
  /** From the beginning to the last byte of the answer. */
  readonly timeoutMs: number;
}

/** Longest answer. */
export const MAX_REPLY_BYTES = 2 ** 28;
const MAX_ERROR_LETTERS = 200;
/** Longest wait that is believed. */
const MAX_RETRY_AFTER_SECONDS = 3600;
/** Another attempt has no better prospect. */
const NOBODY_THERE: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']);
const BUSY_STATUSES: readonly number[] = [429, 503];

/** What came back. */
export interface Reply {
  readonly ok: boolean;
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly headerLength: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** A body to be posted. */
export interface Post {
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Gets, or posts.
 * @throws {RemoteModelError} if there is no answer; one that is an error is returned
 */
export async function exchange(address: string, options: ExchangeOptions, post?: Post): Promise<Reply> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  try {
    return await exchangeOnce(address, options, post, signal);
  } catch (error) {
    const failure = failureOf(error, signal);
    if (failure.code !== 'unreachable' || NOBODY_THERE.has(codeOf(error))) throw failure;
  }
  try {
    return await exchangeOnce(address, options, post, signal);
  } catch (error) {
    throw failureOf(error, signal);
  }
}

async function exchangeOnce(
  address: string,
  { token }: ExchangeOptions,
  post: Post | undefined,
  signal: AbortSignal,
): Promise<Reply> {
  const reply = await fetch(address, {
    signal,
    redirect: 'error',
    headers: { ...post?.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    ...(post && { method: 'POST', body: post.bytes as Uint8Array<ArrayBuffer> }),
  });
  const retryAfter = Number(reply.headers.get('retry-after') ?? Number.NaN);
  return {
    ...{ ok: reply.ok, status: reply.status, bytes: await bodyOf(reply) },
    headerLength: reply.headers.get(HEADER_LENGTH_FIELD) ?? undefined,
    retryAfterMs: retryAfter >= 0 ? 1000 * Math.min(retryAfter, MAX_RETRY_AFTER_SECONDS) : undefined,
  };
}

/** Gathered as it comes: what a reply claims to have takes no memory. */
async function bodyOf({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_REPLY_BYTES) {
      throw new RemoteModelError('bad-reply', `answer expected at most ${MAX_REPLY_BYTES} bytes, got more`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function failureOf(error: unknown, signal: AbortSignal): RemoteModelError {
  if (error instanceof RemoteModelError) return error;
  if (signal.aborted) {
    return new RemoteModelError('timeout', 'the remote model did not answer in time', { cause: error });
  }
  const code = codeOf(error);
  const reason = code === '' ? '' : `: ${code}`;
  return new RemoteModelError('unreachable', `the remote model cannot be reached${reason}`, { cause: error });
}

/** Of the system, beneath what `fetch` says. */
function codeOf(error: unknown): string {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : '';
}

/** The error that an answer is. */
export function errorOf(reply: Reply): RemoteModelError {
  const { status, retryAfterMs } = reply;
  const text = `the remote model answered with status ${status}${saidBy(reply)}`;
  if (BUSY_STATUSES.includes(status)) return new RemoteModelError('busy', text, { retryAfterMs });
  if (status === 502) return new RemoteModelError('unreachable', text); // a proxy that does not reach it
  if (status === 504) return new RemoteModelError('timeout', text);
  return new RemoteModelError('refused', text);
}

function saidBy(reply: Reply): string {
  try {
    const { error } = jsonOf(reply);
    return typeof error === 'string' ? `: ${error.slice(0, MAX_ERROR_LETTERS).replaceAll(/\s+/g, ' ')}` : '';
  } catch {
    return '';
  }
}

/** @throws {RemoteModelError} `bad-reply` if the answer is no JSON object */
export function jsonOf({ bytes }: Reply): JsonObject {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof json === 'object' && json !== null) return json as JsonObject;
  } catch {
    // told below
  }
  throw new RemoteModelError('bad-reply', 'the remote model answered with something else than a JSON object');
}
