/** `featherwire bench`: how fast the codec is on this machine. */

import { type Command, Option } from 'commander';
import type { BenchOptions } from '../actions/bench.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn, jsonOption } from './arguments.js';

const EXAMPLES = `
Examples:
  $ featherwire bench
  $ featherwire bench --levels 4 --levels 16
  $ featherwire bench --backend reference --quick --json`;

/** Adds the command to the program. */
export function addBenchCommand(program: Command, context: CommandContext): void {
  program
    .command('bench')
    .summary('measure the speed of the codec on this machine')
    .description(
      'Measures whole frames, single stages, and byte coders of Node on the same indices of a smooth rectified\n' +
        'feature of 512 × 28 × 28, in millions of elements a second of processor time on one thread.',
    )
    .addOption(
      new Option(
        '--levels <count>',
        'level count to measure, repeatable (default: 2, 4, 16 and 256)',
      ).argParser((text: string, previous: number[] | undefined) => [
        ...(previous ?? []),
        integerIn(2, 256)(text),
      ]),
    )
    .option('--quick', 'short batches: a rough picture in a few seconds')
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (options: BenchOptions) => {
      const { bench } = await import('../actions/bench.js');
      await bench(options, context);
    });
}
