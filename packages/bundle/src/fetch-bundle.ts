/** A bundle behind a URL: what the edge side of a browser reads of it, every file checked against the manifest. */

import { checkFileBytes, sha256Hex } from './digest.js';
import { BundleError } from './errors.js';
import { type Bundle, type BundleFile, MANIFEST_FILE } from './manifest.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';
import { manifestText, parseManifest } from './parse-manifest.js';
import { loadProfiles } from './point-profiles.js';
import { readResponseBody } from './response-body.js';

/** Settings of `fetchBundle`. */
export interface FetchBundleOptions {
  /** SHA-256 that the manifest must have, 64 lower-case hex digits; without it any manifest is taken. */
  readonly digest?: string;
  /** Default: the engine's. */
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal;
}

/** A bundle that files can be fetched of. */
export interface FetchedBundle extends Bundle {
  /**
   * The bytes of a file that the manifest names.
   * @throws {BundleError} `missing-file`, `digest-mismatch`
   */
  fetchFile(entry: BundleFile, signal?: AbortSignal): Promise<Uint8Array>;
}

/**
 * Reads the manifest and the profiles of the operating points; models are left to `fetchFile`. Digests are made by Web
 * Crypto, which browsers offer on https and localhost only.
 * @param folder - URL of the folder that holds `featherwire.json`
 * @throws {BundleError} `not-found`, `invalid-manifest`, `unsupported-version`, `missing-file`, `digest-mismatch`,
 *   `invalid-profile`
 */
export async function fetchBundle(
  folder: string | URL,
  { digest: expected, fetch = globalThis.fetch, signal }: FetchBundleOptions = {},
): Promise<FetchedBundle> {
  const base = folderUrl(folder);
  const get = (file: string, maxBytes: number, code: 'not-found' | 'missing-file', end = signal) =>
    fetchBytes((...call) => fetch(...call), new URL(file, base), { maxBytes, code, signal: end });
  const fetchFile = async (entry: BundleFile, end = signal): Promise<Uint8Array> => {
    const bytes = await get(entry.file, entry.bytes, 'missing-file', end);
    await checkFileBytes(bytes, entry);
    return bytes;
  };
  const bytes = await get(MANIFEST_FILE, MANIFEST_LIMITS.manifestBytes, 'not-found');
  const digest = await sha256Hex(bytes);
  if (expected !== undefined && digest !== expected) {
    throw new BundleError('digest-mismatch', `${MANIFEST_FILE} expected SHA-256 ${expected}, got ${digest}`);
  }
  const manifest = parseManifest(manifestText(bytes));
  return { manifest, digest, profiles: await loadProfiles(manifest, fetchFile), fetchFile };
}

/** A folder's URL ends in `/`, so that names of files are taken inside it. */
function folderUrl(folder: string | URL): URL {
  const url = new URL(folder, globalThis.location?.href);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

interface FetchLimits {
  readonly maxBytes: number;
  /** Of the error if there is no such file. */
  readonly code: 'not-found' | 'missing-file';
  readonly signal: AbortSignal | undefined;
}

async function fetchBytes(
  get: typeof fetch,
  url: URL,
  { maxBytes, code, signal }: FetchLimits,
): Promise<Uint8Array> {
  let response: Response;
  let bytes: Uint8Array | undefined;
  try {
    response = await get(url, { ...(signal && { signal }) });
    if (response.ok) bytes = await readResponseBody(response, maxBytes);
  } catch (cause) {
    throw new BundleError(code, `no answer from ${url.href}: ${(cause as Error).message}`, { cause });
  }
  if (!response.ok) {
    throw new BundleError(code, `${url.href} expected status 200, got ${response.status}`);
  }
  if (bytes) return bytes;
  throw new BundleError('digest-mismatch', `${url.href} expected at most ${maxBytes} bytes, got more`);
}
