/** What a service says about itself: readiness on standard output, everything else on standard error. */

import type { NodeBundle } from '@featherwire/bundle/node';
import type { RequestCounts, ServerLogger, TailServer } from '@featherwire/runtime/node';
import { printLines, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatNumberOf } from '../terminal/units.js';

/** What is told of a service: a tail server or a gateway. */
export interface LoggedService extends Pick<TailServer, 'url' | 'streamUrl'> {
  stats(): { readonly requests: RequestCounts };
}

/** What a tail server does beside answering those who ask it directly. */
export interface AlsoServed {
  /** Servers of the fleet that it works for, if it does. */
  readonly nats?: readonly string[] | undefined;
  /** Whether a browser finds a page there. */
  readonly hasPage: boolean;
}

/** The log of a service. */
export interface ServiceLog {
  readonly logger: ServerLogger;
  ready(service: LoggedService, bundles: readonly NodeBundle[], also: AlsoServed): void;
  gatewayReady(service: LoggedService, nats: readonly string[]): void;
  reloaded(added: readonly NodeBundle[], removed: readonly NodeBundle[]): void;
  draining(service: LoggedService, reason: Error): void;
  ended(service: LoggedService): void;
}

const DIGEST_LETTERS = 12;

/** @param isJson - JSON objects in place of lines for people */
export function createServiceLog(terminal: Terminal, isJson = false): ServiceLog {
  return isJson ? createJsonLog(terminal) : createTextLog(terminal);
}

function createTextLog({ stdout, stderr, env }: Terminal): ServiceLog {
  const styles = stylesOf(stderr, env);
  const { bold } = stylesOf(stdout, env);
  return {
    logger: {
      info: () => undefined, // readiness has its own line
      warn: (line) => printLines(stderr, `${styles.yellow('warning:')} ${line}`),
      error: (line) => printLines(stderr, `${styles.red('error:')} ${line}`),
    },
    ready({ url }, bundles, { nats, hasPage }) {
      const fleet = nats ? ` and for the fleet at ${nats.join(', ')}` : '';
      printLines(stdout, `serving ${namesOf(bundles)} on ${bold(url)}${fleet}`);
      if (hasPage) printLines(stdout, `studio at ${bold(`${url}/`)}`);
    },
    gatewayReady({ url }, nats) {
      printLines(stdout, `taking requests on ${bold(url)} for the fleet at ${nats.join(', ')}`);
    },
    reloaded(added, removed) {
      const changes = [
        ...(added.length > 0 ? [`now serving ${namesOf(added)}`] : []),
        ...(removed.length > 0 ? [`no longer serving ${namesOf(removed)}`] : []),
      ];
      printLines(stderr, changes.join('; ') || 'the bundles have not changed');
    },
    draining(server, reason) {
      const { inFlight } = server.stats().requests;
      printLines(stderr, `${reason.message}: finishing ${formatNumberOf(inFlight, 'request')}`);
    },
    ended(server) {
      const { answered, failed } = server.stats().requests;
      const failures = Object.entries(failed).map(([code, count]) => `${formatCount(count)} ${code}`);
      const refused = failures.length === 0 ? '' : `, refused: ${failures.join(', ')}`;
      printLines(stderr, `stopped after ${formatNumberOf(answered, 'answer')}${refused}`);
    },
  };
}

/** One object a line, for machines that gather logs. */
function createJsonLog({ stdout, stderr }: Terminal): ServiceLog {
  const entry = (level: string, event: string, fields: object): string =>
    JSON.stringify({ time: new Date().toISOString(), level, event, ...fields });
  const line = (level: string) => (message: string) => printLines(stderr, entry(level, 'log', { message }));
  return {
    logger: { info: () => undefined, warn: line('warn'), error: line('error') },
    ready({ url, streamUrl }, bundles, { nats, hasPage }) {
      const served = bundles.map(identityOf);
      const also = { ...(nats && { nats }), ...(hasPage && { studio: `${url}/` }) };
      printLines(stdout, entry('info', 'ready', { url, streamUrl, bundles: served, ...also }));
    },
    gatewayReady({ url, streamUrl }, nats) {
      printLines(stdout, entry('info', 'ready', { url, streamUrl, nats }));
    },
    reloaded(added, removed) {
      const changes = { added: added.map(identityOf), removed: removed.map(identityOf) };
      printLines(stderr, entry('info', 'reloaded', changes));
    },
    draining(server, reason) {
      const { inFlight } = server.stats().requests;
      printLines(stderr, entry('info', 'draining', { message: reason.message, inFlight }));
    },
    ended(server) {
      printLines(stderr, entry('info', 'stopped', server.stats().requests));
    },
  };
}

function namesOf(bundles: readonly NodeBundle[]): string {
  return bundles
    .map(({ manifest, digest }) => `${manifest.model.name} (${digest.slice(0, DIGEST_LETTERS)})`)
    .join(', ');
}

function identityOf({ manifest, digest }: NodeBundle): { readonly name: string; readonly digest: string } {
  return { name: manifest.model.name, digest };
}
