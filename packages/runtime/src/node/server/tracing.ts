/**
 * Traces of requests by OpenTelemetry, where its API is installed and an application or `--import` has registered something that
 * records them; nothing else is loaded, and without it there are none. A request is a span with its stages as children; the
 * stages are known when it is done, so that they are told afterwards, with their times.
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { Attributes, Span, SpanContext, Tracer } from '@opentelemetry/api';
import { REMOTE_ERRORS } from '../../protocol/index.js';
import type { RequestObservation } from './server-metrics.js';

/** The request of another service that a request belongs to, as W3C Trace Context has it (`traceparent`). */
export interface TraceParent {
  readonly traceparent?: string | undefined;
}

/** Makes traces. */
export interface RequestTracing {
  /** @param startedAt - on the clock of `performance.now()` */
  begin(parent: TraceParent, startedAt: number): RequestTrace;
}

/** The trace of a request that is being done. */
export interface RequestTrace extends TraceParent {
  end(observation: RequestObservation): void;
}

type Api = typeof import('@opentelemetry/api');

const NAME = 'featherwire';
/** W3C Trace Context, level 1, §3.2.2: a later version may have more fields. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const NO_TRACE: RequestTrace = { end: () => undefined };

/** Without traces. */
export const noTracing: RequestTracing = { begin: () => NO_TRACE };

/** @returns traces where the API is installed, else `noTracing` */
export async function loadTracing(): Promise<RequestTracing> {
  let api: Api;
  try {
    api = await import('@opentelemetry/api');
  } catch {
    return noTracing; // an optional peer
  }
  const tracer = api.trace.getTracer(NAME);
  return { begin: (parent, startedAt) => beginTrace(api, tracer, { parent, startedAt }) };
}

/** What a request over HTTP is part of. */
export function traceParentOf({ traceparent }: IncomingHttpHeaders): TraceParent {
  return typeof traceparent === 'string' ? { traceparent } : {};
}

function beginTrace(
  api: Api,
  tracer: Tracer,
  { parent, startedAt }: { readonly parent: TraceParent; readonly startedAt: number },
): RequestTrace {
  const remote = spanContextOf(parent);
  const context = remote ? api.trace.setSpanContext(api.ROOT_CONTEXT, remote) : api.ROOT_CONTEXT;
  const startTime = epochMs(startedAt);
  const span = tracer.startSpan(`${NAME}.request`, { kind: api.SpanKind.SERVER, startTime }, context);
  if (!span.isRecording()) return { ...parent, end: () => undefined };
  return {
    traceparent: traceparentOf(span),
    end(observation) {
      const endedAt = performance.now();
      addStages(api, tracer, { span, startedAt, endedAt, observation });
      span.setAttributes(attributesOf(observation));
      const { outcome } = observation;
      if (outcome !== 'ok' && REMOTE_ERRORS[outcome].httpStatus >= 500) {
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: outcome });
      }
      span.end(epochMs(endedAt));
    },
  };
}

interface TracedRequest {
  readonly span: Span;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly observation: RequestObservation;
}

/** Queue and decoding from the front, tail and answer from the back: between them is what a batch did for others. */
function addStages(
  api: Api,
  tracer: Tracer,
  { span, startedAt, endedAt, observation: { times } }: TracedRequest,
): void {
  if (!times) return;
  const { queueMs, decodeMs, tailMs, respondMs, totalMs } = times;
  const doneAt = Math.min(endedAt, startedAt + totalMs);
  const stages = {
    queue: [startedAt, queueMs],
    decode: [startedAt + queueMs, decodeMs],
    tail: [doneAt - respondMs - tailMs, tailMs],
    respond: [doneAt - respondMs, respondMs],
  } as const;
  const context = api.trace.setSpan(api.ROOT_CONTEXT, span);
  for (const [stage, [begunAt, ms]] of Object.entries(stages)) {
    tracer.startSpan(`${NAME}.${stage}`, { startTime: epochMs(begunAt) }, context).end(epochMs(begunAt + ms));
  }
}

function attributesOf({ bundle, point, outcome, runSize, ...bytes }: RequestObservation): Attributes {
  return {
    [`${NAME}.outcome`]: outcome,
    [`${NAME}.received_bytes`]: bytes.receivedBytes,
    [`${NAME}.sent_bytes`]: bytes.sentBytes,
    ...(bundle !== undefined && { [`${NAME}.bundle`]: bundle }),
    ...(point !== undefined && { [`${NAME}.point`]: point }),
    ...(runSize !== undefined && { [`${NAME}.run_size`]: runSize }),
  };
}

function spanContextOf({ traceparent }: TraceParent): SpanContext | undefined {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || (version === '00' && more !== undefined)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function epochMs(at: number): number {
  return performance.timeOrigin + at;
}
