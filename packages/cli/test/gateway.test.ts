/** `gateway` and `serve --nats` as processes: a request through both, their ends, and how they refuse what they are told wrongly. */

import { join } from 'node:path';
import { encodeFrame, referenceBackend } from '@featherwire/codec';
import { digestPrefix, parseMessage, serializeMessage } from '@featherwire/runtime';
import { tensor } from '@featherwire/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { natsMissing, startNatsServer } from '../../fleet/test/nats-server.js';
import { writeRowsBundle } from '../../runtime/test/test-bundles.js';
import { createWorkDirectory, featherwire, start } from './command.js';

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;

beforeAll(async () => {
  directory = await createWorkDirectory();
});
afterAll(() => directory.remove());

test('addresses that are none, or that hold a password, are wrong use', async () => {
  for (const [args, text] of [
    [['gateway'], '--nats expected the address of a NATS server'],
    [['gateway', '--nats', 'http://a:1'], 'expected nats://host:port or tls://host:port, got http://a:1'],
    [['gateway', '--nats', 'nats://user:secret@a:1'], 'expected no user in the address'],
    [['gateway', '--nats-creds', 'file'], '--nats-creds expected --nats beside it'],
  ] as const) {
    const { status, output, errors } = await featherwire(args, directory.path);
    expect({ status, output }).toEqual({ status: 2, output: '' });
    expect(errors).toContain(text);
  }
});

test('a server that is not there is a failure in one line', async () => {
  const { status, errors } = await featherwire(['gateway', '--nats', 'nats://127.0.0.1:1'], directory.path);
  expect({ status, errors }).toEqual({
    status: 1,
    errors: 'error: cannot connect to NATS at nats://127.0.0.1:1: connection refused\n',
  });
});

describe.skipIf(natsMissing)(`with a nats-server${natsMissing ? ` (${natsMissing})` : ''}`, () => {
  test('a gateway hands requests to a worker, and both drain on SIGTERM', async () => {
    const nats = await startNatsServer();
    const bundle = await writeRowsBundle(join(directory.path, 'rows'));
    const gateway = start(['gateway', '--nats', nats.url, '--port', '0'], directory.path);
    const worker = start(['serve', 'rows', '--nats', nats.url, '--port', '0'], directory.path);
    const [url] = await gateway.outputMatch(/http:\/\/127\.0\.0\.1:\d+/);
    await worker.outputMatch(/ and for the fleet at nats:/);
    const values = tensor('float32', [1, 4], Float32Array.of(1, 2, 3, 4));
    const frame = encodeFrame(values, { quantizer: { kind: 'none' }, backend: referenceBackend });
    const body = serializeMessage({
      ...{ kind: 'feature-request', requestId: 5, bundlePrefix: digestPrefix(bundle.digest) },
      frames: [frame],
    });
    const headers = { 'content-type': 'application/octet-stream' };
    const reply = await fetch(`${url}/v1/infer`, { method: 'POST', headers, body: Buffer.from(body) });
    const answer = parseMessage(new Uint8Array(await reply.arrayBuffer()));
    expect(answer).toMatchObject({ kind: 'response', requestId: 5 });
    worker.child.kill('SIGTERM');
    expect(await worker.result()).toMatchObject({ status: 0, errors: expect.stringContaining('1 answer') });
    gateway.child.kill('SIGTERM');
    expect(await gateway.result()).toMatchObject({ status: 0, errors: expect.stringContaining('1 answer') });
    await nats.kill();
  });
});
