/**
 * The front of the Open Inference Protocol, version 2, HTTP form with the binary tensor data extension: health, metadata, and
 * inference. Another door to the same service (docs/serving.md); errors are `{"error","code"}` with the status of
 * docs/protocol.md §7.
 */

import { createRequire } from 'node:module';
import type { Backend } from '@featherwire/codec';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseMessage, REMOTE_ERRORS, type RemoteErrorCode } from '../../../protocol/index.js';
import {
  BINARY_EXTENSION,
  HEADER_LENGTH_FIELD,
  parseBody,
  type WrittenBody,
} from '../../open-inference/inference-body.js';
import { WireError } from '../../open-inference/wire-error.js';
import {
  addBodyRoute,
  type BodyContext,
  type HttpAnswer,
  retryAfterHeader,
  UNAUTHORIZED_TEXT,
} from '../body-route.js';
import type { BundleDirectory, BundleListing } from '../bundle-listing.js';
import { answerHolding } from '../held-answer.js';
import type { ServerLimits } from '../limits.js';
import type { RateLimiter } from '../rate-limiter.js';
import type { Answer, Refusal, RequestHandler } from '../request-handler.js';
import { traceParentOf } from '../tracing.js';
import { findModel, type ModelPath, metadataOf } from './models.js';
import {
  ModelMismatchError,
  type TranslatedRequest,
  translateRequest,
  translateResponse,
} from './translate.js';

/** What the routes answer from. */
export interface OpenInferenceOptions extends BodyContext {
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
  readonly bundles: BundleDirectory;
  readonly limiter: RateLimiter;
  readonly isReady: () => boolean;
  /** Codes tensors that come or go plain. */
  readonly backend: Backend;
}

const SERVER_NAME = 'featherwire';
const MODEL_PATHS = ['/v2/models/:name', '/v2/models/:name/versions/:version'];
const JSON_TYPE = 'application/json; charset=utf-8';
const BINARY_TYPE = 'application/octet-stream';
/** What a client is told to wait for a model that nobody serves now. */
const RETRY_AFTER_MS = 250;
/** JSON that takes the thread for connections about as long as a request does. */
const JSON_BYTES_PER_REQUEST = 4096;

/** @param scope - of these routes alone */
export function addOpenInferenceRoutes(scope: FastifyInstance, options: OpenInferenceOptions): void {
  addHealthRoutes(scope, options);
  addMetadataRoutes(scope, options);
  const { handler } = options;
  const route = {
    method: 'POST' as const,
    paths: MODEL_PATHS.map((path) => `${path}/infer`),
    contentType: '*', // clients of the protocol say all kinds of things here
    answer: (body: Uint8Array, client: string, request: FastifyRequest) =>
      infer(body, client, request, options),
    refuse: (refusal: Refusal) => errorOf(handler.refuse(refusal)),
  };
  addBodyRoute(scope, route, options);
}

function addHealthRoutes(scope: FastifyInstance, { isReady }: OpenInferenceOptions): void {
  scope.get('/v2/health/live', async () => ({ live: true }));
  scope.get('/v2/health/ready', async (_request, reply) => {
    const ready = isReady();
    return reply.code(ready ? 200 : 503).send({ live: true, ready });
  });
}

function addMetadataRoutes(scope: FastifyInstance, options: OpenInferenceOptions): void {
  const { authenticator, bundles, isReady } = options;
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (authenticator.clientOf(request.raw) !== undefined) return;
    reply.header('www-authenticate', 'Bearer');
    await sendError(reply, 'unauthorized', UNAUTHORIZED_TEXT);
  };
  const { version } = createRequire(import.meta.url)('../../../../package.json') as { version: string };
  const server = { name: SERVER_NAME, version, extensions: [BINARY_EXTENSION] };
  for (const path of ['/v2', '/v2/']) scope.get(path, { onRequest }, async () => server);
  for (const path of MODEL_PATHS) {
    scope.get(path, { onRequest }, async ({ params }, reply) => {
      const model = await lookUp(bundles, params as ModelPath);
      return 'code' in model ? sendAbsence(reply, model) : metadataOf(model);
    });
    scope.get(`${path}/ready`, { onRequest }, async ({ params }, reply) => {
      const model = await lookUp(bundles, params as ModelPath);
      if ('code' in model) return sendAbsence(reply, model);
      const ready = isReady();
      return reply.code(ready ? 200 : 503).send({ name: model.manifest.model.name, ready });
    });
  }
}

async function infer(
  body: Uint8Array,
  client: string,
  { params, headers }: FastifyRequest,
  options: OpenInferenceOptions,
): Promise<HttpAnswer> {
  const { handler, limits, limiter, bundles, backend } = options;
  const refuse = (code: RemoteErrorCode, text: string, retryAfterMs?: number): HttpAnswer =>
    errorOf(handler.refuse({ requestId: 0, code, text, retryAfterMs, receivedBytes: body.length }));
  const path = params as ModelPath;
  const model = await lookUp(bundles, path);
  if ('code' in model) return refuse(model.code, model.text, model.retryAfterMs);
  const headerLength = headers[HEADER_LENGTH_FIELD] as string | undefined;
  const waitMs = limiter.take(client, performance.now(), jsonCost(body.length, headerLength, limits));
  if (waitMs > 0) return refuse('rate-limited', 'more JSON in a second than a client may send', waitMs);
  let translated: TranslatedRequest;
  try {
    if (headers['content-encoding'] !== undefined) {
      throw new WireError(`content-encoding expected none, got '${headers['content-encoding']}'`);
    }
    const parsed = parseBody(body, { list: 'inputs', headerLength, maxJsonBytes: limits.maxJsonBytes });
    translated = translateRequest(parsed, model, path, backend);
  } catch (error) {
    return refuse(codeOf(error), (error as Error).message);
  }
  const answer = await answerHolding(options, translated.message, client, traceParentOf(headers));
  const outcome = parseMessage(answer.message);
  if (outcome.kind !== 'response') return errorOf(answer);
  try {
    return okOf(translateResponse(outcome, model, translated.form, backend));
  } catch (error) {
    return refuse(error instanceof WireError ? 'run-failed' : 'internal', (error as Error).message);
  }
}

/** Why a model cannot answer. */
interface Absence {
  readonly code: 'unknown-bundle' | 'worker-lost';
  readonly text: string;
  readonly retryAfterMs?: number;
}

/**
 * The model of a path. One that was served and is not is waited for, unless another version of it is served: it was replaced then,
 * and will not come back.
 */
async function lookUp(bundles: BundleDirectory, path: ModelPath): Promise<BundleListing | Absence> {
  const served = await bundles.list();
  const model = findModel(served, path);
  if (model) return model;
  const isReplaced = findModel(served, { name: path.name }) !== undefined;
  if (isReplaced || !findModel(bundles.listFormer?.() ?? [], path))
    return { code: 'unknown-bundle', text: unknownText(path) };
  const text = `no worker serves the model '${path.name}' now`;
  return { code: 'worker-lost', text, retryAfterMs: RETRY_AFTER_MS };
}

/** Requests that the JSON of a body counts as, beside its own, which a client with its whole second left may send. */
function jsonCost(
  bodyBytes: number,
  headerLength: string | undefined,
  { maxRequestsPerSecond }: ServerLimits,
): number {
  const claimed = Number(headerLength ?? bodyBytes);
  const jsonBytes = claimed >= 0 && claimed <= bodyBytes ? claimed : bodyBytes;
  return Math.min(maxRequestsPerSecond - 1, Math.floor(jsonBytes / JSON_BYTES_PER_REQUEST));
}

function codeOf(error: unknown): RemoteErrorCode {
  if (error instanceof WireError) return 'malformed-message';
  return error instanceof ModelMismatchError ? 'input-mismatch' : 'internal';
}

function okOf({ bytes, headerLength }: WrittenBody): HttpAnswer {
  if (headerLength === undefined) return { status: 200, headers: { 'content-type': JSON_TYPE }, body: bytes };
  const headers = { 'content-type': BINARY_TYPE, [HEADER_LENGTH_FIELD]: String(headerLength) };
  return { status: 200, headers, body: bytes };
}

function errorOf({ message, error, retryAfterMs }: Answer): HttpAnswer {
  const parsed = parseMessage(message);
  const text = parsed.kind === 'error' ? parsed.text : '';
  return {
    status: error ? REMOTE_ERRORS[error].httpStatus : 500,
    headers: { 'content-type': JSON_TYPE, ...retryAfterHeader(retryAfterMs) },
    body: Buffer.from(JSON.stringify({ error: text, code: error })),
  };
}

function sendError(reply: FastifyReply, code: RemoteErrorCode, text: string): FastifyReply {
  return reply.code(REMOTE_ERRORS[code].httpStatus).send({ error: text, code });
}

function sendAbsence(reply: FastifyReply, { code, text, retryAfterMs }: Absence): FastifyReply {
  return sendError(reply.headers(retryAfterHeader(retryAfterMs)), code, text);
}

function unknownText({ name, version }: ModelPath): string {
  return version === undefined
    ? `no model here is named '${name}'`
    : `no model '${name}' here has version '${version}'`;
}
