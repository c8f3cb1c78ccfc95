/** `featherwire decode`: one frame to one tensor. */

import { DEFAULT_DECODE_LIMITS } from '@featherwire/codec';
import { type Command, Option } from 'commander';
import type { DecodeOptions } from '../actions/decode.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn, jsonOption, profilesOption } from './arguments.js';

const EXAMPLES = `
Examples:
  $ featherwire decode feature.fwf feature.npy
  $ featherwire decode large.fwf large.npy --max-elements 500000000
  $ featherwire decode feature.fwf feature.npy --profile 2=coarse.fwp
  $ featherwire decode - - < feature.fwf > feature.npy`;

/** Adds the command to the program. */
export function addDecodeCommand(program: Command, context: CommandContext): void {
  program
    .command('decode')
    .summary('decode a frame to a .npy tensor')
    .description(
      'Decodes a frame. A self-contained frame says all that is needed; a bundled one needs its profile.',
    )
    .argument('<in.fwf>', 'frame to decode; - for standard input')
    .argument('<out.npy>', 'tensor to write; - for standard output')
    .addOption(backendOption())
    .addOption(
      new Option('--max-elements <count>', 'largest tensor that a frame may ask for')
        .argParser(integerIn(1))
        .default(DEFAULT_DECODE_LIMITS.maxElements),
    )
    .addOption(profilesOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (input: string, output: string, options: DecodeOptions) => {
      const { decode } = await import('../actions/decode.js');
      await decode(input, output, options, context);
    });
}
