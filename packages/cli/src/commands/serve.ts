/** `featherwire serve`: the tail service of one or several bundles. */

import type { BackendPreference } from '@featherwire/codec';
import type { ServerLimits } from '@featherwire/runtime/node';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn } from './arguments.js';

const EXAMPLES = `
Examples:
  $ featherwire serve bundle
  $ featherwire serve ocr-bundle cls-bundle --host 0.0.0.0 --port 8350 --workers 2 --threads 4
  $ featherwire serve bundle --port 0 --json-log

SIGTERM and SIGINT let requests in flight finish; a second signal ends the service at once.`;

const DEFAULT_PORT = 8350;
const MAX_PORT = 65_535;

/**
 * Limits of the server that have an option, whose name follows from theirs. The defaults are the server's own,
 * repeated here so that help need not load it; a test compares them.
 */
export const LIMIT_OPTIONS = [
  { limit: 'maxMessageBytes', fallback: 2 ** 24, description: 'longest request' },
  { limit: 'maxElementsPerTensor', fallback: 2 ** 24, description: 'largest tensor of open dimensions' },
  { limit: 'maxImagePixels', fallback: 2 ** 25, description: 'largest picture' },
  { limit: 'maxQueuedRequests', fallback: 64, description: 'requests of a bundle that wait for a worker' },
  { limit: 'maxConnections', fallback: 1024, description: 'open connections' },
  { limit: 'requestTimeoutMs', fallback: 30_000, description: 'time from a request to its answer' },
] as const satisfies readonly { limit: keyof ServerLimits; fallback: number; description: string }[];

/** What the options parse to. */
export interface ServeOptions extends Pick<ServerLimits, (typeof LIMIT_OPTIONS)[number]['limit']> {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly threads: number;
  readonly backend: BackendPreference;
  readonly jsonLog?: true;
}

/** Adds the command to the program. */
export function addServeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('serve')
    .summary('run the tails of bundles as a service')
    .description(
      'Runs the tails of bundles behind HTTP and WebSocket. Prints one line with the address when it is ready.',
    )
    .argument('<bundles...>', 'directories written by `featherwire split`')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addOption(
      new Option('--port <number>', 'port to listen on; 0 takes any free one')
        .argParser(integerIn(0, MAX_PORT))
        .default(DEFAULT_PORT),
    )
    .addOption(
      new Option('--workers <count>', 'worker threads of each bundle').argParser(integerIn(1)).default(1),
    )
    .addOption(
      new Option('--threads <count>', 'threads inside one operator').argParser(integerIn(1)).default(1),
    );
  for (const { limit, fallback, description } of LIMIT_OPTIONS) {
    const flag = limit.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    command.addOption(new Option(`--${flag} <count>`, description).argParser(integerIn(1)).default(fallback));
  }
  command
    .addOption(backendOption())
    .option('--json-log', 'log one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(async (directories: string[], options: ServeOptions) => {
      const { serve } = await import('../actions/serve.js');
      await serve(directories, options, context);
    });
}
