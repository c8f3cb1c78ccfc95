/**
 * Measures a network in a browser, of this machine or of another one that can reach it: a server of its own hands out a page,
 * the engine and the model under an address that cannot be guessed, and waits for what the page sends back.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BrowserTask, BrowserTimes } from '../browser/measure-page.js';
import { type ModelProfile, PROFILE_FORMAT, PROFILE_VERSION } from '../model-profile.js';
import { quantiles } from '../quantiles.js';
import { InferenceError } from '../session.js';
import { createLocalSession } from './local-session.js';
import type { ProfileOptions } from './profile-model.js';
import { PROFILED_RUNS, profiledFeeds } from './profiled-feeds.js';
import { fitToRun, readTrace } from './trace.js';

/** How a network is measured in a browser. */
export interface BrowserProfileOptions
  extends Pick<ProfileOptions, 'threads' | 'inputShapes' | 'budgetMs' | 'signal'> {
  /** Address that the server listens at; 127.0.0.1, which this machine alone reaches, by default. */
  readonly host?: string;
  /** Its port; a free one by default. */
  readonly port?: number;
  /** Gets the page's address once it can be opened. */
  readonly onReady: (url: string) => void;
  /** The page was opened. */
  readonly onOpened?: () => void;
}

/** Trace and times of a large network in many runs. */
const MAX_RESULT_BYTES = 2 ** 28;
const TOKEN_BYTES = 12;
const PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Featherwire: measure a network</title>
<h1>Measuring a network in this browser</h1>
<p>Keep this page in front until it is done.</p>
<p><output>Loading …</output></p>
<script type="module" src="./page.js"></script></html>
`;
/** With isolation pages have shared memory, for threads. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-opener-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * Serves the page until a browser has sent what it measured.
 * @param file - the model's path
 * @throws {InferenceError} `model-rejected` `input-mismatch` as `profileModel`; `run-failed` if the browser cannot run it, or
 *   onnxruntime-web is not there; the signal's reason
 */
export async function profileModelInBrowser(
  file: string,
  options: BrowserProfileOptions,
): Promise<ModelProfile> {
  const { threads = 1, inputShapes = {}, budgetMs = PROFILED_RUNS.budgetMs, signal } = options;
  const session = await createLocalSession(file, {});
  const feeds = profiledFeeds(session.inputs, inputShapes);
  await session.close();
  const task: BrowserTask = {
    inputs: Object.entries(feeds).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    threads,
    ...{ warmUpRuns: PROFILED_RUNS.warmUp, leastRuns: PROFILED_RUNS.least, mostRuns: PROFILED_RUNS.most },
    budgetMs,
  };
  const { times, trace, ...browser } = await timesOfBrowser(file, task, options);
  signal?.throwIfAborted();
  const runMs = quantiles(times);
  return {
    format: PROFILE_FORMAT,
    version: PROFILE_VERSION,
    machine: {
      processor: 'of a browser',
      parallelism: browser.parallelism,
      platform: browser.userAgent,
      engine: `onnxruntime-web ${browser.engineVersion}, WebAssembly`,
    },
    threads: browser.threads,
    inputShapes: Object.fromEntries(task.inputs.map(({ name, shape }) => [name, shape])),
    warmUpRuns: PROFILED_RUNS.warmUp,
    runs: times.length,
    runMs,
    ...fitToRun(readTrace(trace, times.length), runMs.p50),
  };
}

async function timesOfBrowser(
  model: string,
  task: BrowserTask,
  { host = '127.0.0.1', port = 0, onReady, onOpened, signal }: BrowserProfileOptions,
): Promise<BrowserTimes> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const engine = engineDirectory();
  let settle: { resolve(times: BrowserTimes): void; reject(error: unknown): void };
  const result = new Promise<BrowserTimes>((resolve, reject) => {
    settle = { resolve, reject };
  });
  result.catch(() => undefined); // may end while the server still starts
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname.startsWith(`/${token}/`) ? pathname.slice(token.length + 2) : undefined;
    if (name === '') onOpened?.();
    answer(name, { request, response, model, task, engine, ...settle }).catch(() => response.destroy());
  });
  const abort = (): void => settle.reject(signal?.reason);
  signal?.addEventListener('abort', abort);
  try {
    signal?.throwIfAborted();
    server.listen(port, host);
    await once(server, 'listening');
    onReady(`http://${host}:${(server.address() as AddressInfo).port}/${token}/`);
    return await result;
  } finally {
    signal?.removeEventListener('abort', abort);
    await closed(server);
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly model: string;
  readonly task: BrowserTask;
  readonly engine: string;
  resolve(times: BrowserTimes): void;
  reject(error: unknown): void;
}

/** @param name - of what is asked for; undefined without the token */
async function answer(name: string | undefined, exchange: Exchange): Promise<void> {
  const { request, response, model, task, engine } = exchange;
  const send = (type: string, body: string): void => {
    response.writeHead(200, { ...HEADERS, 'content-type': type }).end(body);
  };
  if (request.method === 'POST' && (name === 'result' || name === 'failure')) return receive(name, exchange);
  if (request.method !== 'GET' || name === undefined) return void response.writeHead(404, HEADERS).end();
  if (name === '') return send('text/html; charset=utf-8', PAGE);
  if (name === 'task.json') return send('application/json', JSON.stringify(task));
  const file = fileOf(name, model, engine);
  if (file === undefined) return void response.writeHead(404, HEADERS).end();
  const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
  const stream = createReadStream(file);
  stream.once('open', () => response.writeHead(200, { ...HEADERS, 'content-type': type }));
  await pipeline(stream, response);
}

function fileOf(name: string, model: string, engine: string): string | undefined {
  if (name === 'model.onnx') return model;
  if (name === 'page.js')
    return createRequire(import.meta.url).resolve('@featherwire/inference/measure-page');
  const [folder, file, ...rest] = name.split('/');
  return folder === 'engine' && rest.length === 0 && /^ort[\w.-]*\.(mjs|wasm)$/.test(file)
    ? path.join(engine, file)
    : undefined;
}

async function receive(kind: 'result' | 'failure', { request, response, resolve, reject }: Exchange) {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_RESULT_BYTES) return void response.writeHead(413, HEADERS).end();
    chunks.push(chunk);
  }
  response.writeHead(204, HEADERS).end();
  await once(response, 'close');
  const text = Buffer.concat(chunks).toString();
  try {
    if (kind === 'result') resolve(checkTimes(JSON.parse(text)));
    else reject(new InferenceError('run-failed', `the browser cannot run the model: ${reasonOf(text)}`));
  } catch (cause) {
    reject(new InferenceError('run-failed', 'the browser expected to send times, got others', { cause }));
  }
}

function reasonOf(text: string): string {
  const { reason } = JSON.parse(text) as { reason?: unknown };
  return String(reason).slice(0, 500);
}

function checkTimes(value: unknown): BrowserTimes {
  const { times, trace, threads, parallelism, userAgent, engineVersion } = value as Partial<BrowserTimes>;
  const isSound =
    Array.isArray(times) &&
    times.length >= PROFILED_RUNS.least &&
    times.every((time) => typeof time === 'number' && time >= 0) &&
    [trace, userAgent, engineVersion].every((text) => typeof text === 'string') &&
    [threads, parallelism].every((count) => typeof count === 'number' && count >= 1);
  if (isSound) return value as BrowserTimes;
  throw new TypeError('times expected with a trace and what ran them');
}

function engineDirectory(): string {
  try {
    return path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  } catch (cause) {
    const message = 'onnxruntime-web expected beside this package: npm install onnxruntime-web@1.30.0';
    throw new InferenceError('run-failed', message, { cause });
  }
}

/** Connections that a browser keeps are not waited for. */
async function closed(server: Server): Promise<void> {
  if (!server.listening) return;
  const done = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await done;
}
