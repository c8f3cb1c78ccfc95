/** The files by which `run` makes itself known to a server, and knows the server. */

import { readFile } from 'node:fs/promises';
import { UsageError } from '../terminal/errors.js';
import type { ClientCredentials } from './server-connection.js';

/** Names of the files. */
export interface ClientCredentialOptions {
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** @throws {UsageError} if a certificate comes without its key, or the other way round */
export async function readClientCredentials(options: ClientCredentialOptions): Promise<ClientCredentials> {
  const { tokenFile, ca, cert, key } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--cert and --key expected together, got one of them');
  }
  return {
    ...(tokenFile !== undefined && { token: (await readFile(tokenFile, 'utf8')).trim() }),
    ...(ca !== undefined && { ca: await readFile(ca, 'utf8') }),
    ...(cert !== undefined && { cert: await readFile(cert, 'utf8') }),
    ...(key !== undefined && { key: await readFile(key, 'utf8') }),
  };
}
