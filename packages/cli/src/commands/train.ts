/** `featherwire train`: bottleneck units from data. */

import { type Command, Option } from 'commander';
import type { TrainOptions } from '../actions/train.js';
import type { CommandContext } from '../context.js';
import {
  backendOption,
  copiesArgument,
  integerIn,
  jsonOption,
  memoryOption,
  positiveNumber,
} from './arguments.js';

const EXAMPLES = `
DATA is what calibrate takes: pictures, arrays, or a named set. No labels are needed: units are
trained towards the answers of the unsplit network. Seven tenths of the samples are trained on, some choose, and what is
written into the bundle is measured on the rest, by whole frames.

Each entry of --copies makes a changed copy of every sample that is trained on: mirrored, or moved by up to so many pixels
of the network's input (the edge is repeated), or both. --labels adds the labels of DATA to the loss where the task is
classification: units then learn what the network itself gets wrong, too.

With --rate hyperprior the estimate of a unit's bits knows that large elements have large neighbors, as the coder's contexts
do; for cuts of maps [C, H, W]. Frames are coded alike.

A training that was stopped or killed goes on when the same command is given again; with --threads 1 it ends in the same
bits as one that ran through. Its state is in BUNDLE.train until the points are written; other settings need --restart.

Examples:
  $ featherwire train bundle --data pictures
  $ featherwire train bundle --data pictures --minutes 30 --points 6 --threads 2
  $ featherwire train bundle --data pictures --copies mirror,shift:4,mirror+shift:4 --labels
  $ featherwire train bundle --data pictures --rate hyperprior
  $ featherwire train bundle --data train.npz --steps 4000 --agreement --json`;

const DEFAULT_MINUTES = 30;
const DEFAULT_POINTS = 5;
const MAX_POINTS = 16;
const MIN_SAMPLES = 40;
const MAX_THREADS = 64;

/** Adds the command to the program. */
export function addTrainCommand(program: Command, context: CommandContext): void {
  program
    .command('train')
    .summary('train bottleneck units for a ladder of rates')
    .description(
      'Runs data through the head once, compares architectures of small trained pairs at the cut by successive ' +
        'halving, trains the best for several rates with the network frozen, and adds them to the bundle as operating ' +
        'points, measured from decoded frames on samples that took no part.',
    )
    .argument('<bundle>', 'directory written by `featherwire split`, with one tensor at the cut')
    .requiredOption('--data <data>', 'what to train on; see below')
    .addOption(
      new Option('--minutes <minutes>', 'time to train and measure, about')
        .argParser(positiveNumber)
        .default(DEFAULT_MINUTES),
    )
    .addOption(
      new Option('--steps <count>', 'steps of training in all, in the place of --minutes').argParser(
        integerIn(1),
      ),
    )
    .addOption(
      new Option('--points <count>', 'rates of the ladder, at most')
        .argParser(integerIn(1, MAX_POINTS))
        .default(DEFAULT_POINTS),
    )
    .addOption(
      new Option('--samples <count>', 'samples to use (default: all)').argParser(integerIn(MIN_SAMPLES)),
    )
    .addOption(
      new Option(
        '--copies <list>',
        'changed copies of each picture to train on: mirror, shift:PIXELS, mirror+shift:PIXELS',
      ).argParser(copiesArgument),
    )
    .addOption(
      new Option('--rate <estimate>', "what estimates a latent's bits in training")
        .choices(['factorized-prior', 'hyperprior'])
        .default('factorized-prior'),
    )
    .addOption(new Option('--labels', 'train towards labels too, for classification').conflicts('agreement'))
    .addOption(
      new Option('--seed <number>', 'draws samples, parameters and noise').argParser(integerIn(0)).default(1),
    )
    .addOption(
      new Option('--threads <count>', 'threads inside one operator')
        .argParser(integerIn(1, MAX_THREADS))
        .default(1),
    )
    .addOption(new Option('--agreement', 'judge by the answers of the unsplit network, without labels'))
    .addOption(new Option('--restart', 'forget a training that was stopped'))
    .addOption(new Option('--replace', 'drop the operating points that the bundle has'))
    .addOption(memoryOption())
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (directory: string, options: TrainOptions) => {
      const { trainBundle } = await import('../actions/train.js');
      await trainBundle(directory, options, context);
    });
}
