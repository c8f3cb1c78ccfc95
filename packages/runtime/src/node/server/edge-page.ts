/** What a server offers to a page that runs the edge side in a browser: the page, the bundles' files for it, links to try. */

import type { FastifyInstance } from 'fastify';
import type { BundleRegistry } from './bundle-registry.js';
import { addEdgeFileRoutes } from './edge-files.js';
import type { OfferedLinks } from './shaped-streams.js';
import { addSiteRoutes, type Site } from './site.js';

/** A page and what it may use. */
export interface EdgePage {
  readonly site: Site;
  /** Links that its requests may be sent over; default: none. Without TLS only. */
  readonly links?: OfferedLinks;
}

/** Adds the page's routes, the files of the edge side of every bundle, and `GET /v1/links`. */
export function addEdgePageRoutes(
  app: FastifyInstance,
  { site, links = {} }: EdgePage,
  registry: Pick<BundleRegistry, 'list'>,
): void {
  addSiteRoutes(app, site);
  addEdgeFileRoutes(app, registry);
  app.get('/v1/links', async () => ({
    links: Object.entries(links).map(([name, link]) => ({ name, link, stream: `/v1/links/${name}/stream` })),
  }));
}
