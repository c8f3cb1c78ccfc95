/** A connection to NATS that comes back by itself. The client library is loaded when it is first needed. */

import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';

/** Which servers, and who one is to them. */
export interface NatsOptions {
  /** `nats://host:port` or `tls://host:port`; any of one cluster. */
  readonly servers: readonly string[];
  /** Text of a credentials file (JWT and seed); default: none. */
  readonly credentials?: string;
}

/** A connection and what is made with its library. */
export interface NatsLink {
  readonly connection: NatsConnection;
  /** False while it tries to come back. */
  isConnected(): boolean;
  /** Most bytes of a message without its headers. */
  maxPartBytes(): number;
  headers(fields: Readonly<Record<string, string>>): MsgHdrs;
  /** Sends what waits and ends the connection. */
  close(): Promise<void>;
}

/** There is no connection to NATS, or no library for one. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
}

const CONNECT_TIMEOUT_MS = 5000;
const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 100;
/** A server that says nothing to two of these is gone: its machine may have ended without a word. */
const PING_INTERVAL_MS = 5000;
const MAX_PINGS_OUT = 2;
/** Kept of a message for its headers. */
const HEADER_ROOM_BYTES = 4096;
/** A server without messages longer than this serves nothing here. */
const LEAST_PAYLOAD_BYTES = 2 * HEADER_ROOM_BYTES;

/**
 * Connects.
 * @param name - of this client, for those who look after the server
 * @throws {FleetError} if there is no server that takes the connection, or the library is not installed
 */
export async function connectToNats({ servers, credentials }: NatsOptions, name: string): Promise<NatsLink> {
  const library = await loadLibrary();
  const connection = await library
    .connect({
      ...{ servers: [...servers], name, timeout: CONNECT_TIMEOUT_MS, maxReconnectAttempts: -1 },
      ...{ reconnectTimeWait: RECONNECT_WAIT_MS, reconnectJitter: RECONNECT_JITTER_MS },
      ...{ pingInterval: PING_INTERVAL_MS, maxPingOut: MAX_PINGS_OUT },
      ...(credentials !== undefined && {
        authenticator: library.credsAuthenticator(new TextEncoder().encode(credentials)),
      }),
    })
    .catch((cause: Error) => {
      throw new FleetError(`cannot connect to NATS at ${servers.join(', ')}: ${cause.message}`, { cause });
    });
  const state = { connected: true };
  void followStatus(connection, state);
  const maxPayloadBytes = (): number => connection.info?.max_payload ?? LEAST_PAYLOAD_BYTES;
  if (maxPayloadBytes() < LEAST_PAYLOAD_BYTES) {
    await connection.close();
    throw new FleetError(
      `max_payload of NATS expected at least ${LEAST_PAYLOAD_BYTES} bytes, got ${maxPayloadBytes()}`,
    );
  }
  return {
    connection,
    isConnected: () => state.connected && !connection.isClosed(),
    maxPartBytes: () => maxPayloadBytes() - HEADER_ROOM_BYTES,
    headers(fields) {
      const made = library.headers();
      for (const [field, value] of Object.entries(fields)) made.set(field, value);
      return made;
    },
    async close() {
      if (connection.isClosed()) return;
      // A drain waits for a server that may be away.
      await (state.connected ? connection.drain() : connection.close()).catch(() => undefined);
    },
  };
}

async function loadLibrary(): Promise<typeof import('@nats-io/transport-node')> {
  try {
    return await import('@nats-io/transport-node');
  } catch (cause) {
    throw new FleetError('NATS expected the package @nats-io/transport-node to be installed', { cause });
  }
}

async function followStatus(connection: NatsConnection, state: { connected: boolean }): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect') state.connected = false;
    else if (type === 'reconnect') state.connected = true;
  }
  state.connected = false;
}
