/** `featherwire plan`: where to cut and how to code for a link, or not to split at all. */

import { LINK_NAMES } from '@featherwire/link';
import { type Command, Option } from 'commander';
import type { PlanOptions } from '../actions/plan.js';
import type { CommandContext } from '../context.js';
import {
  backendOption,
  integerIn,
  jsonOption,
  linkArgument,
  millisecondsArgument,
  positiveNumber,
  shapeOption,
  urlArgument,
} from './arguments.js';
import { DATA_FORMS } from './data-forms.js';

const EXAMPLES = `
LINK is a name (${LINK_NAMES.join(', ')}), or 20mbps,40ms or 5/20mbps,60ms,jitter=5ms,loss=0.5%.
${DATA_FORMS}
This machine stands for both ends until an option says otherwise; a profile is a file of \`featherwire measure\`.

Totals are computed: measured times of the stages and measured bytes over the link asked for. Estimates choose
which cuts are measured and stand in a table of their own, and so does what the exit of a bundle (\`train-exit\`) makes
of its splits. What was measured is kept in the cache directory
(XDG_CACHE_HOME), so that another link or budget costs no measuring.

Examples:
  $ featherwire plan model.onnx --link 20mbps,40ms --data pictures --task classification --preprocessing p.json
  $ featherwire plan model.onnx --link lte --data pictures --device phone.json --server-speed 4
  $ featherwire plan bundle --link 20mbps,40ms --data test.npz --max-loss 0.5 --budget 100ms --svg plan.svg
  $ featherwire plan bundle --link 20mbps,40ms --data test.npz --server http://10.0.0.2:8350 --json`;

const DEFAULT_MAX_LOSS = 1;
const DEFAULT_CUT_COUNT = 3;
const DEFAULT_SAMPLE_COUNT = 64;

/** Adds the command to the program. */
export function addPlanCommand(program: Command, context: CommandContext): void {
  program
    .command('plan')
    .summary('choose cut and coding for a link, or not to split')
    .description(
      'Measures splits of a model (or the operating points of a bundle), the whole network on the device, and the ' +
        'picture or the input sent to the server, and says which is the fastest over a link and at which ' +
        'bandwidths that changes.',
    )
    .argument('<model>', 'ONNX file, or a directory written by `featherwire split`')
    .addOption(
      new Option('--link <link>', 'the link; see below').argParser(linkArgument).makeOptionMandatory(),
    )
    .requiredOption('--data <data>', 'what to measure on; see below')
    .addOption(
      new Option('--max-loss <points>', 'points of the metric that may be lost to the unsplit network')
        .argParser(nonNegativeNumber)
        .default(DEFAULT_MAX_LOSS),
    )
    .addOption(new Option('--budget <ms>', 'limit of the 95th percentile').argParser(millisecondsArgument))
    .addOption(
      new Option('--server <url>', 'take the times of the server from a running `featherwire serve`')
        .argParser(urlArgument('http:', 'https:'))
        .conflicts('serverSpeed'),
    )
    .addOption(
      new Option('--server-speed <factor>', 'the server is so many times as fast as this machine').argParser(
        positiveNumber,
      ),
    )
    .addOption(
      new Option('--device <profile.json>', 'take the times of the device from its profile').conflicts(
        'deviceSpeed',
      ),
    )
    .addOption(
      new Option('--device-speed <factor>', 'the device is so many times as fast as this machine').argParser(
        positiveNumber,
      ),
    )
    .addOption(
      new Option('--cuts <count>', 'cuts of a model that are measured')
        .argParser(integerIn(1))
        .default(DEFAULT_CUT_COUNT),
    )
    .addOption(
      new Option('--samples <count>', 'samples taken from the data, a quarter of them for designing')
        .argParser(integerIn(2))
        .default(DEFAULT_SAMPLE_COUNT),
    )
    .option('--agreement', 'compare with the unsplit network instead of the labels')
    .addOption(shapeOption())
    .option('--preprocessing <file.json>', 'of a model: how a picture becomes the input')
    .option('--task <task>', 'of a model: classification, segmentation, or a JSON file')
    .option(
      '--argmax <output[:axis]>',
      'of a model: let the server answer with the index of the largest score',
    )
    .option('--svg <file.svg>', 'draw the plan')
    .option('--no-cache', 'measure everything again and keep nothing')
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (source: string, options: PlanOptions) => {
      const { plan } = await import('../actions/plan.js');
      await plan(source, options, context);
    });
}

function nonNegativeNumber(text: string): number {
  return Number(text) === 0 ? 0 : positiveNumber(text);
}
