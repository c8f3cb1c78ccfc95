/** `featherwire cuts`: every tensor and every small set of tensors at which a model can be cut in two. */

import { type Command, Option } from 'commander';
import type { CutsOptions } from '../actions/cuts.js';
import type { CommandContext } from '../context.js';
import { integerIn, jsonOption, shapeOption, valueOption } from './arguments.js';

const EXAMPLES = `
Examples:
  $ featherwire cuts model.onnx
  $ featherwire cuts ocr.onnx --shape x=1,3,48,320 --max-tensors 1
  $ featherwire cuts detector.onnx --shape x=1,3,640,640 --front
  $ featherwire cuts detector.onnx --shape x=1,3,640,640 --under 1000000 --sort bytes
  $ featherwire cuts speech.onnx --value sr=16000 --with relu4
  $ featherwire cuts model.onnx --json | jq '.cuts | min_by(.bytes)'

For each tensor the best set that it is part of is listed: the one with the fewest bytes, or with the fewest tensors
where that takes more than --max-tensors. A set that crosses no fewer bytes than another with no less work on either
side is left out without --all. Shapes that neither side can tell cross as a few integers, marked as shape.`;

const DEFAULT_MAX_TENSORS = 4;

/** Adds the command to the program. */
export function addCutsCommand(program: Command, context: CommandContext): void {
  program
    .command('cuts')
    .summary('list where a model can be cut')
    .description(
      'Lists every tensor at which a model can be cut in two, and sets of tensors where branches run side by side, in ' +
        'the order of computation, with the size and the work before it (head) and after it (tail). Sizes are those ' +
        'of one sample.',
    )
    .argument('<model>', 'ONNX file')
    .addOption(shapeOption())
    .addOption(valueOption())
    .addOption(
      new Option('--max-tensors <count>', 'largest number of tensors in a set')
        .argParser(integerIn(1))
        .default(DEFAULT_MAX_TENSORS),
    )
    .addOption(new Option('--under <bytes>', 'cuts that cross fewer bytes').argParser(integerIn(1)))
    .option('--with <tensor>', 'cuts that the tensor is part of, or why there is none')
    .addOption(
      new Option(
        '--front',
        'cuts that no other beats in bytes and work of the head; of equal ones the last',
      ).conflicts('all'),
    )
    .option('--all', 'also sets that another beats in bytes and in work')
    .addOption(
      new Option('--sort <key>', 'order of the list')
        .choices(['computation', 'bytes', 'tensors'])
        .default('computation'),
    )
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: CutsOptions) => {
      const { cuts } = await import('../actions/cuts.js');
      await cuts(file, options, context);
    });
}
