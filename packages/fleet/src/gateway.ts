/** A server without networks: takes clients over HTTP and WebSocket and hands their requests to the workers of a fleet. */

import {
  type CloseOptions,
  completeLimits,
  type FrontAddress,
  type ServerLimits,
  type ServerLogger,
  type ServiceFront,
  silentLogger,
  startServiceFront,
} from '@featherwire/runtime/node';
import { createBundleDirectory } from './bundle-directory.js';
import { createForwarder } from './forwarder.js';
import { createInbox } from './inbox.js';
import type { NatsLink } from './nats-link.js';
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
  const bundles = createBundleDirectory(link);
  const isReady = (): boolean => link.isConnected();
  let front: ServiceFront;
  try {
    const bundleGauges = (): [] => []; // workers count their own
    front = await startServiceFront({ ...address, run, bundles, isReady, bundleGauges, limits, logger });
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
