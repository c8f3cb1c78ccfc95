/** Routes about the bundles that this process has: profiles of their parts, and drift. */

import type { FastifyInstance } from 'fastify';
import type { BundleRegistry } from './bundle-registry.js';
import { sendFailure } from './http-app.js';
import type { PartProfiles } from './part-profiles.js';
import type { RequestHandler } from './request-handler.js';

/** What the routes answer from. */
export interface BundleRoutesOptions {
  readonly handler: Pick<RequestHandler, 'draining'>;
  readonly registry: Pick<BundleRegistry, 'list'>;
  readonly profiles: PartProfiles;
}

/** Adds the routes to an application. */
export function addBundleRoutes(
  app: FastifyInstance,
  { handler, registry, profiles }: BundleRoutesOptions,
): void {
  app.get<{ Params: { digest: string }; Querystring: { part?: unknown } }>(
    '/v1/bundles/:digest/profile',
    async ({ params, query }, reply) => {
      const { part = 'tail' } = query;
      if (part !== 'tail' && part !== 'whole') {
        return sendFailure(reply, 'malformed-message', 'part expected tail or whole, got something else');
      }
      if (handler.draining) return sendFailure(reply, 'shutting-down', 'the server is shutting down');
      const answer = await profiles.get(params.digest, part);
      return answer.kind === 'profile' ? answer.profile : sendFailure(reply, answer.code, answer.text);
    },
  );
  app.get('/v1/drift', async () => ({
    bundles: registry.list().map(({ bundle: { digest }, drift }) => ({ digest, points: drift.report() })),
  }));
}
