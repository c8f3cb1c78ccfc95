/** Traces of requests, recorded by a provider of the test's own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { featureRequest, frameOf } from './clients.js';
import { squareFeatures, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-tracing-'));
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

interface Recorded {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly start: number;
  end: number;
  attributes: Attributes;
  status: SpanStatus | undefined;
}

let square: NodeBundle;
let server: TailServer;
const spans: Recorded[] = [];

/** What an SDK does of it: keeps spans with their parents and times. */
const provider = {
  getTracer: () => ({
    startSpan(name: string, { startTime }: SpanOptions = {}, context: Context = ROOT_CONTEXT): Span {
      const parent = trace.getSpanContext(context);
      const number = (spans.length + 1).toString(16);
      const recorded: Recorded = {
        ...{ name, traceId: parent?.traceId ?? number.padStart(32, '0'), spanId: number.padStart(16, '0') },
        ...{
          parentId: parent?.spanId,
          start: startTime as number,
          end: Number.NaN,
          attributes: {},
          status: undefined,
        },
      };
      spans.push(recorded);
      const span = {
        spanContext: () => ({ traceId: recorded.traceId, spanId: recorded.spanId, traceFlags: 1 }),
        isRecording: () => true,
        setAttributes: (attributes: Attributes) => {
          recorded.attributes = attributes;
        },
        setStatus: (status: SpanStatus) => {
          recorded.status = status;
        },
        end: (at: number) => {
          recorded.end = at;
        },
      };
      return span as unknown as Span;
    },
    startActiveSpan: () => {
      throw new Error('no span is made active');
    },
  }),
};

beforeAll(async () => {
  square = await writeSquareBundle(root);
});
beforeEach(async () => {
  trace.setGlobalTracerProvider(provider);
  server = await createTailServer({ bundles: [square] });
});
afterEach(async () => {
  await server.close({ drainTimeoutMs: 0 });
  trace.disable();
  spans.length = 0;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function post(body: Uint8Array, traceparent?: string): Promise<Response> {
  const headers = { 'content-type': 'application/octet-stream', ...(traceparent && { traceparent }) };
  return fetch(`${server.url}/v1/infer`, { method: 'POST', headers, body: Buffer.from(body) });
}

function request(size: number): Uint8Array {
  const features = squareFeatures(size, 1);
  return featureRequest(
    square,
    square.manifest.cut.map(({ name }) => frameOf(features[name])),
  );
}

test('a request is a span with its stages, part of the trace that it came with', async () => {
  const before = Date.now();
  const body = request(300);
  expect((await post(body, `00-${TRACE}-${PARENT}-01`)).status).toBe(200);
  const [whole, ...stages] = spans;
  expect(whole).toMatchObject({
    name: 'featherwire.request',
    traceId: TRACE,
    parentId: PARENT,
    status: undefined,
  });
  expect(whole.attributes).toEqual({
    ...{ 'featherwire.outcome': 'ok', 'featherwire.bundle': 'square', 'featherwire.point': 'described' },
    ...{ 'featherwire.run_size': 1, 'featherwire.received_bytes': body.length },
    'featherwire.sent_bytes': expect.any(Number),
  });
  expect(stages.map(({ name }) => name)).toEqual([
    ...['featherwire.queue', 'featherwire.decode', 'featherwire.tail', 'featherwire.respond'],
  ]);
  expect(whole.start).toBeGreaterThan(before - 1000);
  expect(whole.end).toBeLessThan(Date.now() + 1000);
  let last = whole.start;
  for (const { traceId, parentId, start, end } of stages) {
    expect({ traceId, parentId }).toEqual({ traceId: TRACE, parentId: whole.spanId });
    expect(start).toBeGreaterThanOrEqual(last - 0.01);
    expect(end).toBeGreaterThanOrEqual(start);
    last = end;
  }
  expect(last).toBeLessThanOrEqual(whole.end + 0.01);
});

test('the other protocol brings its trace along as well', async () => {
  const headers = { traceparent: `00-${TRACE}-${PARENT}-00` };
  const features = squareFeatures(1, 1);
  const inputs = Object.entries(features).map(([name, { shape, data }]) => ({
    ...{ name, datatype: 'FP32', shape, data: Array.from(data as Float32Array) },
  }));
  const options = { method: 'POST', headers, body: JSON.stringify({ inputs }) };
  expect((await fetch(`${server.url}/v2/models/square/infer`, options)).status).toBe(200);
  expect(spans[0]).toMatchObject({ name: 'featherwire.request', traceId: TRACE, parentId: PARENT });
});

test('failures of the server are marked, refusals of what clients send are not', async () => {
  await post(Uint8Array.of(1, 2, 3));
  const narrow = featureRequest(square, [
    frameOf({ dtype: 'float32', shape: [2, 3], data: new Float32Array(6) }),
    frameOf({ dtype: 'float32', shape: [1], data: new Float32Array(1) }),
  ]);
  expect((await post(narrow)).status).toBe(500);
  expect(
    spans.map(({ name, status, attributes }) => [name, status, attributes['featherwire.outcome']]),
  ).toEqual([
    ['featherwire.request', undefined, 'malformed-message'],
    ['featherwire.request', { code: SpanStatusCode.ERROR, message: 'run-failed' }, 'run-failed'],
  ]);
});

test.each([
  ['none', undefined],
  ['of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['a parent of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['the version that there is not', `ff-${TRACE}-${PARENT}-01`],
  ['more fields than its version has', `00-${TRACE}-${PARENT}-01-more`],
  ['capital letters', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
  ['a long line of nothing', 'x'.repeat(5000)],
])('a request with a trace that is %s begins one', async (_case, traceparent) => {
  expect((await post(request(1), traceparent)).status).toBe(200);
  expect(spans[0].parentId).toBeUndefined();
});

test('a later version of the header may have more fields', async () => {
  await post(request(1), `01-${TRACE}-${PARENT}-01-more`);
  expect(spans[0].parentId).toBe(PARENT);
});
