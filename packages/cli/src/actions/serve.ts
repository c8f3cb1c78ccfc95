/** What `featherwire serve` does: reads the bundles, runs the server until a signal comes, reads them again when told, logs. */

import { type NodeBundle, readBundle } from '@featherwire/bundle/node';
import type { BackendPreference } from '@featherwire/codec';
import { type FleetWorker, joinFleet } from '@featherwire/fleet';
import {
  type BundleChange,
  createTailServer,
  type ServerLimits,
  type TailServer,
} from '@featherwire/runtime/node';
import { type LIMIT_OPTIONS, limitsOf } from '../commands/serve-limits.js';
import { aborted, type CommandContext } from '../context.js';
import { type CredentialOptions, readCredentials } from '../serve/credentials.js';
import { type FleetOptions, openFleetLink } from '../serve/fleet-link.js';
import { watchBundles } from '../serve/reload.js';
import { type RemoteTailOptions, readRemoteTail } from '../serve/remote-tail.js';
import { createServiceLog, type ServiceLog } from '../serve/service-log.js';
import { openStudio, type StudioOptions } from '../serve/studio.js';

/** What the options parse to. */
export interface ServeOptions
  extends Pick<ServerLimits, (typeof LIMIT_OPTIONS)[number]['limit']>,
    CredentialOptions,
    StudioOptions,
    RemoteTailOptions,
    FleetOptions {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly threads: number;
  readonly maxBatch: number;
  readonly batchWindow: number;
  readonly backend: BackendPreference;
  readonly watch?: true;
  readonly drainTimeout: number;
  readonly drainDelay: number;
  readonly jsonLog?: true;
}

/** Serves bundles until a signal asks to stop. */
export async function serve(
  directories: readonly string[],
  options: ServeOptions,
  { terminal, signal, onHangup }: CommandContext,
): Promise<void> {
  const bundles = await readBundles(directories);
  const log = createServiceLog(terminal, options.jsonLog);
  const limits = limitsOf(options);
  const page = await openStudio(options);
  const remoteTail = await readRemoteTail(options, directories.length);
  const server = await createTailServer({
    bundles,
    ...(await readCredentials(options)),
    host: options.host,
    port: options.port,
    workersPerBundle: options.workers,
    threadsPerWorker: options.threads,
    maxBatchSize: options.maxBatch,
    batchWindowMs: options.batchWindow,
    limits,
    ...(page && { page }),
    ...(remoteTail && { remoteTail }),
    backend: options.backend,
    logger: log.logger,
  });
  const worker = await joinIfAsked(server, options, log).catch(async (error) => {
    await server.close();
    throw error;
  });
  if (!signal.aborted) log.ready(server, bundles, { nats: options.nats, hasPage: page !== undefined });
  let reloaded: Promise<void> = Promise.resolve();
  // One after the other, so that what was read last is served.
  const reload = (): void => {
    reloaded = reloaded.then(async () => {
      if (!signal.aborted) await reloadBundles(worker ?? server, directories, log);
    });
  };
  const ends = [onHangup(reload), ...(options.watch ? [watchBundles(directories, reload)] : [])];
  await aborted(signal);
  for (const end of ends) end();
  await reloaded;
  log.draining(server, signal.reason);
  await worker?.leave(options.drainTimeout);
  await server.close({ unreadyMs: options.drainDelay, drainTimeoutMs: options.drainTimeout });
  log.ended(server);
}

/** As a worker of a fleet, beside what the server does for those who ask it directly. */
async function joinIfAsked(
  server: TailServer,
  options: ServeOptions,
  { logger }: ServiceLog,
): Promise<FleetWorker | undefined> {
  const link = await openFleetLink(options, 'worker');
  return link && joinFleet({ server, link, limits: limitsOf(options), logger });
}

async function readBundles(directories: readonly string[]): Promise<NodeBundle[]> {
  const bundles: NodeBundle[] = [];
  for (const directory of directories)
    bundles.push(await readBundle(directory, { verify: ['tail', 'whole', 'restoration'] }));
  return bundles;
}

/** A service outlives a bundle that cannot be read: it goes on with those that it has. */
async function reloadBundles(
  service: { replaceBundles(bundles: readonly NodeBundle[]): Promise<BundleChange> },
  directories: readonly string[],
  log: ServiceLog,
): Promise<void> {
  try {
    const { added, removed } = await service.replaceBundles(await readBundles(directories));
    log.reloaded(added, removed);
  } catch (error) {
    log.logger.error(`the bundles stay as they were: ${(error as Error).message}`);
  }
}
