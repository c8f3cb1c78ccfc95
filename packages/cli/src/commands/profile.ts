/** `featherwire profile`: samples of a tensor to the profile of its bundled frames. */

import { type Command, Option } from 'commander';
import type { ProfileOptions } from '../actions/profile.js';
import type { CommandContext } from '../context.js';
import { axesArgument, backendOption, jsonOption } from './arguments.js';
import { addQuantizerOptions } from './quantizer-options.js';

const EXAMPLES = `
Examples:
  $ featherwire profile samples/*.npy -o stage2.fwp --levels 4 --clip model
  $ featherwire profile samples/*.npy -o stage2.fwp --levels 4 --coder rans-contexts
  $ featherwire profile samples/*.npy -o stage2.fwp --blocks 0.5 --components
  $ featherwire profile line-*.npy -o lines.fwp --levels 8 --vary 3
  $ featherwire encode feature.npy feature.fwf --profile stage2.fwp --sequence 17
  $ featherwire decode feature.fwf feature.npy --profile stage2.fwp`;

/** Adds the command to the program. */
export function addProfileCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('profile')
    .summary('design what both ends of a link know of a tensor')
    .description(
      'Designs one quantizer and one frequency table from samples of a tensor. Frames under the profile hold neither, ' +
        'nor the shape: 14 to 16 bytes beside the entropy code.',
    )
    .argument('<samples.npy...>', 'tensors of one type and shape, as they cross the cut')
    .requiredOption('-o, --output <file.fwp>', 'profile to write; - for standard output');
  addQuantizerOptions(command)
    .addOption(
      new Option('--vary <axes>', 'dimensions that differ from frame to frame, as in 2,3; 0 is the outermost')
        .argParser(axesArgument)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--coder <name>',
        'static coder; packed codes fastest, contexts of neighbors take fewest bits, both for up to 16 levels; none leaves ' +
          'the choice to each frame (default: rans, none for blocks)',
      ).choices(['rans', 'rans-packed', 'rans-contexts', 'none']),
    )
    .addOption(
      new Option(
        '--components',
        'with --blocks: blocks of principal components of the channels, the dimension before rows and columns',
      ),
    )
    .addOption(
      new Option(
        '--contexts <preference>',
        'what contexts are made for: as fast as a table, fewer bits, or the fewest, with a larger profile and a fifth of the speed',
      )
        .choices(['speed', 'size', 'least'])
        .default('speed'),
    )
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (samples: string[], options: ProfileOptions) => {
      const { profile } = await import('../actions/profile.js');
      await profile(samples, options, context);
    });
}
