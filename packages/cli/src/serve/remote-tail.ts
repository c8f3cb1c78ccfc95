/** The server that runs the tails in the place of this one. */

import { readFile } from 'node:fs/promises';
import type { RemoteTail } from '@featherwire/runtime/node';
import { UsageError } from '../terminal/errors.js';
import { hasUser } from './addresses.js';

/** Options of `serve`. */
export interface RemoteTailOptions {
  readonly remoteTail?: string;
  readonly remoteModel?: string;
  readonly remoteTokenFile?: string;
  readonly remoteTimeout?: number;
}

/**
 * Reads the token.
 * @returns undefined if tails are run here
 * @throws {UsageError} if options of a remote tail come without one, its address has a user, or one model is to be that of several bundles
 */
export async function readRemoteTail(
  { remoteTail: url, remoteModel, remoteTokenFile, remoteTimeout }: RemoteTailOptions,
  bundleCount: number,
): Promise<RemoteTail | undefined> {
  const others = {
    'remote-model': remoteModel,
    'remote-token-file': remoteTokenFile,
    'remote-timeout': remoteTimeout,
  };
  if (url === undefined) {
    const [given] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
    if (given) throw new UsageError(`--${given} expected --remote-tail beside it`);
    return undefined;
  }
  if (hasUser(url)) {
    throw new UsageError('--remote-tail expected no user in the address; --remote-token-file names a file');
  }
  if (remoteModel !== undefined && bundleCount > 1) {
    throw new UsageError(`--remote-model expected one bundle, got ${bundleCount}`);
  }
  return {
    url,
    ...(remoteModel !== undefined && { model: remoteModel }),
    ...(remoteTokenFile !== undefined && { token: (await readFile(remoteTokenFile, 'utf8')).trim() }),
    ...(remoteTimeout !== undefined && { timeoutMs: remoteTimeout }),
  };
}
