import { type Command, Option } from 'commander';
import type { ServeOptions } from '../actions/serve.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn } from './arguments.js';
import { LIMIT_OPTIONS } from './serve-limits.js';

const EXAMPLES = `
A file of tokens has a line for each client: a name, and the token or sha256: with its digest in hexadecimal.

Examples:
  $ featherwire serve bundle
  $ featherwire serve ocr-bundle cls-bundle --host 0.0.0.0 --workers 2 --threads 4
  $ featherwire serve bundle --host 0.0.0.0 --tokens tokens.txt --tls-cert server.pem --tls-key server.key
  $ featherwire serve bundle --max-batch 32 --max-requests-per-second 50 --drain-delay 5000 --json-log

SIGTERM and SIGINT let requests in flight finish; a second signal ends the service at once. SIGHUP reads the bundles
again. GET /metrics is for Prometheus, /healthz and /readyz are for whoever watches over the process.`;

const DEFAULT_PORT = 8350;
const MAX_PORT = 65_535;
const MAX_BATCH = 1024;
/** Longest time of the options below: an hour. */
const MAX_MS = 3_600_000;

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
    .option('--watch', 'read the bundles again when they change')
    .option('--json-log', 'log one JSON object a line');
  addWorkOptions(command);
  addSafetyOptions(command);
  command.addHelpText('after', EXAMPLES).action(async (directories: string[], options: ServeOptions) => {
    const { serve } = await import('../actions/serve.js');
    await serve(directories, options, context);
  });
}

function addWorkOptions(command: Command): void {
  const count = (flag: string, description: string, parser: (text: string) => number, fallback: number) =>
    command.addOption(new Option(flag, description).argParser(parser).default(fallback));
  command.optionsGroup('Work:');
  count('--workers <count>', 'worker threads of each bundle', integerIn(1), 1);
  count('--threads <count>', 'threads inside one operator', integerIn(1), 1);
  count('--max-batch <count>', 'most requests in a run of the tail', integerIn(1, MAX_BATCH), 16);
  count('--batch-window <ms>', 'wait of a free worker for more, under load', integerIn(0, MAX_MS), 2);
  command.addOption(backendOption());
  count('--drain-timeout <ms>', 'time for requests in flight at the end', integerIn(0, MAX_MS), 10_000);
  count('--drain-delay <ms>', 'go on for so long as unready before the end', integerIn(0, MAX_MS), 0);
}

function addSafetyOptions(command: Command): void {
  command
    .optionsGroup('Security:')
    .option('--tokens <file>', 'clients that are let in, and their names')
    .option('--tls-cert <file>', 'certificate of the server, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--client-ca <file>', "certificates that clients' certificates are signed by, PEM")
    .optionsGroup('Limits:');
  for (const { limit, fallback, description } of LIMIT_OPTIONS) {
    const flag = limit.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    command.addOption(new Option(`--${flag} <count>`, description).argParser(integerIn(1)).default(fallback));
  }
}
