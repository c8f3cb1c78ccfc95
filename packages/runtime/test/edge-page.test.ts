/** What a server shows to pages, and what it does not. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256Hex } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { parseLink } from '@featherwire/link';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createEdgeClient } from '../src/client/edge-client.js';
import { createWebSocketTransport } from '../src/client/websocket-transport.js';
import type { EdgePage } from '../src/node/server/edge-page.js';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { LOSSLESS, singleTryClient } from './clients.js';
import { squareFeatures, squareOutputs } from './square-tensors.js';
import { writeSquareBundle } from './test-bundles.js';
import { writeLadderBundle } from './unit-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-page-'));
let square: NodeBundle;
let ladder: NodeBundle;
let server: TailServer;

const page = (): EdgePage => {
  const file = path.join(root, 'page.html');
  writeFileSync(file, '<!doctype html>');
  return {
    site: new Map([
      ['/', { path: file, type: 'text/html; charset=utf-8' }],
      ['/list.json', { text: '[]', type: 'application/json' }],
    ]),
    links: { slow: { ...parseLink('10mbps,60ms'), name: 'slow' } },
  };
};

beforeAll(async () => {
  square = await writeSquareBundle(root);
  ladder = await writeLadderBundle(root);
  server = await createTailServer({ bundles: [square, ladder], page: page() });
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

/** The address as it is, which `fetch` would tidy up. */
function get(
  address: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Buffer; headers: object }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: address, headers }, async (response) => {
      const body = Buffer.concat(await response.toArray());
      resolve({ status: response.statusCode ?? 0, body, headers: response.headers });
    })
      .on('error', reject)
      .end();
  });
}

describe('files of the edge side', () => {
  test('are those of the manifest that a client runs, byte for byte', async () => {
    for (const { directory, digest, manifest } of [square, ladder]) {
      const folder = `/v1/bundles/${digest}/files`;
      const text = await get(`${folder}/featherwire.json`);
      expect(text.status).toBe(200);
      expect(await sha256Hex(text.body)).toBe(digest);
      const entries = [manifest.head, ...(manifest.units ?? []).map(({ reduction }) => reduction)];
      for (const point of manifest.operatingPoints)
        if (point.kind === 'profiled') entries.push(point.profile as never);
      for (const { file } of entries) {
        const { status, body, headers } = await get(`${folder}/${file}`);
        expect(status, file).toBe(200);
        expect(body).toEqual(readFileSync(path.join(directory, file)));
        expect(headers).toMatchObject({
          'x-content-type-options': 'nosniff',
          'content-type': 'application/octet-stream',
        });
      }
    }
  });

  test('are no others, and no path leads out of the bundle', async () => {
    const [unit] = ladder.manifest.units!;
    const folder = `/v1/bundles/${ladder.digest}/files`;
    const refused = [
      `${folder}/${ladder.manifest.tail.file}`,
      `${folder}/${unit.restoration.file}`,
      `${folder}/`,
      `${folder}/../featherwire.json`,
      `${folder}/..%2f..%2fpage.html`,
      `${folder}/%2e%2e/page.html`,
      `${folder}//etc/passwd`,
      `${folder}/constructor`,
      `/v1/bundles/${'0'.repeat(64)}/files/featherwire.json`,
      `/v1/bundles/..%2f/files/page.html`,
      '/../page.html',
      '/page.html',
    ];
    for (const address of refused) expect((await get(address)).status, address).toBe(404);
  });

  test('of a bundle that has changed on disk are gone', async () => {
    const changing = await writeSquareBundle(root, 'changing');
    await server.replaceBundles([square, ladder, changing]);
    const manifest = `/v1/bundles/${changing.digest}/files/featherwire.json`;
    expect((await get(manifest)).status).toBe(200);
    writeFileSync(path.join(changing.directory, 'featherwire.json'), '{}');
    expect((await get(manifest)).status).toBe(404);
    rmSync(path.join(changing.directory, changing.manifest.head.file));
    expect((await get(`/v1/bundles/${changing.digest}/files/${changing.manifest.head.file}`)).status).toBe(
      404,
    );
    await server.replaceBundles([square, ladder]);
  });
});

test('pages come with headers that let nothing in from elsewhere, and are not sent twice', async () => {
  const first = await get('/');
  expect(first.body.toString()).toBe('<!doctype html>');
  expect(first.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': expect.stringContaining("script-src 'self' 'wasm-unsafe-eval';"),
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  });
  expect(JSON.stringify(first.headers)).not.toMatch(/'unsafe-|blob:|\*/);
  const { etag } = first.headers as { etag: string };
  expect((await get('/', { 'if-none-match': etag })).status).toBe(304);
  expect((await get('/list.json')).body.toString()).toBe('[]');
});

test('the stream over a shaped link answers as the straight one, later', async () => {
  const { links } = JSON.parse((await get('/v1/links')).body.toString());
  expect(links).toMatchObject([{ name: 'slow', stream: '/v1/links/slow/stream' }]);
  const url = server.streamUrl.replace('/v1/stream', links[0].stream);
  const transport = createWebSocketTransport({ url, WebSocket });
  const client = singleTryClient(square, transport);
  for (let i = 0; i < 2; i++) {
    const { outputs, times } = await client.inferFeature(squareFeatures(3, 1), { coding: LOSSLESS });
    expect(outputs).toEqual(squareOutputs(3, 1));
    expect(times.linkMs).toBeGreaterThanOrEqual(60);
  }
  await transport.close();
  const absent = createWebSocketTransport({ url: url.replace('slow', 'constructor'), WebSocket });
  const refused = singleTryClient(square, absent).inferFeature(squareFeatures(3, 1), { coding: LOSSLESS });
  await expect(refused).rejects.toMatchObject({ code: 'connect-failed' });
  await absent.close();
});

test('a server without a page has none of this', async () => {
  const plain = await createTailServer({ bundles: [square] });
  try {
    for (const address of ['/', '/v1/links', `/v1/bundles/${square.digest}/files/featherwire.json`])
      expect((await fetch(plain.url + address)).status, address).toBe(404);
    const url = plain.streamUrl.replace('/v1/stream', '/v1/links/slow/stream');
    const transport = createWebSocketTransport({ url, WebSocket });
    const client = createEdgeClient({
      bundle: square,
      transport,
      backend: {} as never,
      retry: { maxAttempts: 1 },
    });
    await expect(client.sendPicture(Uint8Array.of(1))).rejects.toMatchObject({ code: 'connect-failed' });
    await transport.close();
  } finally {
    await plain.close();
  }
});
