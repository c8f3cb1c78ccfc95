/**
 * What a client does when link or server give no answer in time: the tail on this side, a picture to the server's whole
 * model, or an error that says so. A circuit breaker keeps it from waiting for what has not answered lately. Requests are
 * pure functions of their bytes, so that one whose answer was lost may be answered in any of these ways.
 */

import type { Bundle } from '@featherwire/bundle';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import type { EdgeClient, InferResult, RequestOptions } from '../client/edge-client.js';
import { RemoteError, TransportError } from '../client/errors.js';
import { localResult } from '../client/local-result.js';
import { type Clock, systemClock } from '../client/retry.js';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.js';

/** How requests are answered that the split way does not answer. */
export type Fallback =
  /** Head and tail on this side; without a head requests are cut tensors. */
  | { readonly kind: 'local'; readonly head?: ModelSession; readonly tail: ModelSession }
  /** The input as a picture to the server's whole model; needs a picture with each request. */
  | { readonly kind: 'picture'; readonly client: EdgeClient; readonly timeoutMs: number }
  /** Not at all: `SplitUnavailableError`. */
  | { readonly kind: 'error' };

/** What a fallback client is made of; all of it stays the caller's to close. */
export interface FallbackClientOptions<T extends InferResult> {
  readonly bundle: Bundle;
  /** The split way: an edge client at some point, or a budgeted one. */
  readonly split: (inputs: TensorMap, options: RequestOptions) => Promise<T>;
  readonly fallback: Fallback;
  /** How long the split way may take before the fallback begins, in milliseconds above 0. */
  readonly patienceMs: number;
  /** Default: opens after three failures in a row, for half a second at first. */
  readonly breaker?: CircuitBreaker;
  readonly clock?: Clock;
}

/** One request's settings. */
export interface FallbackRequestOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds that the request took before: the split way, which is told them, has so much less. 0 by default. */
  readonly elapsedMs?: number;
  /** The input as an encoded picture, asked for when it is sent. */
  readonly picture?: () => Uint8Array | Promise<Uint8Array>;
}

/** A result of the split way, or of the fallback with the reason for it. */
export type FallbackResult<T extends InferResult> =
  | (T & { readonly way: 'split' })
  | (InferResult & { readonly way: 'local' | 'picture'; readonly reason: SplitUnavailableError });

/** Answers every request in one way or another. */
export interface FallbackClient<T extends InferResult> {
  /**
   * @throws {SplitUnavailableError} if the fallback is `error`, or gives no answer either; what the split way throws for
   *   inputs and options that are wrong; `TransportError` with `aborted`
   */
  infer(inputs: TensorMap, options?: FallbackRequestOptions): Promise<FallbackResult<T>>;
}

/** The split way gave no answer: `link` or `server` failed, or the breaker is `open` since they did. */
export class SplitUnavailableError extends Error {
  override readonly name = 'SplitUnavailableError';
  readonly code: 'link' | 'server' | 'open';

  constructor(code: SplitUnavailableError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Puts a fallback behind the split way.
 * @throws {RangeError} if the patience is not above 0
 */
export function createFallbackClient<T extends InferResult>(
  options: FallbackClientOptions<T>,
): FallbackClient<T> {
  const { split, patienceMs, breaker = createCircuitBreaker(), clock = systemClock } = options;
  if (!(patienceMs > 0)) throw new RangeError(`patienceMs expected a number above 0, got ${patienceMs}`);
  return {
    async infer(inputs, request = {}) {
      const started = clock.now();
      const { signal, elapsedMs = 0 } = request;
      if (!breaker.admit(started)) {
        const reason = new SplitUnavailableError('open', 'link or server gave no answers lately');
        return answerOtherwise(options, inputs, request, reason, started);
      }
      try {
        // The server need not begin what cannot be back in time even over a link that takes none.
        const patience = { timeoutMs: patienceMs, deadlineLinkMs: 0, ...(elapsedMs > 0 && { elapsedMs }) };
        const result = await split(inputs, { ...patience, ...(signal && { signal }) });
        breaker.succeed();
        return { ...result, way: 'split' };
      } catch (error) {
        const reason = signal?.aborted ? null : reasonOf(error);
        if (!reason) {
          breaker.cancel();
          throw error;
        }
        breaker.fail(clock.now(), error instanceof RemoteError ? error.retryAfterMs : 0);
        return answerOtherwise(options, inputs, request, reason, started);
      }
    },
  };
}

/** Why another way should answer; null if the caller is to hear of it. */
function reasonOf(error: unknown): SplitUnavailableError | null {
  if (error instanceof RemoteError)
    return new SplitUnavailableError('server', error.message, { cause: error });
  if (!(error instanceof TransportError) || error.code === 'aborted' || error.code === 'closed') return null;
  return new SplitUnavailableError('link', error.message, { cause: error });
}

async function answerOtherwise(
  {
    bundle,
    fallback,
    clock = systemClock,
  }: Pick<FallbackClientOptions<never>, 'bundle' | 'fallback' | 'clock'>,
  inputs: TensorMap,
  { signal, picture }: FallbackRequestOptions,
  reason: SplitUnavailableError,
  started: number,
): Promise<InferResult & { readonly way: 'local' | 'picture'; readonly reason: SplitUnavailableError }> {
  switch (fallback.kind) {
    case 'error':
      throw reason;
    case 'local':
      return { ...(await runLocally(bundle, fallback, inputs, clock, started)), way: 'local', reason };
    case 'picture': {
      if (!picture) throw new TypeError('picture expected with each request of this fallback, got none');
      const { client, timeoutMs } = fallback;
      try {
        const result = await client.sendPicture(await picture(), { timeoutMs, ...(signal && { signal }) });
        return {
          ...result,
          times: { ...result.times, totalMs: clock.now() - started },
          way: 'picture',
          reason,
        };
      } catch (error) {
        throw reasonOf(error) ?? error;
      }
    }
    default:
      return fallback satisfies never;
  }
}

/** Nothing crosses the link: no bytes, no attempts. */
async function runLocally(
  { manifest }: Bundle,
  { head, tail }: Extract<Fallback, { kind: 'local' }>,
  inputs: TensorMap,
  clock: Clock,
  started: number,
): Promise<InferResult> {
  const headStart = clock.now();
  const features = head ? (await head.run(inputs)).outputs : inputs;
  const tailStart = clock.now();
  const { outputs } = await tail.run(
    Object.fromEntries(manifest.cut.map(({ name }) => [name, features[name]])),
  );
  const ended = clock.now();
  return localResult(outputs, {
    headMs: tailStart - headStart,
    tailMs: ended - tailStart,
    totalMs: ended - started,
  });
}
