/**
 * Who a client is: the name of its token, else that of its certificate, else the address that it comes from. Tokens are kept
 * and compared as SHA-256 digests; neither they nor anything made of them is ever logged.
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** Names of clients by the SHA-256 of their tokens, in hexadecimal. */
export type ClientTokens = ReadonlyMap<string, string>;

/** Tells clients apart. */
export interface Authenticator {
  /** @returns the client's name; undefined if it is to be refused */
  clientOf(request: IncomingMessage): string | undefined;
}

/** Before the token in a WebSocket subprotocol: browsers can set no other header of the handshake. */
const TOKEN_PROTOCOL = 'bearer.';
const NAME_FORM = /^[\w.@-]{1,64}$/;
const DIGEST_FORM = /^sha256:([0-9a-f]{64})$/;
const TOKEN_FORM = /^[\x21-\x7e]{16,512}$/;

/**
 * Reads a file of tokens: a line for each, a name and `sha256:` with the digest of the token in hexadecimal, or the token
 * itself, of 16 printable characters or more; empty lines and those that begin with # are left out.
 * @throws {RangeError} for anything else, with the number of the line and nothing of its text
 */
export function parseTokens(text: string): ClientTokens {
  const tokens = new Map<string, string>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name, secret, ...rest] = line.trim().split(/\s+/);
    if (!NAME_FORM.test(name) || secret === undefined || rest.length > 0) {
      throw new RangeError(`tokens, line ${i + 1}: expected a name and a token`);
    }
    const digest = DIGEST_FORM.exec(secret)?.[1];
    if (!digest && !TOKEN_FORM.test(secret)) {
      throw new RangeError(`tokens, line ${i + 1}: expected 16 to 512 printable characters as token`);
    }
    tokens.set(digest ?? sha256(secret), name);
  }
  if (tokens.size === 0) throw new RangeError('tokens expected at least one, got none');
  return tokens;
}

/** @param tokens - those that are taken; without them everybody is let in, and certificates are the listener's to demand */
export function createAuthenticator(tokens: ClientTokens | undefined): Authenticator {
  return {
    clientOf(request) {
      if (tokens) {
        const token = tokenOf(request);
        // Looked up by its digest, so that the time it takes tells nothing of the tokens there are.
        const name = token === undefined ? undefined : tokens.get(sha256(token));
        return name === undefined ? undefined : `token ${name}`;
      }
      const { socket } = request;
      // Empty where no certificate was asked for.
      const certificate = socket instanceof TLSSocket && socket.authorized && socket.getPeerCertificate();
      const name = certificate ? certificate.subject?.CN : undefined;
      return name ? `certificate ${name}` : `address ${socket.remoteAddress ?? ''}`;
    },
  };
}

function tokenOf({ headers }: IncomingMessage): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer) return bearer;
  const protocols = headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim());
  return protocols?.find((protocol) => protocol.startsWith(TOKEN_PROTOCOL))?.slice(TOKEN_PROTOCOL.length);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
