/** One WebSocket of a server: its requests in flight, the bytes that it makes the server hold, and when it is cut. */

import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { peekRequestId } from '../../protocol/index.js';
import type { ByteBudget } from './byte-budget.js';
import type { ServerLimits } from './limits.js';
import type { Answer, Refusal, RequestHandler } from './request-handler.js';

/** What a connection works with. */
export interface ConnectionContext {
  readonly handler: RequestHandler;
  readonly budget: ByteBudget;
  readonly limits: Pick<ServerLimits, 'maxRequestsPerConnection' | 'receiveTimeoutMs'>;
  readonly client: string;
}

/** A request that was read, with its bytes in the budget. */
interface WaitingRequest {
  readonly received: Buffer;
  readonly heldBytes: number;
}

/** Refusals that a client may leave unread. */
const MAX_UNREAD_REFUSALS = 1024;
/** Longest time for which a client that was told to wait is not read. */
const MAX_PAUSE_MS = 1000;
/** Of a control frame from a client: two bytes and a mask (RFC 6455 §5.2). */
const CONTROL_HEADER_BYTES = 6;
const GOING_AWAY = 1001; // RFC 6455 §7.4.1
const TRY_AGAIN_LATER = 1013; // IANA registry of close codes

/** A connection that was taken. */
export class StreamConnection {
  readonly #socket: WebSocket;
  readonly #context: ConnectionContext;
  /** Requests taken whose answer has not left yet. */
  #taken = 0;
  /** Requests that were read while as many as may be were taken. */
  readonly #waiting: WaitingRequest[] = [];
  /** Messages refused whose answer has not left yet. */
  #refused = 0;
  /** Bytes that came and belong to no complete message yet; in the budget. */
  #pendingBytes = 0;
  #pendingSince = 0;
  /** Bytes of requests without an answer, and of answers that have not left; in the budget. */
  #heldBytes = 0;
  #draining = false;
  #alive = true;
  /** Why the connection is not read: it was told to wait, or has as many requests as it may. */
  readonly #pauses = new Set<'wait' | 'full'>();

  /** @param stream - what carries the WebSocket */
  constructor(socket: WebSocket, stream: Duplex, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    // Before the listener that takes messages out of what came.
    stream.prependListener('data', (chunk: Buffer) => this.#count(chunk.length));
    socket.on('message', (received, isBinary) => this.#receive(received as Buffer, isBinary));
    for (const kind of ['ping', 'pong'] as const) {
      socket.on(kind, (payload) => {
        this.#alive = true;
        this.#forget(Math.min(this.#pendingBytes, payload.length + CONTROL_HEADER_BYTES));
      });
    }
    socket.on('close', () => {
      context.budget.release(context.client, this.#pendingBytes + this.#heldBytes);
      this.#pendingBytes = 0;
      this.#heldBytes = 0;
      this.#waiting.length = 0;
    });
  }

  ping(): void {
    // While it is not read, no answer to a ping is seen: only what it does not take tells that it is gone.
    const isHeard = this.#alive || (this.#pauses.size > 0 && this.#socket.bufferedAmount === 0);
    if (!isHeard) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    this.#socket.ping();
  }

  /** Ends the connection if a message has been coming for longer than messages may take. */
  endIfStalled(now: number): void {
    const { receiveTimeoutMs } = this.#context.limits;
    if (this.#pauses.size > 0) {
      this.#pendingSince = now; // nothing comes of what is not read
      return;
    }
    if (this.#pendingBytes > 0 && now - this.#pendingSince > receiveTimeoutMs) this.#socket.terminate();
  }

  drain(): void {
    this.#draining = true;
    this.#closeIfDone();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Counts what came, before it is known what it is. */
  #count(bytes: number): void {
    const { budget, client } = this.#context;
    if (this.#isClosed()) return;
    if (!budget.take(client, bytes)) {
      this.#socket.close(TRY_AGAIN_LATER);
      this.#socket.terminate();
      return;
    }
    if (this.#pendingBytes === 0) this.#pendingSince = performance.now();
    this.#pendingBytes += bytes;
  }

  /**
   * A message is complete: its bytes are held until it is answered. The rest are headers, and what the same chunk has of the
   * next message, which goes uncounted: no more than a chunk for each connection.
   */
  #hold(bytes: number): number {
    const heldBytes = Math.min(this.#pendingBytes, bytes);
    this.#pendingBytes -= heldBytes;
    this.#heldBytes += heldBytes;
    this.#forget(this.#pendingBytes);
    return heldBytes;
  }

  #forget(bytes: number): void {
    this.#pendingBytes -= bytes;
    this.#context.budget.release(this.#context.client, bytes);
  }

  #release(bytes: number): void {
    if (this.#isClosed()) return; // everything was released with the connection
    this.#heldBytes -= bytes;
    this.#context.budget.release(this.#context.client, bytes);
  }

  #receive(received: Buffer, isBinary: boolean): void {
    this.#alive = true;
    const heldBytes = this.#hold(received.length);
    const { maxRequestsPerConnection } = this.#context.limits;
    if (!isBinary) {
      this.#refuse({ requestId: 0, code: 'malformed-message', text: 'message expected binary, got text' });
      this.#release(heldBytes);
    } else if (this.#taken < maxRequestsPerConnection) {
      void this.#take({ received, heldBytes });
    } else if (this.#waiting.length < maxRequestsPerConnection) {
      this.#waiting.push({ received, heldBytes }); // read in one chunk with what filled the connection
    } else {
      const text = `${maxRequestsPerConnection} requests of this connection are unanswered`;
      this.#refuse({ requestId: peekRequestId(received), code: 'overloaded', text });
      this.#release(heldBytes);
    }
  }

  async #take({ received, heldBytes }: WaitingRequest): Promise<void> {
    const { handler, limits, client } = this.#context;
    const { maxRequestsPerConnection } = limits;
    this.#taken++;
    if (this.#taken === maxRequestsPerConnection) this.#pause('full');
    const answer = await handler.handle(received, client);
    this.#release(heldBytes);
    this.#send(answer, () => {
      this.#taken--;
      this.#alive = true;
      const next = this.#waiting.shift();
      if (next) void this.#take(next);
      else if (this.#taken <= maxRequestsPerConnection / 2) this.#resume('full');
    });
    if (answer.retryAfterMs !== undefined) this.#pauseFor(answer.retryAfterMs);
  }

  /** Refusals are not bounded by the requests taken: a client that sends and never reads is cut. */
  #refuse(refusal: Refusal): void {
    this.#refused++;
    if (this.#refused > MAX_UNREAD_REFUSALS) this.#socket.terminate();
    this.#send(this.#context.handler.refuse(refusal), () => {
      this.#refused--;
    });
  }

  #send({ message }: Answer, left: () => void): void {
    const { budget, client } = this.#context;
    const { length } = message;
    if (!this.#isClosed()) {
      budget.owe(client, length);
      this.#heldBytes += length;
    }
    this.#socket.send(message, { binary: true }, () => {
      this.#release(length);
      left();
      this.#closeIfDone();
    });
  }

  #pauseFor(ms: number): void {
    if (this.#pauses.has('wait')) return;
    this.#pause('wait');
    setTimeout(() => this.#resume('wait'), Math.min(ms, MAX_PAUSE_MS)).unref();
  }

  /** Not reading makes the client's own network wait: cheaper than to read and refuse. */
  #pause(reason: 'wait' | 'full'): void {
    if (this.#isClosed()) return;
    this.#pauses.add(reason);
    this.#socket.pause();
  }

  #resume(reason: 'wait' | 'full'): void {
    if (this.#pauses.delete(reason) && this.#pauses.size === 0) this.#socket.resume();
  }

  #isClosed(): boolean {
    return this.#socket.readyState === this.#socket.CLOSED;
  }

  #closeIfDone(): void {
    if (this.#draining && this.#taken + this.#refused === 0) this.#socket.close(GOING_AWAY);
  }
}
