/** `featherwire inspect`: what a frame, bundle, model or NumPy file holds. */

import type { Command } from 'commander';
import type { InspectOptions } from '../actions/inspect.js';
import type { CommandContext } from '../context.js';
import { jsonOption, profilesOption } from './arguments.js';

const EXAMPLES = `
Examples:
  $ featherwire inspect feature.fwf
  $ featherwire inspect bundled.fwf --profile stage2.fwp
  $ featherwire inspect bundle
  $ featherwire inspect model.onnx --json
  $ featherwire inspect feature.npy`;

/** Adds the command to the program. */
export function addInspectCommand(program: Command, context: CommandContext): void {
  program
    .command('inspect')
    .summary('show what a frame, profile, bundle, model or array holds')
    .description(
      'Shows what a file or bundle holds: a frame byte by byte, a profile, a bundle with the check of its digests, ' +
        'an ONNX model, a .npy or .npz. Content decides, not the name.',
    )
    .argument('<path>', 'file or bundle directory; - for standard input')
    .addOption(profilesOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, options: InspectOptions) => {
      const { inspect } = await import('../actions/inspect.js');
      await inspect(path, options, context);
    });
}
