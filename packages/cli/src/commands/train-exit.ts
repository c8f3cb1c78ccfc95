/** `featherwire train-exit`: a small network on the device that answers where it is sure. */

import { type Command, Option } from 'commander';
import type { TrainExitCommandOptions } from '../actions/train-exit.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn, jsonOption, memoryOption, positiveNumber } from './arguments.js';
import { DATA_FORMS } from './data-forms.js';

const EXAMPLES = `
${DATA_FORMS}
An exit is a linear classifier of means of the cut, fitted to the answers of the network itself; no labels are needed. Half of the
samples are for fitting, a quarter chooses the threshold, and what is written into the bundle is measured on the rest. The
threshold is the lowest at which the exit, with a probability of 95 %, loses at most --max-loss of all answers, which takes
about 1200 samples for a loss of 1 and 120 for a loss of 10.

Both ends load the bundle, so that a server wants the new one too. \`featherwire run --exit\` uses the exit.

Examples:
  $ featherwire train-exit bundle --data pictures
  $ featherwire train-exit bundle --data train.npz --max-loss 2 --labels
  $ featherwire train-exit bundle --remove`;

const DEFAULT_MAX_LOSS = 1;
const MIN_SAMPLES = 40;

/** Adds the command to the program. */
export function addTrainExitCommand(program: Command, context: CommandContext): void {
  program
    .command('train-exit')
    .summary('train an exit, which answers on the device where it is sure')
    .description(
      'Fits a small classifier to what crosses the cut, calibrates how sure it is, chooses the threshold from which its answer ' +
        'is taken, and writes it into the bundle; tells which share it answers, what that loses and which bytes it saves at each ' +
        "of the bundle's profiled points.",
    )
    .argument('<bundle>', 'directory written by `featherwire split`, of a classifier')
    .option('--data <data>', 'what to fit, choose and measure with; see below')
    .addOption(
      new Option('--max-loss <points>', 'hundredths of all answers that the exit may make worse')
        .argParser(positiveNumber)
        .default(DEFAULT_MAX_LOSS),
    )
    .addOption(
      new Option('--samples <count>', 'samples to use (default: all)').argParser(integerIn(MIN_SAMPLES)),
    )
    .addOption(new Option('--seed <number>', 'draws the samples').argParser(integerIn(0)).default(1))
    .addOption(new Option('--labels', 'judge answers by the labels of the data, in the place of the network'))
    .addOption(
      new Option('--remove', 'take the exit out of the bundle').conflicts(['data', 'samples', 'labels']),
    )
    .addOption(memoryOption())
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (directory: string, options: TrainExitCommandOptions) => {
      const { trainExitOfBundle } = await import('../actions/train-exit.js');
      await trainExitOfBundle(directory, options, context);
    });
}
