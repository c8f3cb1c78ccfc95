/** `featherwire cuts`: every tensor at which a model can be cut in two. */

import type { Command } from 'commander';
import type { CutsOptions } from '../actions/cuts.js';
import type { CommandContext } from '../context.js';
import { jsonOption, shapeOption } from './arguments.js';

const EXAMPLES = `
Examples:
  $ featherwire cuts model.onnx
  $ featherwire cuts ocr.onnx --shape x=1,3,48,320
  $ featherwire cuts model.onnx --json | jq '.cuts | min_by(.bytes)'`;

/** Adds the command to the program. */
export function addCutsCommand(program: Command, context: CommandContext): void {
  program
    .command('cuts')
    .summary('list where a model can be cut')
    .description(
      'Lists every tensor at which a model can be cut in two, in the order of computation, with its size ' +
        'and the work before it (head) and after it (tail). Sizes are those of one sample.',
    )
    .argument('<model>', 'ONNX file')
    .addOption(shapeOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: CutsOptions) => {
      const { cuts } = await import('../actions/cuts.js');
      await cuts(file, options, context);
    });
}
