/** `featherwire run`: the edge side of a bundle, on a data set, against a server. */

import { LINK_NAMES } from '@featherwire/link';
import { type Command, Option } from 'commander';
import type { RunOptions } from '../actions/run.js';
import type { CommandContext } from '../context.js';
import {
  backendOption,
  integerIn,
  jsonOption,
  linkArgument,
  millisecondsArgument,
  shareArgument,
  urlArgument,
} from './arguments.js';
import { DATA_FORMS } from './data-forms.js';
import { addQuantizerOptions } from './quantizer-options.js';

const EXAMPLES = `
${DATA_FORMS}

LINK is ${LINK_NAMES.join(', ')}, or 20mbps,40ms (rate and round trip), or
20/80mbps,40ms,jitter=5ms,loss=0.5% (up, down, and disturbances), or trace:FILE for rates over time: a JSON document with
stepMs and uplinkMbps, or a trace of Mahimahi. The link is made on this machine, in front of the server.

Examples:
  $ featherwire run bundle --server http://127.0.0.1:8350 --data pictures --levels 16
  $ featherwire run ocr-bundle --server http://127.0.0.1:8350 --data text-lines --limit 100 --bits 4
  $ featherwire run bundle --server http://127.0.0.1:8350 --data test.npz --raw --transport http --json
  $ featherwire run bundle --server http://127.0.0.1:8350 --data pictures --point small --link lte
  $ featherwire run bundle --server http://127.0.0.1:8350 --data pictures --budget 80ms --link 5g
  $ featherwire run bundle --server http://127.0.0.1:8350 --data pictures --point small --fallback local --timeout 500
  $ featherwire run bundle --server http://127.0.0.1:8350 --data pictures --point small --exit
  $ featherwire run bundle --server http://127.0.0.1:8350 --data pictures --budget 150ms --link trace:lte-drive.json`;

const DEFAULT_RETRIES = 3;
const DEFAULT_TIMEOUT_MS = 30_000;
/** Largest delay of a timer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Adds the command to the program. */
export function addRunCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('run')
    .summary('run data through a head here and its tail on a server')
    .description(
      "Runs data through a bundle's head here and its tail on a server; reports accuracy, bytes on the " +
        'link, and the time of each stage.',
    )
    .argument('<bundle>', 'directory written by `featherwire split`')
    .addOption(
      new Option('--server <url>', 'address that `featherwire serve` printed')
        .argParser(urlArgument('http:', 'https:', 'ws:', 'wss:'))
        .makeOptionMandatory(),
    )
    .requiredOption('--data <data>', 'what to run; see below')
    .addOption(new Option('--point <id>', "one of the bundle's operating points, in place of a quantizer"))
    .addOption(
      new Option(
        '--budget <ms>',
        'time for a sample: sends each at the most accurate measured point that fits',
      )
        .argParser(millisecondsArgument)
        .conflicts('point'),
    );
  addQuantizerOptions(command, ['point', 'budget'])
    .addOption(
      new Option('--transport <kind>', 'connection to the server').choices(['ws', 'http']).default('ws'),
    )
    .addOption(
      new Option('--max-part-bytes <count>', 'send longer requests in parts of so much; over http').argParser(
        integerIn(1),
      ),
    )
    .addOption(
      new Option('--link <link>', 'shape the connection like a link; see below').argParser(linkArgument),
    )
    .option('--token-file <file>', 'token by which the server knows this client')
    .option(
      '--ca <file>',
      "certificates that the server's is signed by, PEM (default: those that Node knows)",
    )
    .option('--cert <file>', 'certificate of this client, PEM; with wss:// or https://')
    .option('--key <file>', 'its key, PEM')
    .addOption(
      new Option('--verify', 'have the server compare a digest of the decoded tensors, 5 bytes a frame'),
    )
    .addOption(
      new Option(
        '--statistics',
        'send a summary of each tensor, for the watch on drift; with a profiled point',
      ),
    )
    .addOption(
      new Option(
        '--compact-outputs',
        'have the server code large outputs without a loss, for fewer bytes down',
      ),
    )
    .addOption(new Option('--limit <count>', 'samples to run (default: all)').argParser(integerIn(1)))
    .addOption(
      new Option('--retries <count>', 'further attempts for a request that may succeed later')
        .argParser(integerIn(0))
        .default(DEFAULT_RETRIES),
    )
    .addOption(
      new Option('--timeout <ms>', 'time for a request with all its attempts')
        .argParser(integerIn(1, MAX_TIMEOUT_MS))
        .default(DEFAULT_TIMEOUT_MS),
    )
    .addOption(
      new Option(
        '--fallback <way>',
        'what answers a sample that has no answer in that time: the tail here, a picture to the whole model there, or an error',
      ).choices(['local', 'picture', 'error']),
    )
    .addOption(
      new Option(
        '--exit',
        "answer here where the bundle's exit is sure, as `train-exit` wrote it; send the rest",
      ),
    )
    .addOption(
      new Option(
        '--exit-threshold <confidence>',
        "least confidence of an answer of the exit, 0 to 1, with --exit (default: the bundle's)",
      ).argParser(shareArgument),
    )
    .addOption(
      new Option(
        '--max-bytes <count>',
        'limit of a request, with --budget: larger points are not sent',
      ).argParser(integerIn(1)),
    )
    .addOption(backendOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (directory: string, options: RunOptions) => {
      const { run } = await import('../actions/run.js');
      await run(directory, options, context);
    });
}
