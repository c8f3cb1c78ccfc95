/**
 * A tail server as a worker of a fleet: it takes requests of its bundles from NATS, says at once that it has them, and answers
 * them. Whoever asks is told which requests it does not have, so that a request that was lost on the way can be sent again.
 */

import { randomUUID } from 'node:crypto';
import type { NodeBundle } from '@featherwire/bundle/node';
import { peekRequestId, REMOTE_ERRORS, type RemoteErrorCode, serializeMessage } from '@featherwire/runtime';
import {
  type BundleChange,
  bundleKey,
  DEFAULT_SERVER_LIMITS,
  type ServerLimits,
  type ServerLogger,
  silentLogger,
  type TailServer,
} from '@featherwire/runtime/node';
import type { Msg, Subscription } from '@nats-io/transport-node';
import type { NatsLink } from './nats-link.js';
import { createPartJoiner, type PartJoiner, splitIntoParts } from './parts.js';
import {
  BUNDLES_SUBJECT,
  HEADERS,
  partsSubject,
  probeSubject,
  QUEUE_GROUP,
  requestSubject,
} from './subjects.js';

/** What a worker works with. */
export interface FleetWorkerOptions {
  /** Does the requests; stays its owner's to close, after the worker has left. */
  readonly server: TailServer;
  readonly link: NatsLink;
  /** What bounds requests in parts; those of the server. */
  readonly limits?: Partial<Pick<ServerLimits, 'maxMessageBytes' | 'maxBufferedBytes' | 'receiveTimeoutMs'>>;
  /** Default: none. */
  readonly logger?: ServerLogger;
}

/** A member of a fleet. */
export interface FleetWorker {
  /** Name among the workers, a new one for each. */
  readonly id: string;
  /** Has the server serve other bundles and takes their requests; see `TailServer.replaceBundles`. */
  replaceBundles(bundles: readonly NodeBundle[]): Promise<BundleChange>;
  /**
   * Takes nothing new and answers what it has.
   * @param drainTimeoutMs - after this, what it has is left to other workers; default 10,000
   */
  leave(drainTimeoutMs?: number): Promise<void>;
}

/** Takes requests from now on; the promise resolves once NATS knows of it. */
export async function joinFleet(options: FleetWorkerOptions): Promise<FleetWorker> {
  const worker = new Worker(options);
  await options.link.connection.flush();
  return worker;
}

const DEFAULT_DRAIN_TIMEOUT_MS = 10_000;

/** A request that comes in parts. */
interface Gathering {
  readonly joiner: PartJoiner;
  readonly first: Msg;
  readonly timer: NodeJS.Timeout;
}

class Worker implements FleetWorker {
  readonly id = randomUUID();
  readonly #options: FleetWorkerOptions;
  readonly #limits: ServerLimits;
  readonly #logger: ServerLogger;
  /** By bundle. */
  readonly #requests = new Map<string, Subscription>();
  readonly #listing: Subscription;
  /** Reply subjects of the requests that came and have no answer. */
  readonly #held = new Set<string>();
  readonly #gathering = new Map<string, Gathering>();
  #gatheredBytes = 0;
  #idle: (() => void) | undefined;

  constructor(options: FleetWorkerOptions) {
    const { limits, logger = silentLogger } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_SERVER_LIMITS, ...limits };
    this.#logger = logger;
    this.#listen(partsSubject(this.id), (message) => this.#receivePart(message));
    this.#listen(probeSubject(this.id), (message) => this.#answerProbe(message));
    this.#listing = this.#listen(BUNDLES_SUBJECT, (message) => this.#list(message));
    this.#subscribe();
  }

  async replaceBundles(bundles: readonly NodeBundle[]): Promise<BundleChange> {
    const change = await this.#options.server.replaceBundles(bundles);
    // What came meanwhile for a bundle left out is answered `unknown-bundle`, which gateways ask others about.
    this.#subscribe();
    return change;
  }

  async leave(drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS): Promise<void> {
    const { link } = this.#options;
    if (link.isConnected()) {
      const subscriptions = [this.#listing, ...this.#requests.values()];
      await Promise.all(subscriptions.map((subscription) => subscription.drain().catch(() => undefined)));
    }
    let timer: NodeJS.Timeout | undefined;
    if (this.#held.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        timer = setTimeout(resolve, drainTimeoutMs);
      });
    }
    clearTimeout(timer);
    await link.close();
  }

  /** Takes the requests of the bundles that the server has, and of no others. */
  #subscribe(): void {
    const { server } = this.#options;
    const served = new Set(server.bundles().map(({ digest }) => bundleKey(digest)));
    for (const [key, subscription] of this.#requests) {
      if (served.has(key)) continue;
      subscription.unsubscribe();
      this.#requests.delete(key);
    }
    for (const key of served) {
      if (this.#requests.has(key)) continue;
      const receive = (message: Msg): void => this.#receive(message);
      this.#requests.set(key, this.#listen(requestSubject(key), receive, QUEUE_GROUP));
    }
  }

  /** What is not understood is logged and dropped: it comes from no gateway. */
  #listen(subject: string, receive: (message: Msg) => void, queue?: string): Subscription {
    return this.#options.link.connection.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (error, message) => {
        try {
          if (error) throw error;
          receive(message);
        } catch (cause) {
          this.#logger.error(`NATS subject ${subject}: ${(cause as Error).message}`);
        }
      },
    });
  }

  #receive(message: Msg): void {
    const { reply, data, headers } = message;
    if (!reply) return; // nobody would hear the answer
    this.#held.add(reply);
    const accepted = this.#options.link.headers({ [HEADERS.worker]: this.id });
    this.#options.link.connection.publish(reply, undefined, { headers: accepted });
    const totalBytes = Number(headers?.get(HEADERS.bytes) || data.length);
    const { maxMessageBytes, receiveTimeoutMs } = this.#limits;
    if (totalBytes === data.length) {
      void this.#run(message, data);
    } else if (totalBytes > maxMessageBytes) {
      const text = `message expected at most ${maxMessageBytes} bytes, got ${totalBytes}`;
      this.#refuse(message, 'message-too-large', text);
    } else {
      const timer = setTimeout(() => {
        this.#refuse(message, 'timeout', 'the parts of the request stopped coming');
      }, receiveTimeoutMs);
      this.#gathering.set(reply, { joiner: createPartJoiner(totalBytes), first: message, timer });
      this.#gather(reply, data);
    }
  }

  #receivePart({ headers, data }: Msg): void {
    const reply = headers?.get(HEADERS.attempt);
    if (reply !== undefined && this.#gathering.has(reply)) this.#gather(reply, data);
  }

  #gather(reply: string, part: Uint8Array): void {
    const { joiner, first } = this.#gathering.get(reply)!;
    if (this.#gatheredBytes + part.length > this.#limits.maxBufferedBytes) {
      this.#refuse(first, 'overloaded', 'the worker holds as many bytes as it can');
      return;
    }
    this.#gatheredBytes += part.length;
    try {
      const whole = joiner.add(part);
      if (!whole) return;
      this.#forget(reply);
      void this.#run(first, whole);
    } catch (error) {
      this.#refuse(first, 'malformed-message', (error as Error).message);
    }
  }

  /** Ends the gathering of a request, whole or not. */
  #forget(reply: string): void {
    const gathering = this.#gathering.get(reply);
    if (!gathering) return;
    clearTimeout(gathering.timer);
    this.#gatheredBytes -= gathering.joiner.receivedBytes;
    this.#gathering.delete(reply);
  }

  #refuse({ reply, data }: Msg, code: RemoteErrorCode, text: string): void {
    this.#forget(reply!);
    const { retryable } = REMOTE_ERRORS[code];
    this.#answer(
      reply!,
      serializeMessage({ kind: 'error', requestId: peekRequestId(data), code, retryable, text }),
    );
  }

  async #run({ reply, headers }: Msg, bytes: Uint8Array): Promise<void> {
    const client = headers?.get(HEADERS.client) ?? '';
    const traceparent = headers?.get(HEADERS.traceparent) || undefined;
    const { message } = await this.#options.server.answer(bytes, client, { traceparent });
    this.#answer(reply!, message);
  }

  /** An answer leaves before anybody is told that its request is not held, over one connection: so none of both is overtaken. */
  #answer(reply: string, message: Uint8Array): void {
    const { connection, headers, maxPartBytes, isConnected } = this.#options.link;
    if (isConnected()) {
      const options = { headers: headers({ [HEADERS.bytes]: String(message.length) }) };
      for (const part of splitIntoParts(message, maxPartBytes())) connection.publish(reply, part, options);
    }
    this.#held.delete(reply);
    if (this.#held.size === 0) this.#idle?.();
  }

  #answerProbe(message: Msg): void {
    const asked = message.json<unknown>();
    if (!Array.isArray(asked)) return;
    message.respond(JSON.stringify(asked.filter((reply) => !this.#held.has(reply))));
  }

  /** One message for each bundle, since a manifest is most of what a payload can take. */
  #list(message: Msg): void {
    for (const { digest, manifest } of this.#options.server.bundles()) {
      const listing = JSON.stringify({ digest, manifest });
      if (Buffer.byteLength(listing) <= this.#options.link.maxPartBytes()) message.respond(listing);
      else this.#logger.warn(`the manifest of ${bundleKey(digest)} is too long to be listed over NATS`);
    }
  }
}
