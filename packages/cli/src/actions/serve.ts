/** What `featherwire serve` does: reads the bundles, runs the server until a signal comes, reads them again when told, logs. */

import { type NodeBundle, readBundle } from '@featherwire/bundle/node';
import type { BackendPreference } from '@featherwire/codec';
import { createTailServer, type ServerLimits, type TailServer } from '@featherwire/runtime/node';
import { LIMIT_OPTIONS } from '../commands/serve-limits.js';
import type { CommandContext } from '../context.js';
import { type CredentialOptions, readCredentials } from '../serve/credentials.js';
import { watchBundles } from '../serve/reload.js';
import { createJsonLog, createTextLog, type ServiceLog } from '../serve/service-log.js';

/** What the options parse to. */
export interface ServeOptions
  extends Pick<ServerLimits, (typeof LIMIT_OPTIONS)[number]['limit']>,
    CredentialOptions {
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
  const log = options.jsonLog ? createJsonLog(terminal) : createTextLog(terminal);
  const server = await createTailServer({
    bundles,
    ...(await readCredentials(options)),
    host: options.host,
    port: options.port,
    workersPerBundle: options.workers,
    threadsPerWorker: options.threads,
    maxBatchSize: options.maxBatch,
    batchWindowMs: options.batchWindow,
    limits: limitsOf(options),
    backend: options.backend,
    logger: log.logger,
  });
  if (!signal.aborted) log.ready(server, bundles);
  const reload = (): void => void reloadBundles(server, directories, log);
  const ends = [onHangup(reload), ...(options.watch ? [watchBundles(directories, reload)] : [])];
  await aborted(signal);
  for (const end of ends) end();
  log.draining(server, signal.reason);
  await server.close({ unreadyMs: options.drainDelay, drainTimeoutMs: options.drainTimeout });
  log.ended(server);
}

async function readBundles(directories: readonly string[]): Promise<NodeBundle[]> {
  const bundles: NodeBundle[] = [];
  for (const directory of directories)
    bundles.push(await readBundle(directory, { verify: ['tail', 'whole', 'restoration'] }));
  return bundles;
}

/** A service outlives a bundle that cannot be read: it goes on with those that it has. */
async function reloadBundles(
  server: TailServer,
  directories: readonly string[],
  log: ServiceLog,
): Promise<void> {
  try {
    const { added, removed } = await server.replaceBundles(await readBundles(directories));
    log.reloaded(added, removed);
  } catch (error) {
    log.logger.error(`the bundles stay as they were: ${(error as Error).message}`);
  }
}

function limitsOf(options: ServeOptions): Partial<ServerLimits> {
  return Object.fromEntries(LIMIT_OPTIONS.map(({ limit }) => [limit, options[limit]]));
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
