/**
 * A web page beside the service: files at fixed addresses, each listed, with headers that leave a browser nothing to guess and
 * nothing to load from elsewhere.
 */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** A file of a site, on disk or in memory. */
export type SiteFile = (
  | {
      /** Absolute path. */
      readonly path: string;
    }
  | { readonly text: string }
) & {
  /** Content type, with the character set of texts. */
  readonly type: string;
};

/** Files by the paths of their addresses, which begin with `/`. */
export type Site = ReadonlyMap<string, SiteFile>;

/**
 * Scripts, styles and connections of this origin alone; WebAssembly may be compiled, text may not. The page is isolated from
 * others, which gives it exact clocks.
 */
export const SITE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(self)',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
});

/** Adds a route for each file; any other path is answered as before. */
export function addSiteRoutes(app: FastifyInstance, site: Site): void {
  for (const [address, file] of site) {
    app.get(address, async (request, reply) => {
      reply.headers(SITE_HEADERS).type(file.type);
      return 'text' in file ? reply.send(file.text) : sendFile(file.path, request, reply);
    });
  }
}

/** Browsers ask again for what they have, and get it again only if it has changed. */
async function sendFile(path: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { size, mtimeMs } = await stat(path);
  const tag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
  reply.header('etag', tag);
  if (request.headers['if-none-match'] === tag) return reply.code(304).send();
  return reply.header('content-length', size).send(createReadStream(path));
}
