/** What a client asks of a server before it plans: the bundles there, and how long their parts take. By `fetch`. */

import type { Bundle } from '@featherwire/bundle';
import { checkModelProfile, type ModelProfile } from '@featherwire/inference';
import { REMOTE_ERRORS, type RemoteErrorCode } from '../protocol/index.js';
import { RemoteError, TransportError } from './errors.js';

/** A bundle as a server lists it; its manifest is as the server says and not checked. */
export type ServedBundle = Pick<Bundle, 'digest' | 'manifest'>;

/**
 * The bundles of a server.
 * @param url - `http://host:port`
 * @throws {TransportError}
 */
export async function fetchBundles(
  url: string | URL,
  signal?: AbortSignal,
): Promise<readonly ServedBundle[]> {
  const { bundles } = (await fetchJson(new URL('/v1/bundles', url), signal)) as { bundles?: unknown };
  if (
    Array.isArray(bundles) &&
    bundles.every((entry) => typeof entry?.digest === 'string' && entry.manifest)
  ) {
    return bundles as ServedBundle[];
  }
  throw new TransportError('bad-reply', 'reply expected a list of bundles, got something else');
}

/**
 * The profile of a part on the server; its first client waits some seconds for it.
 * @param url - `http://host:port`
 * @throws {RemoteError} if the server has no such bundle or part, or cannot measure now; {TransportError}
 */
export async function fetchPartProfile(
  url: string | URL,
  digest: string,
  part: 'tail' | 'whole',
  signal?: AbortSignal,
): Promise<ModelProfile> {
  const target = new URL(`/v1/bundles/${digest}/profile?part=${part}`, url);
  try {
    return checkModelProfile(await fetchJson(target, signal));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new TransportError('bad-reply', `reply expected a profile: ${cause.message}`, { cause });
  }
}

async function fetchJson(target: URL, signal: AbortSignal | undefined): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(target, { ...(signal && { signal }) });
  } catch (cause) {
    if (signal?.aborted) throw new TransportError('aborted', 'the request was aborted', { cause });
    throw new TransportError('connect-failed', `no connection to ${target.origin}`, { cause });
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  const { code, text } = (body ?? {}) as { code?: unknown; text?: unknown };
  if (typeof code === 'string' && Object.hasOwn(REMOTE_ERRORS, code)) {
    const known = code as RemoteErrorCode;
    throw new RemoteError(known, REMOTE_ERRORS[known].retryable, String(text));
  }
  throw new TransportError(
    'bad-reply',
    `reply of ${target.pathname} expected status 200, got ${response.status}`,
  );
}
