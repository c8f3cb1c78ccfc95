import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ServeOptions } from '../actions/serve.js';
import type { CommandContext } from '../context.js';
import { backendOption, integerIn } from './arguments.js';
import { LIMIT_OPTIONS } from './serve-limits.js';
import {
  addDrainOptions,
  addLimitOptions,
  addListenOptions,
  addNatsOptions,
  addSecurityOptions,
  MAX_MS,
} from './service-options.js';

const EXAMPLES = `
A file of tokens has a line for each client: a name, and the token or sha256: with its digest in hexadecimal.

Examples:
  $ featherwire serve bundle
  $ featherwire serve ocr-bundle cls-bundle --host 0.0.0.0 --workers 2 --threads 4
  $ featherwire serve bundle --host 0.0.0.0 --tokens tokens.txt --tls-cert server.pem --tls-key server.key
  $ featherwire serve cut-a cut-b --studio --samples pictures
  $ featherwire serve bundle --nats nats://10.0.0.5:4222 --port 0
  $ featherwire serve bundle --remote-tail http://models:8000 --remote-model resnet-tail --workers 8
  $ featherwire serve bundle --max-batch 32 --max-requests-per-second 50 --drain-delay 5000 --json-log

With --remote-tail features are decoded here and the plain tensors go to a server of the Open Inference Protocol that has
tail.onnx as a model; --workers says how many exchanges go on at once. This service takes the
same protocol at /v2, beside its own.

SIGTERM and SIGINT let requests in flight finish; a second signal ends the service at once. SIGHUP reads the bundles
again. GET /metrics is for Prometheus, /healthz and /readyz are for whoever watches over the process.`;

const DEFAULT_PORT = 8350;
const MAX_BATCH = 1024;

/** Adds the command to the program. */
export function addServeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('serve')
    .summary('run the tails of bundles as a service')
    .description(
      'Runs the tails of bundles behind HTTP and WebSocket, and behind NATS where told to. Prints one line with the address when it is ready.',
    )
    .argument('<bundles...>', 'directories written by `featherwire split`');
  addListenOptions(command, DEFAULT_PORT).option('--watch', 'read the bundles again when they change');
  command
    .option('--studio', 'offer a page that runs the edge side in a browser, at the same address')
    .addOption(new Option('--samples <directory>', 'pictures that the page offers as input; with --studio'));
  addNatsOptions(command, 'work for the gateways of a fleet as well');
  addWorkOptions(command);
  addRemoteTailOptions(command);
  addDrainOptions(command);
  addSecurityOptions(command);
  addLimitOptions(command, LIMIT_OPTIONS);
  command.addHelpText('after', EXAMPLES).action(async (directories: string[], options: ServeOptions) => {
    const { serve } = await import('../actions/serve.js');
    await serve(directories, options, context);
  });
}

function addRemoteTailOptions(command: Command): void {
  command
    .optionsGroup('Remote tail:')
    .addOption(
      new Option(
        '--remote-tail <url>',
        'server of the Open Inference Protocol that runs the tails',
      ).argParser(serverUrl),
    )
    .option('--remote-model <name>', "model there; default: the bundle's name of its network")
    .option('--remote-token-file <file>', 'bearer token for that server')
    .addOption(
      new Option('--remote-timeout <ms>', 'time for an exchange with it').argParser(integerIn(1, MAX_MS)),
    );
}

function serverUrl(text: string): string {
  if (/^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : '')) return text;
  throw new InvalidArgumentError('expected http://host:port or https://host:port');
}

function addWorkOptions(command: Command): void {
  const count = (flag: string, description: string, parser: (text: string) => number, fallback: number) =>
    command.addOption(new Option(flag, description).argParser(parser).default(fallback));
  command.optionsGroup('Work:');
  count('--workers <count>', 'worker threads of each bundle', integerIn(1), 1);
  count('--threads <count>', 'threads inside one operator', integerIn(1), 1);
  count('--max-batch <count>', 'most requests in a run of the tail', integerIn(1, MAX_BATCH), 16);
  count('--batch-window <ms>', 'wait of a free worker for more, under load', integerIn(0, MAX_MS), 2);
  command.addOption(backendOption());
}
