/** Gateways and workers over a nats-server of the test's own: answers, refusals, and what happens when somebody dies. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { referenceBackend } from '@featherwire/codec';
import {
  createEdgeClient,
  digestPrefix,
  type EdgeClient,
  parseMessage,
  type RemoteError,
  serializeMessage,
} from '@featherwire/runtime';
import {
  createHttpTransport,
  createTailServer,
  type ServerLimits,
  type TailServer,
} from '@featherwire/runtime/node';
import type { Msg } from '@nats-io/transport-node';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  squareFeatures,
  squareOutputs,
  writeRowsBundle,
  writeSquareBundle,
} from '../../runtime/test/test-bundles.js';
import { type FleetWorker, joinFleet } from '../src/fleet-worker.js';
import { createGateway, type Gateway } from '../src/gateway.js';
import { HEADERS } from '../src/subjects.js';
import { linkTo, type NatsServer, natsMissing, startNatsServer, startWorkerProcess } from './nats-server.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-fleet-'));
const NONE = { kind: 'none' } as const;
const LOSSLESS = { double: NONE, shift: NONE };
/** A size at which the tail takes a good part of a second. */
const SLOW = 1000;

let bundle: NodeBundle;
/** What a test started, to be ended in the opposite order. */
let ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  bundle = await writeSquareBundle(root);
  return () => rmSync(root, { recursive: true, force: true });
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

function endLater<T>(thing: T, end: (thing: T) => Promise<unknown>): T {
  ends.push(() => end(thing));
  return thing;
}

async function startNats(): Promise<NatsServer> {
  return endLater(await startNatsServer(), (nats) => nats.kill());
}

async function startWorker(
  nats: NatsServer,
  bundles: readonly NodeBundle[] = [bundle],
): Promise<{ readonly server: TailServer; readonly worker: FleetWorker }> {
  const server = endLater(await createTailServer({ bundles }), (started) => started.close());
  return { server, worker: await join(server, nats) };
}

async function join(server: TailServer, nats: NatsServer): Promise<FleetWorker> {
  return endLater(await joinFleet({ server, link: await linkTo(nats) }), (joined) => joined.leave(0));
}

async function startGateway(nats: NatsServer, limits: Partial<ServerLimits> = {}): Promise<Gateway> {
  const link = await linkTo(nats);
  return endLater(await createGateway({ link, limits }), (gateway) => gateway.close({ drainTimeoutMs: 0 }));
}

function clientOf({ url }: Gateway, maxAttempts = 1, of: NodeBundle = bundle): EdgeClient {
  const transport = endLater(createHttpTransport({ url }), (opened) => opened.close());
  const retry = { maxAttempts, maxDelayMs: 300 };
  return createEdgeClient({ bundle: of, transport, backend: referenceBackend, retry });
}

async function infer(client: EdgeClient, size = 3, s = 1) {
  const options = { coding: LOSSLESS, timeoutMs: 20_000 };
  const { outputs } = await client.inferFeature(squareFeatures(size, s), options);
  return outputs;
}

async function codeOf(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'no error',
    ({ code, retryable }: RemoteError) => `${code} ${retryable ? 'retryable' : 'final'}`,
  );
}

/** Hears what workers say to gateways. `heard`: from now on; `came`: a worker has accepted a request. */
function nextAcceptance(nats: NatsServer): { readonly heard: Promise<void>; readonly came: Promise<void> } {
  const link = linkTo(nats);
  let come: () => void;
  const came = new Promise<void>((resolve) => {
    come = resolve;
  });
  const heard = link.then(({ connection, close }) => {
    ends.push(close);
    const callback = (_error: unknown, { headers }: Msg): void => {
      if (headers?.has(HEADERS.worker)) come();
    };
    connection.subscribe('_INBOX.featherwire.>', { callback });
    return connection.flush();
  });
  return { heard, came };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.skipIf(natsMissing)(`a fleet${natsMissing ? ` (${natsMissing})` : ''}`, () => {
  test('answers what a tail server would, through any gateway and worker', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    const workers = [await startWorker(nats), await startWorker(nats)];
    const client = clientOf(gateway);
    const sizes = Array.from({ length: 30 }, (_, i) => 1 + (i % 7));
    const outputs = await Promise.all(sizes.map((size) => infer(client, size, size)));
    expect(outputs).toEqual(sizes.map((size) => squareOutputs(size, size)));
    const answered = workers.map(({ server }) => server.stats().requests.answered);
    expect(answered.reduce((a, b) => a + b)).toBe(30);
    expect(Math.min(...answered)).toBeGreaterThan(0);
    const { bundles } = await (await fetch(`${gateway.url}/v1/bundles`)).json();
    expect(bundles).toEqual([{ digest: bundle.digest, manifest: bundle.manifest }]);
  });

  test('takes the Open Inference Protocol by the names of what workers serve', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    const { server } = await startWorker(nats);
    const { double, shift } = squareFeatures(2, 1);
    const inputs = [
      { name: 'double', datatype: 'FP32', shape: [2, 2], data: [...double.data] },
      { name: 'shift', datatype: 'FP32', shape: [1], data: [...shift.data] },
    ];
    const ask = async (model: string) => {
      const options = { method: 'POST', body: JSON.stringify({ inputs }) };
      const reply = await fetch(`${gateway.url}/v2/models/${model}/infer`, options);
      return { status: reply.status, json: await reply.json() };
    };
    const { status, json } = await ask('square');
    expect(status, json.error).toBe(200);
    expect(json.outputs.map(({ data }: { data: number[] }) => data)).toEqual([[3], [2, 2]]);
    expect(server.stats().requests.answered).toBe(1);
    expect(await ask('circle')).toMatchObject({ status: 404, json: { code: 'unknown-bundle' } });
  });

  test('carries messages over the payload limit of NATS, both ways', async () => {
    const nats = await startNats();
    const rows = await writeRowsBundle(path.join(root, 'rows'));
    const gateway = await startGateway(nats);
    await startWorker(nats, [rows]);
    const count = 70_000; // 1.12 MB each way, against 1 MiB
    const values = Float32Array.from({ length: 4 * count }, (_, i) => i % 97);
    const middle = { dtype: 'float32' as const, shape: [count, 4], data: values };
    const client = clientOf(gateway, 1, rows);
    const { outputs, bytes } = await client.inferFeature({ middle }, { coding: { middle: NONE } });
    expect(Math.min(bytes.sent, bytes.received)).toBeGreaterThan(2 ** 20);
    expect(outputs.y.data).toEqual(values.map((value) => value * value));
  });

  test('refuses at once what no worker serves, and what is over a limit', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    expect(await codeOf(infer(clientOf(gateway)))).toBe('worker-lost retryable');
    expect(gateway.stats().lostAttempts).toBe(0); // nothing was waited for
    await startWorker(nats);
    const small = await startGateway(nats, { maxMessageBytes: 100 });
    expect(await codeOf(infer(clientOf(small), 20))).toBe('message-too-large final');
    expect(await infer(clientOf(small), 2)).toEqual(squareOutputs(2, 1));
  });

  test('passes on what a worker refuses', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    await startWorker(nats);
    const body = serializeMessage({
      ...{ kind: 'feature-request', requestId: 7, bundlePrefix: digestPrefix(bundle.digest) },
      frames: [Uint8Array.of(1)],
    });
    const headers = { 'content-type': 'application/octet-stream' };
    const reply = await fetch(`${gateway.url}/v1/infer`, {
      method: 'POST',
      headers,
      body: Buffer.from(body),
    });
    expect(reply.status).toBe(422);
    const message = parseMessage(new Uint8Array(await reply.arrayBuffer()));
    expect(message).toMatchObject({ kind: 'error', requestId: 7, code: 'bad-frame' });
    expect(gateway.stats().requests.failed).toEqual({ 'bad-frame': 1 });
  });

  /** A request that is running in a worker that does nothing any more, and a worker beside it. */
  async function startHung(nats: NatsServer, gateway: Gateway) {
    const hung = endLater(await startWorkerProcess(bundle.directory, nats), (worker) => worker.kill());
    // Opened before: every attempt until it has joined goes to the worker that hangs, which runs them all once it is released.
    const server = endLater(await createTailServer({ bundles: [bundle] }), (started) => started.close());
    const client = clientOf(gateway);
    await infer(client);
    const accepted = nextAcceptance(nats);
    await accepted.heard;
    const slow = infer(client, SLOW);
    await accepted.came;
    hung.freeze(true);
    await join(server, nats);
    return { hung, client, slow, server };
  }

  test('has a request of a worker killed in the middle of it done by another', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    const { hung, slow, server } = await startHung(nats, gateway);
    await hung.kill();
    expect(await slow).toEqual(squareOutputs(SLOW, 1));
    expect(gateway.stats().requests).toMatchObject({ answered: 2, failed: {} });
    expect(gateway.stats().lostAttempts).toBeGreaterThan(0);
    expect(server.stats().requests.answered).toBe(1);
  });

  test('gives up a worker that hangs, and drops what it answers later', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    const { hung, client, slow } = await startHung(nats, gateway);
    expect(await slow).toEqual(squareOutputs(SLOW, 1));
    hung.freeze(false);
    expect(await hung.stop()).toBe(0);
    await infer(client);
    expect(gateway.stats().requests).toMatchObject({ answered: 3, failed: {} });
    expect(gateway.stats().lostAttempts).toBeGreaterThan(0);
  }, 60_000);

  test('loses nothing and answers nothing twice while workers are killed under load', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats, { maxRequestsPerSecond: 100_000 });
    const workers = [
      await startWorkerProcess(bundle.directory, nats),
      await startWorkerProcess(bundle.directory, nats),
    ];
    ends.push(() => Promise.all(workers.map((worker) => worker.kill())));
    let sent = 0;
    let isOver = false;
    const failures: string[] = [];
    const load = Array.from({ length: 8 }, async (_, lane) => {
      const client = clientOf(gateway);
      while (!isOver) {
        const s = ++sent;
        const result = await infer(client, 60 + lane, s).catch((error: Error) => error);
        if (result instanceof Error) {
          failures.push(`${result.name} ${result.message}`);
          return; // a client that fails at once would leave no time for anything else
        }
        expect(result).toEqual(squareOutputs(60 + lane, s));
      }
    });
    for (let kill = 0; kill < 2; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await workers[kill % 2].kill();
      workers[kill % 2] = await startWorkerProcess(bundle.directory, nats);
    }
    isOver = true;
    await Promise.all(load);
    expect(failures).toEqual([]);
    expect(gateway.stats().requests).toEqual({ inFlight: 0, answered: sent, failed: {} });
    expect(gateway.stats().lostAttempts).toBeGreaterThan(0);
  });

  test('comes back by itself after nats-server was away, with what was in flight', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    const { server } = await startWorker(nats);
    const single = clientOf(gateway);
    const slow = infer(single, SLOW);
    await until(() => server.stats().requests.inFlight > 0);
    await nats.kill();
    expect(await codeOf(infer(single))).toBe('worker-lost retryable');
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
    const patient = infer(clientOf(gateway, 100), 4);
    await nats.start();
    expect(await patient).toEqual(squareOutputs(4, 1));
    expect(await slow).toEqual(squareOutputs(SLOW, 1));
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });

  test('a worker that leaves answers what it has; nothing fails when workers are exchanged', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    const leaving = await startWorkerProcess(bundle.directory, nats);
    const client = clientOf(gateway);
    await infer(client);
    const accepted = nextAcceptance(nats);
    await accepted.heard;
    const slow = infer(client, SLOW);
    await accepted.came;
    await startWorker(nats);
    const stopped = leaving.stop();
    const others = await Promise.all(Array.from({ length: 20 }, (_, i) => infer(client, 2, i)));
    expect(others).toEqual(others.map((_, i) => squareOutputs(2, i)));
    expect(await slow).toEqual(squareOutputs(SLOW, 1));
    expect(await stopped).toBe(0);
    expect(gateway.stats()).toMatchObject({ lostAttempts: 0, requests: { failed: {} } });
  });

  test('workers take the requests of the bundles that they were given last', async () => {
    const nats = await startNats();
    const gateway = await startGateway(nats);
    const { worker } = await startWorker(nats);
    const rows = await writeRowsBundle(path.join(root, 'later-rows'));
    await worker.replaceBundles([rows]);
    expect(await codeOf(infer(clientOf(gateway)))).toBe('worker-lost retryable');
    const middle = { dtype: 'float32' as const, shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) };
    const client = clientOf(gateway, 1, rows);
    const { outputs } = await client.inferFeature({ middle }, { coding: { middle: NONE } });
    expect(outputs.y.data).toEqual(Float32Array.of(1, 4, 9, 16));
  });
});
