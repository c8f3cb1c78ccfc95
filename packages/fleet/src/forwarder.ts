/**
 * Requests done by workers of a fleet. A request that nobody can take fails at once; one that a worker accepted is sent to
 * another when that worker is lost, within the request's time, so that none is lost with a worker. Each has one outcome,
 * whoever else may answer later.
 */

import { type Message, parseMessage, type RemoteErrorCode, serializeMessage } from '@featherwire/runtime';
import type { Arrival, InferenceRequest, RequestOutcome, RequestRunner } from '@featherwire/runtime/node';
import { sendAttempt } from './attempt.js';
import type { Inbox } from './inbox.js';
import type { NatsLink } from './nats-link.js';
import type { WorkerWatch } from './worker-watch.js';

/** What a forwarder works with. */
export interface ForwarderOptions {
  readonly link: NatsLink;
  readonly inbox: Inbox;
  readonly watch: WorkerWatch;
  /** From a request's last byte to its answer. */
  readonly requestTimeoutMs: number;
  /** Longest answer. */
  readonly maxAnswerBytes: number;
  /** Told of each attempt that ended with its worker, or on the way. */
  readonly onLost: () => void;
}

/** Between attempts while there is no worker for a request that was accepted before. */
const NO_WORKER_WAIT_MS = 100;
/** What a client is told to wait when there is nobody for its request. */
const RETRY_AFTER_MS = 250;
/** Other workers that are asked after one refused for reasons of its own. */
const MAX_REDIRECTS = 2;
/** A request over which so many workers were lost may be why. */
const MAX_LOSSES = 3;
/** Refusals that say something of the worker, not of the request. */
const REDIRECTED: ReadonlySet<RemoteErrorCode> = new Set([
  'overloaded',
  'shutting-down',
  'worker-lost',
  'unknown-bundle',
]);

/** A runner over the workers that NATS knows. */
export function createForwarder(options: ForwarderOptions): RequestRunner {
  return async (request, arrival) => {
    const { receivedAt } = arrival;
    const { deadlineMs = Number.POSITIVE_INFINITY } = request;
    const endsAt = receivedAt + options.requestTimeoutMs;
    const course: Course = { wasAccepted: false, losses: 0, redirects: 0, refusal: undefined };
    for (;;) {
      const now = performance.now();
      if (now >= endsAt) return refuse('timeout', 'no worker answered in the time for a request');
      if (now >= receivedAt + deadlineMs)
        return refuse('deadline-passed', 'the deadline passed between workers');
      const outcome = await attemptOnce(request, arrival, { options, course, endsAt });
      if (outcome) return outcome;
    }
  };
}

/** What happened to a request so far. */
interface Course {
  /** Whether a worker ever accepted it. */
  wasAccepted: boolean;
  losses: number;
  redirects: number;
  /** Of the worker asked last, if it refused. */
  refusal: RequestOutcome | undefined;
}

interface Turn {
  readonly options: ForwarderOptions;
  readonly course: Course;
  readonly endsAt: number;
}

/** @returns undefined if the request is to be sent again */
async function attemptOnce(
  request: InferenceRequest,
  arrival: Arrival,
  { options, course, endsAt }: Turn,
): Promise<RequestOutcome | undefined> {
  if (!options.link.isConnected()) return waitForWorkers(course, 'the gateway has no connection to NATS');
  const bytes = withTimeLeft(request, arrival);
  const result = await sendAttempt({ ...arrival, bytes }, request.bundlePrefix, { ...options, endsAt });
  course.wasAccepted ||= result.wasAccepted;
  switch (result.kind) {
    case 'answer':
      return outcomeOf(result.message, request, arrival, course);
    case 'no-worker':
      return course.refusal ?? waitForWorkers(course, 'no worker serves this bundle');
    case 'lost':
      options.onLost();
      if (result.wasAccepted) course.losses++;
      if (course.losses < MAX_LOSSES) return undefined;
      return refuse('worker-lost', `${MAX_LOSSES} workers were lost over this request`);
    case 'timeout':
      return refuse('timeout', 'no worker answered in the time for a request');
    default:
      return result satisfies never;
  }
}

/** Nobody is there: final for what was never accepted; what was accepted is kept until somebody is. */
async function waitForWorkers(course: Course, text: string): Promise<RequestOutcome | undefined> {
  if (!course.wasAccepted) return refuse('worker-lost', text, RETRY_AFTER_MS);
  await new Promise((resolve) => setTimeout(resolve, NO_WORKER_WAIT_MS));
  return undefined;
}

/** The request with what is left of its deadline, which counts from when the gateway had it. */
function withTimeLeft(request: InferenceRequest, { bytes, receivedAt }: Arrival): Uint8Array {
  const elapsedMs = Math.floor(performance.now() - receivedAt);
  if (request.deadlineMs === undefined || elapsedMs === 0) return bytes;
  return serializeMessage({ ...request, deadlineMs: Math.max(0, request.deadlineMs - elapsedMs) });
}

function outcomeOf(
  bytes: Uint8Array,
  { requestId }: InferenceRequest,
  { receivedAt }: Arrival,
  course: Course,
): RequestOutcome | undefined {
  const message = parseAnswer(bytes);
  if (message?.requestId !== requestId) return refuse('internal', 'a worker gave no answer to the request');
  if (message.kind === 'response') {
    const times = { ...message.times, totalMs: performance.now() - receivedAt };
    return { kind: 'answered', message: serializeMessage({ ...message, times }), observation: { times } };
  }
  if (message.kind !== 'error') return refuse('internal', `a worker answered with a ${message.kind}`);
  const { code, text, retryAfterMs } = message;
  const refusal = refuse(code, text, retryAfterMs);
  if (!REDIRECTED.has(code) || course.redirects === MAX_REDIRECTS) return refusal;
  course.redirects++;
  course.refusal = refusal;
  return undefined;
}

function parseAnswer(bytes: Uint8Array): Message | undefined {
  try {
    return parseMessage(bytes);
  } catch {
    return undefined;
  }
}

function refuse(code: RemoteErrorCode, text: string, retryAfterMs?: number): RequestOutcome {
  return { kind: 'refused', code, text, retryAfterMs };
}
