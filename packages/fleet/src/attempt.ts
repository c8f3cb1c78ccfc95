/** One try of a request: sent to whichever worker NATS chooses, accepted, answered, or found lost. */

import type { Arrival } from '@featherwire/runtime/node';
import type { Msg } from '@nats-io/transport-node';
import type { Inbox } from './inbox.js';
import type { NatsLink } from './nats-link.js';
import { createPartJoiner, type PartJoiner, splitIntoParts } from './parts.js';
import { HEADERS, partsSubject, requestSubject } from './subjects.js';
import type { WorkerWatch } from './worker-watch.js';

/** How a try ended. */
export type AttemptResult =
  | { readonly kind: 'answer'; readonly message: Uint8Array; readonly wasAccepted: true }
  /** Nobody takes requests of this bundle. */
  | { readonly kind: 'no-worker'; readonly wasAccepted: false }
  /** Who had it is gone, or nobody accepted it. */
  | { readonly kind: 'lost'; readonly wasAccepted: boolean }
  | { readonly kind: 'timeout'; readonly wasAccepted: boolean };

/** A request as workers get it. */
export type RequestToSend = Pick<Arrival, 'bytes' | 'client' | 'traceparent'>;

/** What a try works with. */
export interface AttemptContext {
  readonly link: NatsLink;
  readonly inbox: Inbox;
  readonly watch: WorkerWatch;
  /** On the clock of `performance.now()`. */
  readonly endsAt: number;
  /** Longest answer. */
  readonly maxAnswerBytes: number;
}

/** Workers accept what they get at once: what nobody accepted in this time went to one that had ended. */
const ACCEPT_TIMEOUT_MS = 500;
const NO_RESPONDERS = 503;

/** Tries once. */
export function sendAttempt(
  request: RequestToSend,
  bundlePrefix: Uint8Array,
  context: AttemptContext,
): Promise<AttemptResult> {
  return new Promise((resolve) => new Attempt(context, resolve).send(request, bundlePrefix));
}

class Attempt {
  readonly #context: AttemptContext;
  readonly #resolve: (result: AttemptResult) => void;
  readonly #subject: string;
  #worker: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Parts of the request that wait for its acceptance. */
  #furtherParts: readonly Uint8Array[] = [];
  #answer: PartJoiner | undefined;

  constructor(context: AttemptContext, resolve: (result: AttemptResult) => void) {
    this.#context = context;
    this.#resolve = resolve;
    this.#subject = context.inbox.open((message) => this.#receive(message));
  }

  send({ bytes, client, traceparent }: RequestToSend, bundlePrefix: Uint8Array): void {
    const { connection, headers, maxPartBytes } = this.#context.link;
    const [first, ...further] = splitIntoParts(bytes, maxPartBytes());
    this.#furtherParts = further;
    this.#timer = setTimeout(() => this.#end({ kind: 'lost', wasAccepted: false }), ACCEPT_TIMEOUT_MS);
    const fields = {
      ...{ [HEADERS.client]: encodeURIComponent(client), [HEADERS.bytes]: String(bytes.length) },
      ...(traceparent !== undefined && { [HEADERS.traceparent]: traceparent }),
    };
    const key = Buffer.from(bundlePrefix).toString('hex');
    connection.publish(requestSubject(key), first, { reply: this.#subject, headers: headers(fields) });
  }

  #receive({ headers, data }: Msg): void {
    if (headers?.code === NO_RESPONDERS && data.length === 0) {
      this.#end({ kind: 'no-worker', wasAccepted: false });
      return;
    }
    const worker = headers?.get(HEADERS.worker);
    if (worker) {
      this.#accepted(worker);
      return;
    }
    const totalBytes = Number(headers?.get(HEADERS.bytes));
    this.#answer ??= createPartJoiner(Math.min(totalBytes, this.#context.maxAnswerBytes));
    const message = this.#join(data);
    if (message) this.#end({ kind: 'answer', message, wasAccepted: true });
  }

  /** An answer that breaks its own word is taken as it is: it is no message then, and refused as such. */
  #join(part: Uint8Array): Uint8Array | undefined {
    try {
      return this.#answer?.add(part);
    } catch {
      return part;
    }
  }

  #accepted(worker: string): void {
    const { link, watch, endsAt } = this.#context;
    clearTimeout(this.#timer);
    this.#worker = worker;
    const leftMs = Math.max(0, endsAt - performance.now());
    this.#timer = setTimeout(() => this.#end({ kind: 'timeout', wasAccepted: true }), leftMs);
    watch.add(worker, this.#subject, () => this.#end({ kind: 'lost', wasAccepted: true }));
    const headers = link.headers({ [HEADERS.attempt]: this.#subject });
    for (const part of this.#furtherParts) link.connection.publish(partsSubject(worker), part, { headers });
    this.#furtherParts = [];
  }

  #end(result: AttemptResult): void {
    const { inbox, watch } = this.#context;
    clearTimeout(this.#timer);
    inbox.close(this.#subject);
    if (this.#worker !== undefined) watch.delete(this.#worker, this.#subject);
    this.#resolve(result);
  }
}
