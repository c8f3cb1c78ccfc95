/** `featherwire probe`: a network with a linear classifier on one of its tensors, for data that it was not trained for. */

import { type Command, Option } from 'commander';
import type { ProbeCommandOptions } from '../actions/probe.js';
import type { CommandContext } from '../context.js';
import { integerIn, jsonOption, shapeOption } from './arguments.js';
import { DATA_FORMS } from './data-forms.js';

const EXAMPLES = `
The tensor's places are averaged (rows and columns of [N, C, H, W], steps of [N, T, C]), and ridge regression tells the
classes apart by what is left. The written model ends in these scores, named probe; split, calibrate and eval take it as
any other. Test it on data that the probe was not fitted to.

${DATA_FORMS}

Examples:
  $ featherwire probe resnet.onnx --at stage3 --data fashion-mnist --preprocessing p.json --output clothes.onnx
  $ featherwire eval clothes.onnx --at stage2 --data fashion-mnist --task classification --preprocessing p.json \\
      --quick --output report`;

const DEFAULT_SAMPLES = 2000;
const MIN_SAMPLES = 5;

/** Adds the command to the program. */
export function addProbeCommand(program: Command, context: CommandContext): void {
  program
    .command('probe')
    .summary('put a linear classifier on a tensor of a model')
    .description(
      'Runs labeled data through a model up to a tensor, fits a linear classifier to what comes out, and writes a model ' +
        'that ends in its scores.',
    )
    .argument('<model.onnx>', 'ONNX file')
    .requiredOption('--at <tensor>', 'the tensor')
    .requiredOption('--data <data>', 'what the classifier is fitted to; see below')
    .requiredOption('-o, --output <file.onnx>', 'the model with the classifier')
    .option('--preprocessing <file.json>', 'how a picture becomes the input')
    .addOption(
      new Option('--samples <count>', 'samples to fit to, at most')
        .argParser(integerIn(MIN_SAMPLES))
        .default(DEFAULT_SAMPLES),
    )
    .addOption(
      new Option('--seed <number>', 'draws samples and the interval').argParser(integerIn(0)).default(1),
    )
    .addOption(shapeOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, options: ProbeCommandOptions) => {
      const { probe } = await import('../actions/probe.js');
      await probe(model, options, context);
    });
}
