/** The server's profile for a plan: asked from a running `featherwire serve` that holds a bundle of the same model. */

import { type EndProfile, endProfileOf, type ProfiledGraph } from '@featherwire/planner';
import { fetchBundles, fetchPartProfile } from '@featherwire/runtime';
import { CommandError } from '../terminal/errors.js';

/**
 * The profile of a whole model on a server.
 * @throws {CommandError} if no bundle of the server holds the whole model; {TransportError | RemoteError}
 */
export async function serverProfileOfModel(
  server: URL,
  graph: ProfiledGraph,
  signal: AbortSignal,
): Promise<EndProfile> {
  const bundles = await fetchBundles(server, signal);
  const found = bundles.find(({ manifest }) => manifest.model.sha256 === graph.sha256 && manifest.whole);
  if (!found) {
    throw new CommandError(
      `${server.host} expected a bundle of ${graph.name} with its whole model (split --keep-whole), got none`,
    );
  }
  return endProfileOf(graph, await fetchPartProfile(server, found.digest, 'whole', signal));
}
