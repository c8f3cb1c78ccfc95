/**
 * The runtime's tests of a client, of its transports and of what they are made of, in Chromium: the same files that Node runs,
 * in a worker, where a browser's client lives.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleForBrowser } from '../../../../test-support/bundle-for-browser.js';
import { launchChromium, skipsWithoutChromium } from '../../../../test-support/chromium.js';
import type { TestOutcome } from '../../../../test-support/vitest-in-browser.js';
import { createTailServer, type TailServer } from '../../src/node/server/tail-server.js';
import { writeSquareBundle } from '../test-bundles.js';
import { createTransportLab } from '../transport-lab.js';
import type { LabPort, LabProxy, StrangerAnswer, TransportLab } from '../transport-rules.js';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
const worker = fileURLToPath(new URL('./conformance-worker.ts', import.meta.url));
const PAGE = `<!doctype html><title>conformance</title><script type="module">
  const worker = new Worker('/worker.js', { type: 'module' });
  worker.onmessage = ({ data }) => { globalThis.report = data; };
  worker.onerror = ({ message }) => { globalThis.report = { failure: message ?? 'no worker' }; };
</script>`;

/** Answers the calls of `transports.ts`. */
function answerCalls(lab: TransportLab): (call: string, argument: unknown) => Promise<unknown> {
  const open = new Map<unknown, LabPort>();
  const keep = (port: LabPort) => {
    open.set(port.port, port);
    return { port: port.port };
  };
  return async (call, argument) => {
    switch (call) {
      case 'bundle':
        return { manifest: lab.bundle.manifest, digest: lab.bundle.digest };
      case 'startProxy':
        return keep(await lab.startProxy());
      case 'startStranger':
        return keep(await lab.startStranger(argument as StrangerAnswer));
      case 'freePort':
        return lab.freePort();
      case 'counts':
        return (open.get(argument) as LabProxy).counts();
      case 'setOut': {
        const { port, isOut } = argument as { readonly port: number; readonly isOut: boolean };
        return (open.get(port) as LabProxy).setOut(isOut);
      }
      case 'close':
        return open.get(argument)!.close();
      default:
        throw new RangeError(`call expected one of the lab's, got '${call}'`);
    }
  };
}

function serve(files: ReadonlyMap<string, string>, lab: TransportLab): Promise<Server> {
  const answer = answerCalls(lab);
  const server = createServer(async (request, response) => {
    const name = request.url!.slice(1);
    if (name === '') response.setHeader('content-type', 'text/html').end(PAGE);
    else if (files.has(name)) response.setHeader('content-type', 'text/javascript').end(files.get(name));
    else if (name === 'lab') {
      const { call, argument } = JSON.parse((await request.toArray()).join(''));
      response.end(JSON.stringify((await answer(call, argument)) ?? null));
    } else response.writeHead(404).end();
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** Test files of the package that import nothing of Node, and need no server. */
function browserSafeTests(): string[] {
  return ['src', 'test']
    .flatMap((folder) =>
      readdirSync(path.join(packageRoot, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        path.posix.join(folder, file.split(path.sep).join('/')),
      ),
    )
    .filter((file) => file.endsWith('.test.ts') && !file.includes('/node/'))
    .filter(
      (file) => !/from '(node:|.*\/node[/']|ws')/.test(readFileSync(path.join(packageRoot, file), 'utf8')),
    )
    .sort();
}

test('every test file that needs nothing of Node is among those that run in Chromium', () => {
  const listed = [...readFileSync(worker, 'utf8').matchAll(/^ {2}'(.*\.test\.ts)':/gm)].map(
    ([, file]) => file,
  );
  expect(listed.sort()).toEqual(browserSafeTests());
});

describe.skipIf(skipsWithoutChromium("the runtime's client in a browser"))('in Chromium', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'featherwire-conformance-'));
  let tail: TailServer;
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    const bundle = await writeSquareBundle(root);
    tail = await createTailServer({ bundles: [bundle], workersPerBundle: 2 });
    server = await serve(await bundleForBrowser({ worker }), createTransportLab(bundle, tail.address.port));
    // Each rule has a proxy on a port of its own, which is another origin: tail servers answer their own pages only.
    browser = await launchChromium(['--disable-web-security']);
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    await tail?.close({ drainTimeoutMs: 0 });
    rmSync(root, { recursive: true, force: true });
  });

  test('the client, its transports and what they are made of keep all their rules', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.report', undefined, { timeout: 120_000 });
    const report = (await page.evaluate('globalThis.report')) as {
      readonly outcomes?: readonly TestOutcome[];
      readonly failure?: string;
    };
    expect(report.failure).toBeUndefined();
    const states = report.outcomes!.map(({ state }) => state);
    expect(report.outcomes!.filter(({ state }) => state !== 'pass' && state !== 'skip')).toEqual([]);
    expect(states.filter((state) => state === 'pass').length).toBeGreaterThan(80);
  }, 180_000);
});
