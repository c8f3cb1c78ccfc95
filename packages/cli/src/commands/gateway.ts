import type { Command } from 'commander';
import type { GatewayCommandOptions } from '../actions/gateway.js';
import type { CommandContext } from '../context.js';
import { GATEWAY_LIMIT_OPTIONS } from './serve-limits.js';
import {
  addDrainOptions,
  addLimitOptions,
  addListenOptions,
  addNatsOptions,
  addSecurityOptions,
} from './service-options.js';

const EXAMPLES = `
Workers are started with \`featherwire serve BUNDLE --nats URL\`, any number on any machines. A request that a worker
accepted is done by another if that worker is lost; a bundle without workers is refused at once.

Examples:
  $ featherwire gateway --nats nats://10.0.0.5:4222
  $ featherwire gateway --nats tls://a:4222,tls://b:4222 --nats-creds gateway.creds --host 0.0.0.0 --tokens tokens.txt

SIGTERM and SIGINT let requests in flight finish; a second signal ends the gateway at once.`;

const DEFAULT_PORT = 8351;

/** Adds the command to the program. */
export function addGatewayCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('gateway')
    .summary('take clients for a fleet of tail services')
    .description(
      'Takes clients over HTTP and WebSocket and hands their requests to tail services behind NATS. Prints one line with the address when it is ready.',
    );
  addListenOptions(command, DEFAULT_PORT);
  addDrainOptions(command);
  addNatsOptions(command, 'servers of the fleet');
  addSecurityOptions(command);
  addLimitOptions(command, GATEWAY_LIMIT_OPTIONS);
  command.addHelpText('after', EXAMPLES).action(async (options: GatewayCommandOptions) => {
    const { gateway } = await import('../actions/gateway.js');
    await gateway(options, context);
  });
}
