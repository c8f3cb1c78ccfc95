/** `featherwire eval`: every way of coding a cut against every other, and against sending the input. */

import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.js';
import type { EvalOptions } from '../eval/eval-options.js';
import {
  backendOption,
  integerIn,
  jsonOption,
  listArgument,
  positiveNumber,
  shapeOption,
} from './arguments.js';
import { DATA_FORMS } from './data-forms.js';

const EXAMPLES = `
${DATA_FORMS} A suite is a JSON file with networks, cuts and data; its file names are relative to
--assets, without it to the directory that FEATHERWIRE_EVAL names, then to that of the suite.

DIR gets sweep.json with every measured point and how it was made, each figure as SVG and PNG, and report.html, one
page that says first where splitting loses to sending the input. A command that was interrupted goes on in the same DIR.

Examples:
  $ featherwire eval bundle --data pictures --output report
  $ featherwire eval model.onnx --at relu5 --data test --calibration train --task classification \\
      --preprocessing p.json --quick --output report
  $ featherwire eval --suite bench/suites/npm.json --quick --output report
  $ FEATHERWIRE_EVAL=assets featherwire eval --suite bench/suites/eval.json --full --output report`;

const DEFAULT_MAX_LOSS = 1;
const DEFAULT_DEVICE_SPEED = 0.25;

/** Adds the command to the program. */
export function addEvalCommand(program: Command, context: CommandContext): void {
  program
    .command('eval')
    .summary('measure every way of coding a cut, and report')
    .description(
      'Codes features of real data in every way, decodes them from the bytes, and measures accuracy, bytes with all ' +
        'headers, times and work on the device: own frames and points, general compressors, pictures and video of the ' +
        'tiled feature, published methods, and the input itself, as picture files or arrays.',
    )
    .argument('[source]', 'bundle, or ONNX file with --at')
    .requiredOption('-o, --output <dir>', 'directory of the report')
    .option('--data <data>', 'what to measure on; see below')
    .option('--calibration <data>', 'what methods design from; other samples of the same data by default')
    .addOption(
      new Option('--at <tensors>', 'of a model: the cut, names between commas').argParser(listArgument),
    )
    .addOption(new Option('--suite <file.json>', 'networks, cuts and data').conflicts(['data', 'at']))
    .option('--assets <dir>', 'directory that file names of the suite are relative to')
    .addOption(new Option('--quick', 'fewer settings and samples, no calibration').conflicts('full'))
    .option('--full', 'all settings, and calibrated points (default)')
    .addOption(
      new Option('--samples <count>', 'samples to measure, of a bundle or a model').argParser(integerIn(2)),
    )
    .addOption(
      new Option('--max-loss <points>', 'points of the metric at which methods are compared')
        .argParser(positiveNumber)
        .default(DEFAULT_MAX_LOSS),
    )
    .addOption(
      new Option(
        '--device-speed <factor>',
        'in figures of total time, how fast the device is against this machine',
      )
        .argParser(positiveNumber)
        .default(DEFAULT_DEVICE_SPEED),
    )
    .addOption(
      new Option('--seed <number>', 'draws samples and intervals').argParser(integerIn(0)).default(1),
    )
    .option('--agreement', 'compare with the unsplit network instead of the labels')
    .addOption(shapeOption())
    .option('--preprocessing <file.json>', 'of a model: how a picture becomes the input')
    .option('--task <task>', 'of a model: classification, segmentation, or a JSON file')
    .option('--argmax <output[:axis]>', 'of a model: the index of the largest score in place of the scores')
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (source: string | undefined, options: EvalOptions) => {
      const { evaluate } = await import('../actions/eval.js');
      await evaluate(source, options, context);
    });
}
