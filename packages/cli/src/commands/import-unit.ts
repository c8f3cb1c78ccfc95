/** `featherwire import-unit`: published bottleneck units into a bundle. */

import { type Command, Option } from 'commander';
import type { ImportUnitOptions } from '../actions/import-unit.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn, jsonOption, positiveNumber } from './arguments.js';

const EXAMPLES = `
The weights are a state dictionary as torch saves it, with four convolutions and their normalizations: depthwise and
pointwise on the device, the same transposed on the server. The frequencies are a pickled dictionary from symbols to
counts. Nothing in either file is executed: a pickle that names a function beside those of plain tensors is refused.

Examples:
  $ featherwire import-unit bundle --weights unit.pth --frequencies table.pkl --stride 2 --step 3.3831
  $ featherwire import-unit bundle --weights unit.pth --frequencies table.pkl --stride 4 --step 8 --pad 0 --id s3 --json`;

const MAX_STRIDE = 64;

/** Adds the command to the program. */
export function addImportUnitCommand(program: Command, context: CommandContext): void {
  program
    .command('import-unit')
    .summary('add a published bottleneck unit to a bundle')
    .description(
      'Reads the weights and the frequency table of a published unit, folds its normalization and its step of ' +
        'quantization, adds it to the bundle as an operating point, and tells what its symbols take under Huffman and here.',
    )
    .argument('<bundle>', 'directory written by `featherwire split`, with one map [N, C, H, W] at the cut')
    .requiredOption('--weights <file>', 'state dictionary saved by torch')
    .requiredOption('--frequencies <file>', 'pickled frequency table')
    .addOption(
      new Option('--stride <pixels>', 'stride of the unit')
        .argParser(integerIn(1, MAX_STRIDE))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--step <size>', 'step of its quantization').argParser(positiveNumber).makeOptionMandatory(),
    )
    .addOption(
      new Option('--pad <pixels>', 'padding of its first convolution')
        .argParser(integerIn(0, MAX_STRIDE))
        .default(1),
    )
    .addOption(new Option('--id <name>', 'of the unit and its operating point').default('published'))
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (directory: string, options: ImportUnitOptions) => {
      const { importUnit } = await import('../actions/import-unit.js');
      await importUnit(directory, options, context);
    });
}
