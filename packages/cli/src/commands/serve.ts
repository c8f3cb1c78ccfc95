import { type Command, Option } from 'commander';
import type { ServeOptions } from '../actions/serve.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn } from './arguments.js';
import { LIMIT_OPTIONS } from './serve-limits.js';

const EXAMPLES = `
Examples:
  $ featherwire serve bundle
  $ featherwire serve ocr-bundle cls-bundle --host 0.0.0.0 --port 8350 --workers 2 --threads 4
  $ featherwire serve bundle --port 0 --json-log

SIGTERM and SIGINT let requests in flight finish; a second signal ends the service at once.`;

const DEFAULT_PORT = 8350;
const MAX_PORT = 65_535;

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
