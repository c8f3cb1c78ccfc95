/**
 * Routes to what clients run of the bundles: manifest, head with its weights, reductions of units, profiles. Tails, whole
 * networks and restorations are no part of it. A path is looked up among the names of a manifest and never resolved.
 */

import { createReadStream } from 'node:fs';
import { BundleError, edgeFilesOfManifest, MANIFEST_FILE, sha256Hex } from '@featherwire/bundle';
import { findBundleFile, type NodeBundle, readManifestBytes } from '@featherwire/bundle/node';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { BundleRegistry } from './bundle-registry.js';
import { sendFailure } from './http-app.js';

/** The address names the content: it never changes. */
const CACHE_CONTROL = 'private, max-age=31536000, immutable';

/** Adds `GET /v1/bundles/DIGEST/files/NAME` to an application. */
export function addEdgeFileRoutes(app: FastifyInstance, registry: Pick<BundleRegistry, 'list'>): void {
  app.get<{ Params: { digest: string; '*': string } }>(
    '/v1/bundles/:digest/files/*',
    async ({ params }, reply) => {
      const served = registry.list().find(({ bundle }) => bundle.digest === params.digest);
      if (!served) return sendFailure(reply, 'unknown-bundle', 'no bundle with this digest is served');
      const { bundle } = served;
      try {
        return await sendEdgeFile(reply, bundle, params['*']);
      } catch (error) {
        // The bundle is being exchanged on disk.
        if (!(error instanceof BundleError)) throw error;
        return sendFailure(reply, 'unknown-bundle', `the bundle has changed: ${error.message}`);
      }
    },
  );
}

/** What the answer says of the file is said last: a failure before must not carry it. */
async function sendEdgeFile(reply: FastifyReply, bundle: NodeBundle, name: string): Promise<FastifyReply> {
  const entry = edgeFilesOfManifest(bundle.manifest).find(({ file }) => file === name);
  if (!entry && name !== MANIFEST_FILE) {
    return sendFailure(reply, 'unknown-bundle', 'the edge side of the bundle has no such file');
  }
  const body = entry
    ? createReadStream(await findBundleFile(bundle.directory, entry))
    : await manifestBytes(bundle);
  if (entry) reply.header('content-length', entry.bytes);
  return reply
    .type(entry ? 'application/octet-stream' : 'application/json')
    .header('cache-control', CACHE_CONTROL)
    .header('x-content-type-options', 'nosniff')
    .send(body);
}

/** As they were when the bundle was read. */
async function manifestBytes({ directory, digest }: NodeBundle): Promise<Uint8Array> {
  const bytes = await readManifestBytes(directory);
  const found = await sha256Hex(bytes);
  if (found === digest) return bytes;
  throw new BundleError('digest-mismatch', `${MANIFEST_FILE} expected SHA-256 ${digest}, got ${found}`);
}
