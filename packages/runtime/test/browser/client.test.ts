/**
 * The browser's client in Chromium, over a real tail server that serves page, bundles and engine under the headers of a site: a
 * strict Content-Security-Policy, one origin.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NodeBundle, readBundle } from '@featherwire/bundle/node';
import { WEB_ENGINE_FILES } from '@featherwire/inference/browser';
import { parseLink } from '@featherwire/link';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleForBrowser } from '../../../../test-support/bundle-for-browser.js';
import { launchChromium, skipsWithoutChromium } from '../../../../test-support/chromium.js';
import type { TestOutcome } from '../../../../test-support/vitest-in-browser.js';
import type { Site, SiteFile } from '../../src/node/server/site.js';
import { createTailServer, type TailServer } from '../../src/node/server/tail-server.js';
import { writePlanesBundle, writeSquareBundle, writeSumsBundle, writeSureBundle } from '../test-bundles.js';
import { writeLadderBundle } from '../unit-bundles.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const engine = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
const SCRIPT = 'text/javascript';
const HTML = '<!doctype html><title>client</title><script type="module" src="/page.js"></script>';

async function siteOf(digests: Readonly<Record<string, string>>): Promise<Site> {
  const scripts = await bundleForBrowser({
    page: path.join(here, 'client-page.ts'),
    worker: path.join(here, '../../src/browser/worker-entry.ts'),
  });
  return new Map<string, SiteFile>([
    ...['/', '/webgpu'].map((address): [string, SiteFile] => [address, { text: HTML, type: 'text/html' }]),
    ['/settings.json', { text: JSON.stringify({ digests }), type: 'application/json' }],
    ...[...scripts].map(([name, text]): [string, SiteFile] => [`/${name}`, { text, type: SCRIPT }]),
    ...WEB_ENGINE_FILES.map((name): [string, SiteFile] => [
      `/engine/${name}`,
      { path: path.join(engine, name), type: name.endsWith('.wasm') ? 'application/wasm' : SCRIPT },
    ]),
  ]);
}

/** What a page did. */
interface PageReport {
  readonly outcomes: readonly TestOutcome[];
  /** Addresses of its workers, threads of its engine among them. */
  readonly workers: readonly string[];
  readonly complaints: readonly string[];
}

/** A bundle whose head has changed since its manifest was written. */
async function damagedCopy(bundle: NodeBundle, directory: string): Promise<NodeBundle> {
  cpSync(bundle.directory, directory, { recursive: true });
  const manifestPath = path.join(directory, 'featherwire.json');
  writeFileSync(manifestPath, readFileSync(manifestPath, 'utf8').replace('"square"', '"damaged"'));
  const head = path.join(directory, bundle.manifest.head.file);
  const bytes = readFileSync(head);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(head, bytes);
  return readBundle(directory, { verify: ['tail'] });
}

/** A bundle whose exit has changed since its manifest was written. */
async function damagedExit(bundle: NodeBundle, directory: string): Promise<NodeBundle> {
  cpSync(bundle.directory, directory, { recursive: true });
  const manifestPath = path.join(directory, 'featherwire.json');
  writeFileSync(manifestPath, readFileSync(manifestPath, 'utf8').replace('"sure"', '"unsure"'));
  const damaged = await readBundle(directory);
  const bytes = readFileSync(damaged.exitPath());
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(damaged.exitPath(), bytes);
  return damaged;
}

describe.skipIf(skipsWithoutChromium('the client in a browser, over a server'))('in Chromium', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'featherwire-browser-'));
  let server: TailServer;
  let browser: Browser;
  beforeAll(async () => {
    const square = await writeSquareBundle(root);
    const ladder = await writeLadderBundle(root);
    const damaged = await damagedCopy(square, path.join(root, 'damaged'));
    const planes = await writePlanesBundle(path.join(root, 'planes'));
    const sure = await writeSureBundle(root);
    const sums = await writeSumsBundle(path.join(root, 'sums'));
    const unsure = await damagedExit(sure, path.join(root, 'unsure'));
    const bundles = { square, ladder, sure, planes, sums, damaged, unsure };
    const digests = Object.fromEntries(Object.entries(bundles).map(([name, { digest }]) => [name, digest]));
    const links = { slow: { ...parseLink('10mbps,80ms'), name: 'slow' } };
    server = await createTailServer({
      bundles: Object.values(bundles),
      workersPerBundle: 2,
      page: { site: await siteOf(digests), links },
    });
    browser = await launchChromium(['--enable-unsafe-webgpu']); // in software, where there is no GPU
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close({ drainTimeoutMs: 0 });
    rmSync(root, { recursive: true, force: true });
  });

  /** Runs the page at an address. */
  async function runPage(address: string): Promise<PageReport> {
    const page = await browser.newPage();
    const workers: string[] = [];
    page.on('worker', (worker) => workers.push(worker.url()));
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    await page.goto(server.url + address);
    const text = await page.locator('#report').textContent({ timeout: 150_000 });
    await page.close();
    const report = JSON.parse(text ?? '') as {
      readonly outcomes?: readonly TestOutcome[];
      readonly failure?: string;
    };
    expect(report.failure).toBeUndefined();
    // What the rules ask for and do not get: an absent bundle, an absent worker.
    const expected = /status of 404|Not Found/;
    return {
      outcomes: report.outcomes!,
      workers,
      complaints: complaints.filter((complaint) => !expected.test(complaint)),
    };
  }

  test('keeps the rules of all clients and its own, and breaks no policy', async () => {
    const { outcomes, workers, complaints } = await runPage('/');
    expect(outcomes.filter(({ state }) => state !== 'pass')).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(20);
    expect(complaints).toEqual([]);
    expect(workers.filter((url) => !url.startsWith(server.url))).toEqual([]);
    const threads = workers.filter((url) => url.endsWith('/engine/ort-wasm-simd-threaded.mjs'));
    expect(threads.length).toBeGreaterThan(0);
  }, 180_000);

  test('keeps them with the head on WebGPU, and codes there what it can', async (context) => {
    const { outcomes, complaints } = await runPage('/webgpu');
    if (outcomes.every(({ state }) => state === 'skip')) {
      console.info('skipped: the client on WebGPU; this Chromium has no adapter');
      context.skip();
    }
    expect(outcomes.filter(({ state }) => state !== 'pass')).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(15);
    expect(complaints).toEqual([]);
  }, 180_000);
});
