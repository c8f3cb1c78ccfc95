/** Options that all services have: where they listen, whom they let in, what they take, how they end. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { integerIn } from './arguments.js';
import type { LimitOption } from './serve-limits.js';

/** Longest time of an option: an hour. */
export const MAX_MS = 3_600_000;
const MAX_PORT = 65_535;

/** Address and log. */
export function addListenOptions(command: Command, defaultPort: number): Command {
  return command
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addOption(
      new Option('--port <number>', 'port to listen on; 0 takes any free one')
        .argParser(integerIn(0, MAX_PORT))
        .default(defaultPort),
    )
    .option('--json-log', 'log one JSON object a line');
}

/** The NATS servers of a fleet. @param purpose - for help */
export function addNatsOptions(command: Command, purpose: string): void {
  command
    .optionsGroup('Fleet:')
    .addOption(
      new Option('--nats <url>', `${purpose}: nats://host:port, several with commas`).argParser(natsServers),
    )
    .option('--nats-creds <file>', 'credentials for NATS');
}

/** How a service ends. */
export function addDrainOptions(command: Command): void {
  command.optionsGroup('End:');
  const time = (flag: string, description: string, fallback: number) =>
    command.addOption(new Option(flag, description).argParser(integerIn(0, MAX_MS)).default(fallback));
  time('--drain-timeout <ms>', 'time for requests in flight at the end', 10_000);
  time('--drain-delay <ms>', 'go on for so long as unready before the end', 0);
}

/** Who is let in. */
export function addSecurityOptions(command: Command): void {
  command
    .optionsGroup('Security:')
    .option('--tokens <file>', 'clients that are let in, and their names')
    .option('--tls-cert <file>', 'certificate of the server, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--client-ca <file>', "certificates that clients' certificates are signed by, PEM");
}

/** Limits of a service. */
export function addLimitOptions(command: Command, limits: readonly LimitOption[]): void {
  command.optionsGroup('Limits:');
  for (const { limit, fallback, description } of limits) {
    const flag = limit.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    command.addOption(new Option(`--${flag} <count>`, description).argParser(integerIn(1)).default(fallback));
  }
}

function natsServers(text: string): string[] {
  const servers = text.split(',');
  for (const server of servers) {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (!url || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
      throw new InvalidArgumentError(`expected nats://host:port or tls://host:port, got ${server}`);
    }
  }
  return servers;
}
