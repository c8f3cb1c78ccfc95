/** `serve` as an operator uses it: bundles read again, credentials of both ends, the tail elsewhere; and wrong use of each. */

import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, tensor, writeNpy } from '@featherwire/tensor';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeCertificates, opensslMissing } from '../../../test-support/certificates.js';
import { startModelServer } from '../../runtime/test/strict-model-server.js';
import { writeRowsBundle } from '../../runtime/test/test-bundles.js';
import {
  type CommandResult,
  createWorkDirectory,
  featherwire,
  type RunningCommand,
  start,
} from './command.js';

const TOKEN = 'correct-horse-battery';
const ADDRESS = /https?:\/\/127\.0\.0\.1:\d+/;
if (opensslMissing) console.info(`a case is skipped: ${opensslMissing}`);

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const running: RunningCommand[] = [];
const file = (name: string): string => join(directory.path, name);

beforeAll(async () => {
  directory = await createWorkDirectory();
  await writeRowsBundle(file('rows'));
  await writeRowsBundle(file('mixed'), { mixed: true });
  const random = createRandom(5);
  const values = Float32Array.from({ length: 8 }, () => random.nextNormal());
  writeFileSync(file('inputs.npy'), writeNpy(tensor('float32', [2, 4], values)));
  writeFileSync(file('inputs.labels.npy'), writeNpy(tensor('int32', [2], new Int32Array(2))));
  writeFileSync(file('tokens.txt'), `kiosk ${TOKEN}\n`);
  writeFileSync(file('token.txt'), `${TOKEN}\n`);
  writeFileSync(file('wrong.txt'), 'incorrect-horse-battery\n');
});
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL');
});
afterAll(() => directory.remove());

/** Starts `serve` on a free port. */
async function serve(...args: string[]): Promise<{ readonly server: RunningCommand; readonly url: string }> {
  const server = start(['serve', ...args, '--port', '0'], directory.path);
  running.push(server);
  return { server, url: (await server.outputMatch(ADDRESS))[0] };
}

async function served(url: string): Promise<string[]> {
  const { bundles } = (await (await fetch(`${url}/v1/bundles`)).json()) as {
    bundles: { manifest: { model: { name: string } } }[];
  };
  return bundles.map(({ manifest }) => manifest.model.name);
}

function run(url: string, ...args: string[]): Promise<CommandResult> {
  return featherwire(
    ['run', 'rows', '--server', url, '--data', 'inputs.npy', '--levels', '16', '--json', ...args],
    directory.path,
  );
}

/** Puts another bundle in the place of one, as a deployment does. */
function exchange(from: string, to: string): void {
  const [next, old] = [`${to}.next`, `${to}.old`].map(file);
  cpSync(file(from), next, { recursive: true });
  renameSync(file(to), old);
  renameSync(next, file(to));
  rmSync(old, { recursive: true });
}

async function end(server: RunningCommand): Promise<CommandResult> {
  server.child.kill('SIGTERM');
  return server.result();
}

describe('bundles are read again', () => {
  test('at SIGHUP; one that cannot be read changes nothing and is told', async () => {
    cpSync(file('rows'), file('live'), { recursive: true });
    const { server, url } = await serve('live', '--json-log');
    expect(await served(url)).toEqual(['rows']);
    exchange('mixed', 'live');
    server.child.kill('SIGHUP');
    await vi.waitFor(async () => expect(await served(url)).toEqual(['mixed']), 10_000);
    writeFileSync(file('live/featherwire.json'), '{}');
    server.child.kill('SIGHUP');
    server.child.kill('SIGHUP');
    await vi.waitFor(() => expect(server.errorText()).toContain('the bundles stay as they were'), 10_000);
    expect(await served(url)).toEqual(['mixed']);
    const { status, errors } = await end(server);
    expect(status).toBe(0);
    const events = errors
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const reloaded = events.find(({ event }) => event === 'reloaded');
    expect(reloaded).toMatchObject({ added: [{ name: 'mixed' }], removed: [{ name: 'rows' }] });
    expect(events.at(-1)).toMatchObject({ event: 'stopped', inFlight: 0 });
  });

  test('when they change, with --watch', async () => {
    cpSync(file('rows'), file('watched'), { recursive: true });
    const { server, url } = await serve('watched', '--watch');
    exchange('mixed', 'watched');
    await vi.waitFor(async () => expect(await served(url)).toEqual(['mixed']), 15_000);
    expect(await end(server)).toMatchObject({
      status: 0,
      errors: expect.stringContaining('now serving mixed'),
    });
  });
});

describe('credentials', () => {
  test('tokens: who has one runs, nobody else does, and no log has one', async () => {
    const { server, url } = await serve('rows', '--tokens', 'tokens.txt');
    for (const transport of ['http', 'ws']) {
      const known = await run(url, '--token-file', 'token.txt', '--transport', transport);
      expect(known.status, known.errors).toBe(0);
      const parts = transport === 'http' ? ['--max-part-bytes', '20'] : [];
      const inParts = await run(url, '--token-file', 'token.txt', '--transport', transport, ...parts);
      expect(inParts.status, inParts.errors).toBe(0);
      for (const unknown of [[], ['--token-file', 'wrong.txt']]) {
        const { status, errors } = await run(url, ...unknown, '--transport', transport);
        expect(status).toBe(1);
        expect(errors).toMatch(transport === 'http' ? /a token expected that the server knows/ : /401/);
        expect(errors).not.toContain('horse');
      }
    }
    const { status, errors, output } = await end(server);
    expect(status).toBe(0);
    expect(errors + output).not.toContain('horse');
  });

  test.skipIf(opensslMissing)('certificates: of the authority, on both sides', async () => {
    makeCertificates(directory.path, 'localhost', 'kiosk');
    const files = ['--tls-cert', 'localhost.pem', '--tls-key', 'localhost.key', '--client-ca', 'ca.pem'];
    const { server, url } = await serve('rows', ...files);
    expect(url).toMatch(/^https:/);
    const address = url.replace('127.0.0.1', 'localhost');
    const known = await run(address, '--ca', 'ca.pem', '--cert', 'kiosk.pem', '--key', 'kiosk.key');
    expect(known.status, known.errors).toBe(0);
    expect(await run(address, '--ca', 'ca.pem')).toMatchObject({ status: 1 });
    const stranger = await run(address, '--cert', 'kiosk.pem', '--key', 'kiosk.key');
    expect(stranger).toMatchObject({ status: 1, errors: expect.stringContaining('certificate') });
    expect((await end(server)).status).toBe(0);
  });

  test.each([
    [['--tls-cert', 'a.pem'], '--tls-cert and --tls-key expected together, got one of them'],
    [['--client-ca', 'a.pem'], '--client-ca expected --tls-cert and --tls-key beside it'],
    [['--tokens', 'inputs.npy'], 'inputs.npy: tokens, line 1: expected a name and a token'],
    [['--remote-model', 'squares'], '--remote-model expected --remote-tail beside it'],
    [['--remote-token-file', 'x'], '--remote-token-file expected --remote-tail beside it'],
    [
      ['mixed', '--remote-tail', 'http://a', '--remote-model', 'squares'],
      '--remote-model expected one bundle, got 2',
    ],
    [['--remote-tail', 'models:8000'], 'expected http://host:port or https://host:port'],
    [['--remote-tail', 'http://user:secret@a'], '--remote-tail expected no user in the address'],
    [['--nats', 'nats://user:secret@a:1'], '--nats expected no user in the address'],
  ])('serve %j is wrong use', async (args, text) => {
    const { status, output, errors } = await featherwire(['serve', 'rows', ...args], directory.path);
    expect({ status, output }, errors).toEqual({ status: 2, output: '' });
    expect(errors).toContain(text);
    expect(errors).not.toContain('secret');
  });

  test('a certificate without its key is wrong use of run; files that are not there are failures', async () => {
    expect(await run('http://127.0.0.1:1', '--cert', 'kiosk.pem')).toMatchObject({
      ...{ status: 2, errors: expect.stringContaining('--cert and --key expected together') },
    });
    expect(await run('http://127.0.0.1:1', '--max-part-bytes', '100')).toMatchObject({
      ...{ status: 2, errors: expect.stringContaining('--max-part-bytes expected --transport http') },
    });
    const { status, errors } = await featherwire(['serve', 'rows', '--tokens', 'absent'], directory.path);
    expect({ status, lines: errors.trimEnd().split('\n').length }).toEqual({ status: 1, lines: 1 });
  });
});

describe('the tail elsewhere', () => {
  test('clients get the same answer as from the tail here, and a model that is missing is a failure', async () => {
    const models = await startModelServer();
    models.behavior.token = TOKEN;
    const remote = ['--remote-tail', models.url, '--remote-token-file', 'token.txt'];
    const { server, url } = await serve('rows', ...remote, '--remote-model', 'squares', '--workers', '2');
    const here = await serve('rows');
    const proofs = models.runs.length;
    const ran = await run(url);
    expect(ran.status, ran.errors).toBe(0);
    expect(models.runs.length).toBe(proofs + 2); // a run for each sample
    const inputs = [
      { name: 'middle', datatype: 'FP32', shape: [2, 4], data: [1, 2, 3, 0.1, -1, -2, 1e-3, 7] },
    ];
    const body = JSON.stringify({ inputs });
    const answers = [url, here.url].map(async (address) =>
      (await fetch(`${address}/v2/models/rows/infer`, { method: 'POST', body })).json(),
    );
    expect(await answers[0]).toEqual(await answers[1]);
    expect(models.faults).toEqual([]);
    const missing = await featherwire(['serve', 'rows', ...remote], directory.path);
    expect({ status: missing.status, errors: missing.errors }).toEqual({
      status: 1,
      errors: expect.stringMatching(
        /^error: .*the remote model answered with status 404: no GET \/v2\/models\/rows\n$/,
      ),
    });
    await end(server);
    await models.close();
  });
});
