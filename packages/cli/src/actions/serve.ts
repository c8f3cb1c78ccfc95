/** What `featherwire serve` does: reads the bundles, runs the server until a signal comes, logs. */

import { type NodeBundle, readBundle } from '@featherwire/bundle/node';
import type { BackendPreference } from '@featherwire/codec';
import {
  createTailServer,
  type ServerLimits,
  type ServerLogger,
  type TailServer,
} from '@featherwire/runtime/node';
import { LIMIT_OPTIONS } from '../commands/serve-limits.js';
import type { CommandContext } from '../context.js';
import { printLines, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatNumberOf } from '../terminal/units.js';

/** What the options parse to. */
export interface ServeOptions extends Pick<ServerLimits, (typeof LIMIT_OPTIONS)[number]['limit']> {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly threads: number;
  readonly backend: BackendPreference;
  readonly jsonLog?: true;
}

/** Serves bundles until a signal asks to stop. */
export async function serve(
  directories: readonly string[],
  options: ServeOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const bundles: NodeBundle[] = [];
  for (const directory of directories)
    bundles.push(await readBundle(directory, { verify: ['tail', 'whole', 'restoration'] }));
  const log = options.jsonLog ? jsonLog(terminal) : textLog(terminal);
  const server = await createTailServer({
    bundles,
    host: options.host,
    port: options.port,
    workersPerBundle: options.workers,
    threadsPerWorker: options.threads,
    limits: limitsOf(options),
    backend: options.backend,
    logger: log.logger,
  });
  if (!signal.aborted) log.ready(server, bundles);
  await aborted(signal);
  log.draining(server, signal.reason);
  await server.close();
  log.ended(server);
}

function limitsOf(options: ServeOptions): Partial<ServerLimits> {
  return Object.fromEntries(LIMIT_OPTIONS.map(({ limit }) => [limit, options[limit]]));
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

/** What the service says about itself: readiness on standard output, everything else on standard error. */
interface ServiceLog {
  readonly logger: ServerLogger;
  ready(server: TailServer, bundles: readonly NodeBundle[]): void;
  draining(server: TailServer, reason: Error): void;
  ended(server: TailServer): void;
}

const DIGEST_LETTERS = 12;

function textLog({ stdout, stderr, env }: Terminal): ServiceLog {
  const styles = stylesOf(stderr, env);
  const { bold } = stylesOf(stdout, env);
  return {
    logger: {
      info: () => undefined, // readiness has its own line
      warn: (line) => printLines(stderr, `${styles.yellow('warning:')} ${line}`),
      error: (line) => printLines(stderr, `${styles.red('error:')} ${line}`),
    },
    ready({ url }, bundles) {
      const names = bundles.map(
        ({ manifest, digest }) => `${manifest.model.name} (${digest.slice(0, DIGEST_LETTERS)})`,
      );
      printLines(stdout, `serving ${names.join(', ')} on ${bold(url)}`);
    },
    draining(server, reason) {
      const { inFlight } = server.stats().requests;
      printLines(stderr, `${reason.message}: finishing ${formatNumberOf(inFlight, 'request')}`);
    },
    ended(server) {
      const { answered, failed } = server.stats().requests;
      const failures = Object.entries(failed).map(([code, count]) => `${formatCount(count)} ${code}`);
      const refused = failures.length === 0 ? '' : `, refused: ${failures.join(', ')}`;
      printLines(stderr, `stopped after ${formatNumberOf(answered, 'answer')}${refused}`);
    },
  };
}

function jsonLog({ stdout, stderr }: Terminal): ServiceLog {
  const entry = (level: string, event: string, fields: object): string =>
    JSON.stringify({ time: new Date().toISOString(), level, event, ...fields });
  const line = (level: string) => (message: string) => printLines(stderr, entry(level, 'log', { message }));
  return {
    logger: { info: () => undefined, warn: line('warn'), error: line('error') },
    ready({ url, streamUrl }, bundles) {
      const served = bundles.map(({ manifest, digest }) => ({ name: manifest.model.name, digest }));
      printLines(stdout, entry('info', 'ready', { url, streamUrl, bundles: served }));
    },
    draining(server, reason) {
      const { inFlight } = server.stats().requests;
      printLines(stderr, entry('info', 'draining', { message: reason.message, inFlight }));
    },
    ended(server) {
      printLines(stderr, entry('info', 'stopped', server.stats().requests));
    },
  };
}
