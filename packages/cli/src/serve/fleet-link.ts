/** The connection of a service to the NATS servers of its fleet. */

import { readFile } from 'node:fs/promises';
import { connectToNats, type NatsLink } from '@featherwire/fleet';
import { UsageError } from '../terminal/errors.js';
import { hasUser } from './addresses.js';

/** Options of `serve` and `gateway`. */
export interface FleetOptions {
  readonly nats?: readonly string[];
  readonly natsCreds?: string;
}

/**
 * Connects.
 * @param name - of the service, for those who look after NATS
 * @returns undefined if no servers are given
 * @throws {UsageError} if there are credentials without servers, or in an address
 * @throws {FleetError} if no server takes the connection
 */
export async function openFleetLink(
  { nats: servers, natsCreds }: FleetOptions,
  name: string,
): Promise<NatsLink | undefined> {
  if (!servers) {
    if (natsCreds !== undefined) throw new UsageError('--nats-creds expected --nats beside it');
    return undefined;
  }
  if (servers.some(hasUser)) {
    throw new UsageError('--nats expected no user in the address; --nats-creds names a file');
  }
  const credentials = natsCreds === undefined ? {} : { credentials: await readFile(natsCreds, 'utf8') };
  return connectToNats({ servers, ...credentials }, `featherwire ${name}`);
}
