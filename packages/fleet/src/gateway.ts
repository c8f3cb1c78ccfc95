/** A server without networks: takes clients over HTTP and WebSocket and hands their requests to the workers of a fleet. */

import {
  type BundleListing,
  type CloseOptions,
  completeLimits,
  type FrontAddress,
  type ServerLimits,
  type ServerLogger,
  type ServiceFront,
  silentLogger,
  startServiceFront,
} from '@featherwire/runtime/node';
import { createForwarder } from './forwarder.js';
import { createInbox } from './inbox.js';
import type { NatsLink } from './nats-link.js';
import { BUNDLES_SUBJECT } from './subjects.js';
import { createWorkerWatch } from './worker-watch.js';

/** Settings of a gateway. */
export interface GatewayOptions extends FrontAddress {
  /** Given to the gateway, which closes it. */
  readonly link: NatsLink;
  readonly limits?: Partial<ServerLimits>;
  /** Default: none. */
  readonly logger?: ServerLogger;
}

/** What a gateway has done. */
export type GatewayStats = ReturnType<ServiceFront['stats']> & {
  /** Tries of requests that ended with their worker or on the way; most were answered by another. */
  readonly lostAttempts: number;
};

/** A running gateway. */
export interface Gateway extends Pick<ServiceFront, 'url' | 'streamUrl' | 'address'> {
  stats(): GatewayStats;
  /** Stops taking requests, finishes what is in flight, then ends everything. */
  close(options?: CloseOptions): Promise<void>;
}

/** For how long workers are heard that say what they serve, and how long it is believed. */
const LISTING_MS = 250;
const LISTING_LIFETIME_MS = 2000;
/** So long it is told once more while the workers are asked again, since requests by name wait for nothing else. */
const STALE_LISTING_MS = 10_000;

/**
 * Listens.
 * @throws {RangeError} if a limit is out of range
 * @throws {ServerStartError} if a certificate cannot be used or the address cannot be listened on
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { link, host, port, tokens, tls, logger = silentLogger } = options;
  const limits = completeLimits(options.limits);
  const watch = createWorkerWatch(link);
  let lostAttempts = 0;
  const run = createForwarder({
    ...{ link, watch, inbox: createInbox(link, logger), requestTimeoutMs: limits.requestTimeoutMs },
    maxAnswerBytes: limits.maxBufferedBytes,
    onLost: () => {
      lostAttempts++;
      logger.warn('a request was lost with its worker or on the way to one');
    },
  });
  const address = {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(tokens && { tokens }),
    ...(tls && { tls }),
  };
  const listBundles = createListing(link);
  const isReady = (): boolean => link.isConnected();
  let front: ServiceFront;
  try {
    const bundleGauges = (): [] => []; // workers count their own
    front = await startServiceFront({ ...address, run, listBundles, isReady, bundleGauges, limits, logger });
  } catch (error) {
    watch.close();
    throw error;
  }
  const { url, streamUrl } = front;
  let closing: Promise<void> | undefined;
  const end = async (closeOptions: CloseOptions): Promise<void> => {
    await front.close(closeOptions);
    watch.close();
    await link.close();
  };
  return {
    ...{ url, streamUrl, address: front.address },
    stats: () => ({ ...front.stats(), lostAttempts }),
    close(closeOptions = {}) {
      closing ??= end(closeOptions);
      return closing;
    },
  };
}

/** Asks the workers what they serve, once for all who ask at about the same time. */
function createListing(link: NatsLink): () => Promise<readonly BundleListing[]> {
  interface Listing {
    readonly at: number;
    readonly bundles: Promise<readonly BundleListing[]>;
  }
  let latest: Listing | undefined;
  let told: Listing | undefined; // the latest that all workers had the time to answer to
  const ask = (): Listing => {
    const asked = { at: performance.now(), bundles: askForBundles(link) };
    void asked.bundles.then((bundles) => {
      if (bundles.length > 0) told = asked;
    });
    return asked;
  };
  return () => {
    const now = performance.now();
    if (!latest || now - latest.at > LISTING_LIFETIME_MS) latest = ask();
    return (told && now - told.at <= STALE_LISTING_MS ? told : latest).bundles;
  };
}

async function askForBundles({ connection, isConnected }: NatsLink): Promise<readonly BundleListing[]> {
  const found = new Map<string, BundleListing>();
  if (!isConnected()) return [];
  const options = { strategy: 'timer', maxWait: LISTING_MS } as const;
  try {
    for await (const message of await connection.requestMany(BUNDLES_SUBJECT, '', options)) {
      const listing = message.json<BundleListing>();
      found.set(listing.digest, listing);
    }
  } catch {
    // Nobody serves anything, or the connection is gone: there is nothing to list.
  }
  return [...found.values()];
}
