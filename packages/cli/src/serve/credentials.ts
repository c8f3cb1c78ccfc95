/** The files by which a service and its clients know each other: tokens, certificates, keys. */

import { readFile } from 'node:fs/promises';
import { type ClientTokens, parseTokens, type ServerTls } from '@featherwire/runtime/node';
import { UsageError } from '../terminal/errors.js';

/** Options of `serve`. */
export interface CredentialOptions {
  readonly tokens?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
}

/** What the files hold. */
export interface Credentials {
  readonly tokens?: ClientTokens;
  readonly tls?: ServerTls;
}

/** @throws {UsageError} if options that go together do not, or a file of tokens has another form */
export async function readCredentials(options: CredentialOptions): Promise<Credentials> {
  const { tokens: tokenFile, tlsCert, tlsKey, clientCa } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError('--tls-cert and --tls-key expected together, got one of them');
  }
  if (clientCa !== undefined && tlsCert === undefined) {
    throw new UsageError('--client-ca expected --tls-cert and --tls-key beside it');
  }
  const tokens = tokenFile === undefined ? undefined : await readTokens(tokenFile);
  const tls = tlsCert !== undefined &&
    tlsKey !== undefined && {
      cert: await readFile(tlsCert, 'utf8'),
      key: await readFile(tlsKey, 'utf8'),
      ...(clientCa !== undefined && { clientCa: await readFile(clientCa, 'utf8') }),
    };
  return { ...(tokens && { tokens }), ...(tls && { tls }) };
}

async function readTokens(file: string): Promise<ClientTokens> {
  const text = await readFile(file, 'utf8');
  try {
    return parseTokens(text);
  } catch (cause) {
    throw new UsageError(`${file}: ${(cause as Error).message}`, { cause });
  }
}
