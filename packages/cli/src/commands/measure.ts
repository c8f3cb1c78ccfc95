/** `featherwire measure`: what a model takes on this machine, node by node. */

import { type Command, Option } from 'commander';
import type { MeasureOptions } from '../actions/measure.js';
import type { CommandContext } from '../context.js';
import { integerIn, jsonOption, shapeOption } from './arguments.js';

const EXAMPLES = `
Run it on the gateway or server in question and give the file to \`featherwire plan --device\`. For a phone or a tablet,
--browser without a program prints an address that its browser opens.

Examples:
  $ featherwire measure model.onnx
  $ featherwire measure ocr.onnx --shape x=1,3,48,320 --threads 4 -o gateway.json
  $ featherwire measure model.onnx --browser /usr/bin/chromium -o browser.json
  $ featherwire measure model.onnx --browser --host 192.168.1.20 -o phone.json
  $ featherwire measure model.onnx --json | jq '.nodes | sort_by(-.ms)[:5]'`;

const DEFAULT_BUDGET_MS = 2000;

/** Adds the command to the program. */
export function addMeasureCommand(program: Command, context: CommandContext): void {
  program
    .command('measure')
    .summary('measure a model on this machine, or in a browser')
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
    .option(
      '--browser [program]',
      "measure in a browser, on WebAssembly: one of Chromium's kind that is started without a window, or, without a program, " +
        'any that opens the address that is printed',
    )
    .option(
      '--host <address>',
      'with --browser: address of this machine that the browser reaches',
      '127.0.0.1',
    )
    .addOption(
      new Option('--port <number>', 'with --browser: port of the page; a free one by default')
        .argParser(integerIn(0, 65_535))
        .default(0, 'free'),
    )
    .option('-o, --output <profile.json>', 'profile to write; - for standard output')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: MeasureOptions) => {
      const { measure } = await import('../actions/measure.js');
      await measure(file, options, context);
    });
}
