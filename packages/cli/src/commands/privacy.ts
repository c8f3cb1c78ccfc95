/** `featherwire privacy`: how well pictures are rebuilt from what crosses the cut of a bundle. */

import { type Command, Option } from 'commander';
import type { PrivacyCommandOptions } from '../actions/privacy.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn, jsonOption } from './arguments.js';

const EXAMPLES = `
The best linear convolution from decoded features to pictures is fitted to some pictures and measured on others. It is a lower
bound: whoever trains a deep decoder rebuilds more. docs/privacy.md says how to read the figures.

Examples:
  $ featherwire privacy bundle --data pictures
  $ featherwire privacy bundle --data test.npz --known train.npz --sheet rebuilt.png
  $ featherwire privacy bundle --data pictures --samples 500 --json`;

const DEFAULT_SAMPLES = 500;
/** Enough for an interval of each half. */
const LEAST_SAMPLES = 4;

/** Adds the command to the program. */
export function addPrivacyCommand(program: Command, context: CommandContext): void {
  program
    .command('privacy')
    .summary('measure how well pictures are rebuilt from the feature')
    .description(
      'Fits an inversion to decoded features of each operating point with a profile and of frames of 16, 4 and 2 levels, ' +
        'and reports PSNR and SSIM of pictures rebuilt from others, beside those of the mean picture.',
    )
    .argument('<bundle>', 'directory written by `featherwire split`, with one map [N, C, H, W] at the cut')
    .requiredOption(
      '--data <data>',
      'pictures to rebuild; a second half of them is fitted to without --known',
    )
    .option('--known <data>', 'pictures that the inversion is fitted to')
    .addOption(
      new Option('--samples <count>', 'pictures of each, at most')
        .argParser(integerIn(LEAST_SAMPLES))
        .default(DEFAULT_SAMPLES),
    )
    .addOption(
      new Option('--seed <number>', 'draws pictures, cells and intervals').argParser(integerIn(0)).default(1),
    )
    .option('--sheet <file.png>', 'originals in a first row, what each way rebuilds in the rows below')
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (directory: string, options: PrivacyCommandOptions) => {
      const { privacy } = await import('../actions/privacy.js');
      await privacy(directory, options, context);
    });
}
