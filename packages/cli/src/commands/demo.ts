/** `featherwire demo`: the main job, a real network and real data over a real connection. */

import type { Command } from 'commander';
import type { DemoOptions } from '../actions/demo.js';
import type { CommandContext } from '../context.js';
import { jsonOption } from './arguments.js';

const EXAMPLES = `
Examples:
  $ featherwire demo
  $ featherwire demo --quick --json
  $ featherwire demo --quick --studio`;

/** Adds the command to the program. */
export function addDemoCommand(program: Command, context: CommandContext): void {
  program
    .command('demo')
    .summary('measure a real network on real data, in a minute or two')
    .description(
      'Cuts a text recognizer in two, runs both ends against each other over a connection on rendered lines of ' +
        'prose, and prints what each way costs and how well it reads: on the device, as a picture, or split.',
    )
    .option('--quick', 'fewer lines, in a few seconds')
    .option(
      '--studio',
      'then keep the server, with a page to look at the cuts in a browser, until interrupted',
    )
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (options: DemoOptions) => {
      const { demo } = await import('../actions/demo.js');
      await demo(options, context);
    });
}
