/** What `featherwire gateway` does: connects to NATS, takes clients until a signal comes, logs. */

import { createGateway } from '@featherwire/fleet';
import type { ServerLimits } from '@featherwire/runtime/node';
import { limitsOf } from '../commands/serve-limits.js';
import { aborted, type CommandContext } from '../context.js';
import { type CredentialOptions, readCredentials } from '../serve/credentials.js';
import { type FleetOptions, openFleetLink } from '../serve/fleet-link.js';
import { createServiceLog } from '../serve/service-log.js';
import { UsageError } from '../terminal/errors.js';

/** What the options parse to. */
export interface GatewayCommandOptions extends Partial<ServerLimits>, CredentialOptions, FleetOptions {
  readonly host: string;
  readonly port: number;
  readonly drainTimeout: number;
  readonly drainDelay: number;
  readonly jsonLog?: true;
}

/** Takes clients until a signal asks to stop. */
export async function gateway(
  options: GatewayCommandOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const { nats, host, port } = options;
  const credentials = await readCredentials(options);
  const link = await openFleetLink(options, 'gateway');
  if (!link || !nats) throw new UsageError('--nats expected the address of a NATS server, got none');
  const log = createServiceLog(terminal, options.jsonLog);
  const service = await createGateway({
    ...{ ...credentials, link, host, port, limits: limitsOf(options), logger: log.logger },
  }).catch(async (error) => {
    await link.close();
    throw error;
  });
  if (!signal.aborted) log.gatewayReady(service, nats);
  await aborted(signal);
  log.draining(service, signal.reason);
  await service.close({ unreadyMs: options.drainDelay, drainTimeoutMs: options.drainTimeout });
  log.ended(service);
}
