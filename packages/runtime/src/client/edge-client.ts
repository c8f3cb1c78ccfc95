/**
 * The edge side of a split network: runs the head, codes what crosses the cut, sends it, decodes what comes
 * back, and tells for every request where its bytes and its milliseconds went.
 */

import type { Bundle, QuantizerChoice } from '@featherwire/bundle';
import type { Backend } from '@featherwire/codec';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import {
  digestPrefix,
  type FeatureRequest,
  type PictureRequest,
  serializeMessage,
} from '../protocol/index.js';
import { cutCodingOf } from './coding.js';
import {
  type CodecName,
  type CutEncoder,
  type CutObserver,
  type CutSettings,
  createHostEncoder,
  type EncodedCut,
  type TensorBytes,
} from './cut-encoder.js';
import { readReply } from './reply.js';
import { type Clock, completePolicy, type RetryPolicy, systemClock, withRetries } from './retry.js';
import type { Exchange, ExchangeOptions, Transport } from './transport.js';

/** What an edge client is made of; all of it stays the caller's to close. */
export interface EdgeClientOptions {
  readonly bundle: Bundle;
  /** Runs the bundle's head; only `infer` needs it. */
  readonly head?: ModelSession;
  /**
   * Run the reductions of the bundle's units, by the ids of these; a point with a unit needs its own. A request changes
   * from one to another without opening anything.
   */
  readonly reductions?: ReadonlyMap<string, ModelSession>;
  readonly transport: Transport;
  /** Encodes and decodes frames. */
  readonly backend: Backend;
  /** Runs head, units and codec for `infer`, as that of an `Edge` does; default: `head`, `reductions` and `backend`. */
  readonly encoder?: CutEncoder;
  /** Sees every cut that is coded, its tensors read from wherever they are; the time of that is in `totalMs` alone. */
  readonly onCut?: CutObserver;
  readonly retry?: RetryPolicy;
  readonly clock?: Clock;
  /** Jitter of the waits between attempts, uniform in [0, 1); default `Math.random`. */
  readonly random?: () => number;
}

/** How long a request may take. */
export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** From the call to the result, all attempts included; default 30,000. */
  readonly timeoutMs?: number;
  /** Milliseconds that the request took before the call, as in an exit: it has so much less. 0 by default. */
  readonly elapsedMs?: number;
  /**
   * Tells the server when an answer is of no use any more, so that it drops what is late: what is left of `timeoutMs`, less
   * this time, which the link is expected to take. One to five bytes; without it no deadline travels.
   */
  readonly deadlineLinkMs?: number;
  /**
   * Lets the server code large outputs without a loss where that saves bytes, for links that are slow downwards; false by
   * default.
   */
  readonly compactOutputs?: boolean;
}

/** How a feature travels. */
export interface FeatureRequestOptions extends RequestOptions {
  /** Id of one of the bundle's operating points, or a quantizer for each cut tensor by its name. */
  readonly coding: string | Readonly<Record<string, QuantizerChoice>>;
  /**
   * Has the server compare a checksum of the decoded elements, so that two ends that decode differently are found out
   * (`RemoteError` with `digest-mismatch`); 5 bytes a frame. False by default: frames have a checksum of their own bytes
   * in any case.
   */
  readonly verify?: boolean;
  /**
   * Sends a summary of each cut tensor, 12 bytes each and one more, by which the server watches for drift; only with a
   * profiled point without a unit, since other codings have no range to compare with. False by default.
   */
  readonly statistics?: boolean;
}

/** Bytes of one request, over all attempts that were answered. */
export interface RequestBytes {
  readonly sent: number;
  readonly received: number;
  /** What `sent` and `received` hold; see `Transport.counted`. */
  readonly counted: Transport['counted'];
  /** Codec frames, or the picture, in one request: what is left of `sent` is overhead. */
  readonly payload: number;
  /** In manifest order; empty for a picture. Their sum is `payload`, or less where tensors share a frame. */
  readonly perTensor: readonly TensorBytes[];
}

/**
 * Wall times of one request in milliseconds. The stages are those of the attempt that succeeded; failed
 * attempts and waits between them are in `totalMs` alone.
 */
export interface RequestTimes {
  /** Running the head, 0 without it. */
  readonly headMs: number;
  /** From the feature to the frames: the unit's reduction, if the point has a unit, and the codec. */
  readonly encodeMs: number;
  /** Round trip less the server's total. */
  readonly linkMs: number;
  readonly queueMs: number;
  /** From the frames to the feature, on the server. */
  readonly decodeMs: number;
  readonly tailMs: number;
  readonly respondMs: number;
  /** Decoding the outputs on this side. */
  readonly readMs: number;
  /** From the call to the result. */
  readonly totalMs: number;
}

/** What a request gives. */
export interface InferResult {
  /** By the names of the bundle's outputs. */
  readonly outputs: TensorMap;
  readonly bytes: RequestBytes;
  readonly times: RequestTimes;
  /** What coded the cut; undefined where none was, as for a picture. */
  readonly codec: CodecName | undefined;
  /** Attempts made, from 1. */
  readonly attempts: number;
}

/**
 * The edge side of one bundle. Every method throws `TransportError` or `RemoteError` when no result comes in
 * time, `InferenceError` or `RangeError` for inputs, features or codings that do not fit the bundle, and `TypeError` where a
 * session is missing.
 */
export interface EdgeClient {
  /** Runs the head on this side and the tail on the server. */
  infer(inputs: TensorMap, options: FeatureRequestOptions): Promise<InferResult>;
  /** As `infer`, for features that the head has given already, by the names of the cut tensors. */
  inferFeature(features: TensorMap, options: FeatureRequestOptions): Promise<InferResult>;
  /** Has the server run the whole model on an encoded picture (PNG, JPEG, WebP, AVIF, TIFF or GIF). */
  sendPicture(picture: Uint8Array, options?: RequestOptions): Promise<InferResult>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const LONGEST_DEADLINE_MS = 2 ** 32 - 1;

/** What all requests of a client share. */
interface ClientContext {
  readonly bundle: Bundle;
  readonly bundlePrefix: Uint8Array;
  readonly transport: Transport;
  readonly backend: Backend;
  readonly policy: Required<RetryPolicy>;
  readonly clock: Clock;
  readonly random: () => number;
}

type RequestBody = Omit<FeatureRequest, 'requestId'> | Omit<PictureRequest, 'requestId'>;

/** A request without its id, and what was found out while it was made. */
interface PreparedRequest {
  readonly body: RequestBody;
  readonly made: Pick<EncodedCut, 'perTensor' | 'headMs' | 'encodeMs'> & Pick<InferResult, 'codec'>;
  /** On the clock. */
  readonly started: number;
}

/**
 * Makes the client of one bundle.
 * @throws {RangeError} if the bundle's digest or the retry policy is out of range
 */
export function createEdgeClient(options: EdgeClientOptions): EdgeClient {
  const { bundle, head, reductions = new Map(), transport, backend, onCut } = options;
  const { clock = systemClock, random = Math.random } = options;
  const policy = completePolicy(options.retry);
  const bundlePrefix = digestPrefix(bundle.digest);
  const context: ClientContext = { bundle, bundlePrefix, transport, backend, policy, clock, random };
  const host = createHostEncoder({ bundle, ...(head && { head }), reductions, backend, clock });
  const { encoder = host } = options;
  const settingsOf = ({
    coding,
    verify = false,
    statistics = false,
  }: FeatureRequestOptions): CutSettings => ({
    ...{ coding: cutCodingOf(bundle, coding), digest: verify, statistics },
    ...(onCut && { onCut }),
  });
  return {
    async infer(inputs, requestOptions) {
      const started = clock.now();
      const cut = await encoder.encode(inputs, settingsOf(requestOptions));
      return send(context, requestOf(context, cut, started), requestOptions);
    },
    async inferFeature(features, requestOptions) {
      const started = clock.now();
      const cut = await host.encodeFeatures(features, settingsOf(requestOptions));
      return send(context, requestOf(context, cut, started), requestOptions);
    },
    async sendPicture(picture, requestOptions = {}) {
      const body = { kind: 'picture-request' as const, bundlePrefix, image: picture };
      const made = { perTensor: [], codec: undefined, headMs: 0, encodeMs: 0 };
      return send(context, { body, made, started: clock.now() }, requestOptions);
    },
  };
}

/** The request of a coded cut. */
function requestOf({ bundlePrefix }: ClientContext, cut: EncodedCut, started: number): PreparedRequest {
  const { frames, statistics } = cut;
  const body = {
    ...{ kind: 'feature-request' as const, bundlePrefix, frames },
    ...(statistics && { statistics }),
  };
  return { body, made: cut, started };
}

/** Sends a request until it is answered for good, and puts the account of it together. */
async function send(
  context: ClientContext,
  request: PreparedRequest,
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS, elapsedMs = 0, deadlineLinkMs, compactOutputs }: RequestOptions,
): Promise<InferResult> {
  const { transport, clock } = context;
  const { started } = request;
  const { perTensor, codec, headMs, encodeMs } = request.made;
  const body = compactOutputs ? { ...request.body, compactOutputs } : request.body;
  let sent = 0;
  let received = 0;
  const { result, attempts } = await withRetries(
    async (remainingMs) => {
      const deadline = deadlineLinkMs === undefined ? {} : deadlineOf(remainingMs - deadlineLinkMs);
      const answer = await exchange(context, { ...body, ...deadline }, { signal, timeoutMs: remainingMs });
      sent += answer.bytesSent;
      received += answer.bytesReceived;
      return readAnswer(context, answer);
    },
    { ...context, signal, deadline: started + timeoutMs - elapsedMs },
  );
  const { outputs, linkMs, readMs, server } = result;
  const { queueMs, decodeMs, tailMs, respondMs } = server;
  const totalMs = clock.now() - started;
  return {
    outputs,
    bytes: { sent, received, counted: transport.counted, payload: payloadBytes(body), perTensor },
    times: { headMs, encodeMs, linkMs, queueMs, decodeMs, tailMs, respondMs, readMs, totalMs },
    codec,
    attempts,
  };
}

interface Answer extends Exchange {
  readonly requestId: number;
  readonly roundTripMs: number;
}

async function exchange(
  { transport, clock }: ClientContext,
  body: RequestBody,
  options: ExchangeOptions,
): Promise<Answer> {
  const requestId = transport.nextRequestId();
  const message = serializeMessage({ ...body, requestId });
  const sentAt = clock.now();
  const answer = await transport.exchange(message, options);
  return { ...answer, requestId, roundTripMs: clock.now() - sentAt };
}

function readAnswer({ bundle, backend, clock }: ClientContext, { message, requestId, roundTripMs }: Answer) {
  const readStart = clock.now();
  const { outputs, times: server } = readReply(message, requestId, bundle.manifest, backend);
  const readMs = clock.now() - readStart;
  // A server whose clock runs faster could claim more than the round trip: the link never takes less than 0.
  return { outputs, server, readMs, linkMs: Math.max(0, roundTripMs - server.totalMs) };
}

/** A time as requests carry it. */
function deadlineOf(leftMs: number): { readonly deadlineMs: number } {
  return { deadlineMs: Math.floor(Math.min(Math.max(0, leftMs), LONGEST_DEADLINE_MS)) };
}

function payloadBytes(body: RequestBody): number {
  if (body.kind === 'picture-request') return body.image.length;
  return body.frames.reduce((sum, frame) => sum + frame.length, 0);
}
