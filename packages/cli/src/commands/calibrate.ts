/** `featherwire calibrate`: operating points from data. */

import { type Command, Option } from 'commander';
import type { CalibrateOptions } from '../actions/calibrate.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn, jsonOption, memoryOption, positiveNumber } from './arguments.js';
import { DATA_FORMS } from './data-forms.js';

const EXAMPLES = `
${DATA_FORMS}
Without --agreement the metric is that of the bundle's task against the labels; with it no labels are needed, and
a directory of pictures or arrays alone will do. Some samples are for design, some for choosing, and what is written
into the bundle is measured on the rest.

--refresh is for a bundle whose server warns of drift (GET /v1/drift): DATA is what is seen now, inputs without labels
or a .npz with an array [samples, …] for each tensor of the cut. Every profiled point keeps its id and its steps and
gets new limits, tables and bands; its accuracy is then the agreement with the unsplit network.

Examples:
  $ featherwire calibrate bundle --data pictures --max-loss 1
  $ featherwire calibrate bundle --data train.npz --agreement --samples 500 --points 8
  $ featherwire calibrate bundle --refresh --data seen-this-week
  $ featherwire calibrate ocr-bundle --data text-lines --samples 200 --json`;

const DEFAULT_MAX_LOSS = 1;
const DEFAULT_POINTS = 5;
const MAX_POINTS = 32;
const MIN_SAMPLES = 12;

/** Adds the command to the program. */
export function addCalibrateCommand(program: Command, context: CommandContext): void {
  program
    .command('calibrate')
    .summary('design and measure operating points on data')
    .description(
      'Runs data through the head once, measures what errors do to the output, designs ways of coding the ' +
        'cut, measures each through the tail from decoded bytes, and writes a ladder of operating points ' +
        'into the bundle, in the place of those that it has.',
    )
    .argument('<bundle>', 'directory written by `featherwire split`')
    .requiredOption('--data <data>', 'what to calibrate with; see below')
    .addOption(
      new Option(
        '--max-loss <points>',
        'hundredths of the metric that a point may lose; finds its smallest rate',
      )
        .argParser(positiveNumber)
        .default(DEFAULT_MAX_LOSS),
    )
    .addOption(
      new Option('--points <count>', 'points of the ladder, at most')
        .argParser(integerIn(1, MAX_POINTS))
        .default(DEFAULT_POINTS),
    )
    .addOption(
      new Option('--samples <count>', 'samples to use (default: all)').argParser(integerIn(MIN_SAMPLES)),
    )
    .addOption(new Option('--seed <number>', 'draws samples and noise').argParser(integerIn(0)).default(1))
    .addOption(
      new Option(
        '--contexts <preference>',
        'what context models are made for: few bytes, or the fewest, which takes longer to design and to code',
      )
        .choices(['size', 'least'])
        .default('size'),
    )
    .addOption(new Option('--agreement', 'compare with the answers of the unsplit network, without labels'))
    .addOption(new Option('--keep', 'keep the points that the bundle has, but for those of the same ids'))
    .addOption(
      new Option('--refresh', 'redesign the points that the bundle has from what is seen now').conflicts([
        'maxLoss',
        'points',
        'agreement',
        'contexts',
        'keep',
      ]),
    )
    .addOption(memoryOption())
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (directory: string, options: CalibrateOptions) => {
      if (options.refresh) {
        const { refreshBundle } = await import('../actions/refresh.js');
        await refreshBundle(directory, options, context);
        return;
      }
      const { calibrateBundle } = await import('../actions/calibrate.js');
      await calibrateBundle(directory, options, context);
    });
}
