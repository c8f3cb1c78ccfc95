/** `featherwire measure`: what a model takes on this machine, node by node. */

import { type Command, Option } from 'commander';
import type { MeasureOptions } from '../actions/measure.js';
import type { CommandContext } from '../context.js';
import { integerIn, jsonOption, shapeOption } from './arguments.js';

const EXAMPLES = `
Run it on the phone, gateway or server in question and give the file to \`featherwire plan --device\`.

Examples:
  $ featherwire measure model.onnx
  $ featherwire measure ocr.onnx --shape x=1,3,48,320 --threads 4 -o gateway.json
  $ featherwire measure model.onnx --json | jq '.nodes | sort_by(-.ms)[:5]'`;

const DEFAULT_BUDGET_MS = 2000;

/** Adds the command to the program. */
export function addMeasureCommand(program: Command, context: CommandContext): void {
  program
    .command('measure')
    .summary('measure a model on this machine')
    .description(
      "Runs a model under the engine's profiler and reports time, multiply-accumulates, weights and bytes of every " +
        'node, with an estimate for nodes that were not measured and its error.',
    )
    .argument('<model>', 'ONNX file')
    .addOption(shapeOption())
    .addOption(
      new Option('--threads <count>', 'threads inside one operator').argParser(integerIn(1)).default(1),
    )
    .addOption(
      new Option('--time <ms>', 'time for the runs that are measured')
        .argParser(integerIn(1))
        .default(DEFAULT_BUDGET_MS),
    )
    .option('-o, --output <profile.json>', 'profile to write; - for standard output')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: MeasureOptions) => {
      const { measure } = await import('../actions/measure.js');
      await measure(file, options, context);
    });
}
