/** `featherwire encode`: one tensor to one frame. */

import { type Command, Option } from 'commander';
import type { EncodeOptions } from '../actions/encode.js';
import type { CommandContext } from '../context.js';
import {
  backendOption,
  coderOption,
  integerIn,
  jsonOption,
  layoutOption,
  positiveNumber,
} from './arguments.js';
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
  $ featherwire encode feature.npy feature.fwf --target-rate 0.7
  $ featherwire encode feature.npy feature.fwf --levels 8 --lambda 0.15
  $ featherwire encode feature.npy feature.fwf --blocks 0.8 --lambda 0.2
  $ featherwire encode mask.npy mask.fwf --integer
  $ featherwire encode feature.npy feature.fwf --profile stage2.fwp --sequence 17
  $ featherwire encode large.npy large.fwf --levels 4 --chunks 8 --digest
  $ featherwire encode feature.npy feature.fwf --lossless
  $ cat feature.npy | featherwire encode - - --raw > feature.fwf`;

/** Adds the command to the program. */
export function addEncodeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('encode')
    .summary('code a .npy tensor as a frame')
    .description(
      'Codes one tensor as a frame, self-contained or under a profile, and tells its size and its error.',
    )
    .argument('<in.npy>', 'tensor to code; - for standard input')
    .argument('<out.fwf>', 'frame to write; - for standard output');
  addQuantizerOptions(command)
    .addOption(
      new Option('--max-bytes <count>', 'as many levels as fit into so many bytes, all counted')
        .conflicts(['levels', 'bits', 'blocks', 'raw', 'integer', 'lossless'])
        .argParser(integerIn(1, MAX_BUDGET_BYTES)),
    )
    .addOption(
      new Option('--target-rate <bits>', 'as many levels as fit into so many bits per element, all counted')
        .conflicts(['levels', 'bits', 'blocks', 'raw', 'integer', 'lossless', 'maxBytes'])
        .argParser(positiveNumber),
    )
    .addOption(
      new Option(
        '--lambda <number>',
        'squared error, in steps², that a bit may cost; 0.15 saves bits at little error',
      )
        .conflicts(['raw', 'integer', 'lossless', 'maxBytes', 'targetRate'])
        .argParser(positiveNumber),
    )
    .addOption(
      new Option(
        '--profile <file.fwp>',
        'leave out what this profile says; see featherwire profile',
      ).conflicts([
        'levels',
        'bits',
        'blocks',
        'raw',
        'integer',
        'lossless',
        'clip',
        'maxBytes',
        'targetRate',
      ]),
    )
    .addOption(
      new Option('--point <number>', 'operating point by which the other end knows the profile')
        .argParser(integerIn(0))
        .default(0),
    )
    .addOption(
      new Option('--sequence <number>', 'place of a bundled frame in its stream')
        .argParser(integerIn(0))
        .default(0),
    )
    .addOption(
      new Option('--chunks <count>', 'sections that decode independently').argParser(integerIn(1)).default(1),
    )
    .addOption(
      new Option('--max-ms <count>', 'time after which auto tries no slower coder or layout').argParser(
        positiveNumber,
      ),
    )
    .addOption(new Option('--digest', 'add a checksum of the decoded tensor').default(false))
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
