/**
 * A lab: a TCP proxy on this machine between clients and a server, through which every connection behaves as over a
 * given link. All connections share the link's rate, in each direction. What is modeled and what is not:
 * `segment-model.ts`, and the README of `@featherwire/link`. Connecting takes no time: the first request pays no handshake.
 */

import {
  type AddressInfo,
  createServer,
  connect as openConnection,
  type Server,
  type Socket,
} from 'node:net';
import { checkLink, type LinkProfile, rateSchedule } from '@featherwire/link';
import { type LabClock, systemLabClock } from './lab-clock.js';
import { LinkQueue } from './link-queue.js';
import { SegmentModel } from './segment-model.js';
import { ShapedStream } from './shaped-stream.js';

/** Settings of a lab. */
export interface LinkLabOptions {
  readonly link: LinkProfile;
  /** Where the server listens. */
  readonly target: { readonly host: string; readonly port: number };
  /** Jitter and losses, uniform in [0, 1); default `Math.random`. */
  readonly random?: () => number;
  /** Default: the machine's. */
  readonly clock?: LabClock;
}

/** A running lab. */
export interface LinkLab {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  stats(): LinkLabStats;
  /** Resets the connections that are open, and stops listening. */
  close(): Promise<void>;
}

/** What a lab has done, over all connections. */
export interface LinkLabStats {
  readonly openConnections: number;
  /** From clients to the server. */
  readonly uplinkBytes: number;
  readonly downlinkBytes: number;
  /** Held in both directions. */
  readonly heldBytes: number;
}

/** Bytes that a direction holds at least; more where the link itself does. */
const MIN_HELD_BYTES = 1 << 18;
/** What a link holds of bytes on their way, as a multiple of rate times round trip. */
const HELD_ROUND_TRIPS = 4;
const BYTES_PER_MS_OF_MBPS = 125;

/**
 * Starts a lab on a free port.
 * @throws {RangeError} if the link is out of range
 */
export async function startLinkLab(options: LinkLabOptions): Promise<LinkLab> {
  checkLink(options.link);
  const lab = new ProxyLab(options);
  await lab.listen();
  return lab;
}

/** The two ends of a connection and what passes between them. */
interface LabConnection {
  readonly sockets: readonly Socket[];
  readonly uplink: ShapedStream;
  readonly downlink: ShapedStream;
}

class ProxyLab implements LinkLab {
  readonly #options: LinkLabOptions;
  readonly #clock: LabClock;
  readonly #random: () => number;
  readonly #begunMs: number;
  readonly #uplink: LinkQueue;
  readonly #downlink: LinkQueue;
  readonly #server: Server;
  readonly #connections = new Set<LabConnection>();
  #uplinkBytes = 0;
  #downlinkBytes = 0;
  #closing: Promise<void> | undefined;

  constructor(options: LinkLabOptions) {
    const { link, clock = systemLabClock, random = Math.random } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#begunMs = clock.now();
    this.#uplink = new LinkQueue(rateSchedule(link, 'uplink'));
    this.#downlink = new LinkQueue(rateSchedule(link, 'downlink'));
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#connect(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  stats(): LinkLabStats {
    const connections = [...this.#connections];
    const sum = (measure: (connection: LabConnection) => number): number =>
      connections.reduce((total, connection) => total + measure(connection), 0);
    return {
      openConnections: connections.length,
      uplinkBytes: this.#uplinkBytes + sum(({ uplink }) => uplink.passedBytes),
      downlinkBytes: this.#downlinkBytes + sum(({ downlink }) => downlink.passedBytes),
      heldBytes: sum(({ uplink, downlink }) => uplink.heldBytes + downlink.heldBytes),
    };
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const { sockets } of this.#connections) for (const socket of sockets) socket.resetAndDestroy();
    });
    return this.#closing;
  }

  #connect(client: Socket): void {
    const { link, target } = this.#options;
    const server = openConnection({ ...target, allowHalfOpen: true, noDelay: true });
    const connection: LabConnection = {
      sockets: [client, server],
      uplink: this.#shape(client, server, this.#uplink, link.uplinkMbps),
      downlink: this.#shape(server, client, this.#downlink, link.downlinkMbps),
    };
    this.#connections.add(connection);
    for (const socket of connection.sockets) {
      socket.on('error', () => undefined); // 'close' follows, and the other end learns of it by its own close
      socket.on('close', (hadError) => this.#ended(connection, hadError));
    }
  }

  #shape(source: Socket, target: Socket, queue: LinkQueue, mbps: number): ShapedStream {
    const { link } = this.#options;
    const onTheWay = mbps * BYTES_PER_MS_OF_MBPS * link.roundTripMs;
    return new ShapedStream({
      ...{ source, target, clock: this.#clock, begunMs: this.#begunMs },
      model: new SegmentModel(link, queue, this.#random),
      maxHeldBytes: Math.max(MIN_HELD_BYTES, HELD_ROUND_TRIPS * onTheWay),
    });
  }

  /** A connection is over when both sockets are, or as soon as one ends without having said so. */
  #ended(connection: LabConnection, hadError: boolean): void {
    const { sockets, uplink, downlink } = connection;
    const isBroken = hadError || sockets.some((socket) => socket.destroyed && !socket.readableEnded);
    if (!isBroken && sockets.some((socket) => !socket.destroyed)) return;
    for (const socket of sockets) if (!socket.destroyed) socket.resetAndDestroy();
    if (!this.#connections.delete(connection)) return;
    this.#uplinkBytes += uplink.passedBytes;
    this.#downlinkBytes += downlink.passedBytes;
    uplink.close();
    downlink.close();
  }
}
