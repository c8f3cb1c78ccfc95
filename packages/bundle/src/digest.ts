/** SHA-256 by Web Crypto, the same in browsers and in Node, and the check of a file's bytes against it. */

import { BundleError } from './errors.js';
import type { BundleFile } from './manifest.js';

/**
 * SHA-256 of bytes held in memory. Browsers offer Web Crypto on https and localhost only.
 * @returns 64 lower-case hex digits
 */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Checks that bytes are the file that a manifest names.
 * @throws {BundleError} `digest-mismatch` if the length or the SHA-256 differs
 */
export async function checkFileBytes(bytes: Uint8Array, entry: BundleFile): Promise<void> {
  checkDigest(entry, { bytes: bytes.byteLength, sha256: await sha256Hex(bytes) });
}

/** @throws {BundleError} `digest-mismatch` if what was found is not what the manifest says */
export function checkDigest(
  entry: BundleFile,
  found: { readonly bytes: number; readonly sha256: string },
): void {
  if (found.bytes !== entry.bytes) {
    throw new BundleError(
      'digest-mismatch',
      `${entry.file} expected ${entry.bytes} bytes, got ${found.bytes}`,
    );
  }
  if (found.sha256 !== entry.sha256) {
    throw new BundleError(
      'digest-mismatch',
      `${entry.file} expected SHA-256 ${entry.sha256}, got ${found.sha256}`,
    );
  }
}
