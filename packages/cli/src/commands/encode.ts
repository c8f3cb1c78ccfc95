/** `featherwire encode`: one tensor to one frame. */

import { type Command, Option } from 'commander';
import type { EncodeOptions } from '../actions/encode.js';
import type { CommandContext } from '../context.js';
import { backendOption, coderOption, integerIn, jsonOption, layoutOption } from './arguments.js';
import { addQuantizerOptions } from './quantizer-options.js';

/** More than any frame that fits into memory. */
const MAX_BUDGET_BYTES = 2 ** 40;

const EXAMPLES = `
Examples:
  $ featherwire encode feature.npy feature.fwf --levels 16
  $ featherwire encode feature.npy feature.fwf --levels 4 --clip model
  $ featherwire encode feature.npy feature.fwf --bits 4 --clip -1,6 --json
  $ featherwire encode feature.npy feature.fwf --levels 6 --coder rans
  $ featherwire encode feature.npy feature.fwf --bits 4 --coder rans --layout csr-separate
  $ featherwire encode feature.npy feature.fwf --max-bytes 1200
  $ featherwire encode mask.npy mask.fwf --integer
  $ featherwire encode feature.npy feature.fwf --lossless
  $ cat feature.npy | featherwire encode - - --raw > feature.fwf`;

/** Adds the command to the program. */
export function addEncodeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('encode')
    .summary('code a .npy tensor as a frame')
    .description('Codes one tensor as a self-contained frame and tells its size and its error.')
    .argument('<in.npy>', 'tensor to code; - for standard input')
    .argument('<out.fwf>', 'frame to write; - for standard output');
  addQuantizerOptions(command)
    .addOption(
      new Option('--max-bytes <count>', 'as many levels as fit into so many bytes, all counted')
        .conflicts(['levels', 'bits', 'raw', 'integer', 'lossless'])
        .argParser(integerIn(1, MAX_BUDGET_BYTES)),
    )
    .addOption(coderOption())
    .addOption(layoutOption())
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (input: string, output: string, options: EncodeOptions) => {
      const { encode } = await import('../actions/encode.js');
      await encode(input, output, options, context);
    });
}
