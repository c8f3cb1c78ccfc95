import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchBundle } from './fetch-bundle.js';
import { edgeFilesOfManifest } from './manifest-files.js';
import { type NodeBundle, writeBundle } from './node/index.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-fetch-'));
const FOLDER = 'https://example.test/bundles/one';
let bundle: NodeBundle;

beforeAll(async () => {
  const value = (name: string) => ({ name, dtype: 'float32' as const, shape: [1] });
  const part = (text: string) => ({ model: new TextEncoder().encode(text), parameters: 0, macs: null });
  bundle = await writeBundle(path.join(root, 'one'), {
    manifest: {
      model: { name: 'one', sha256: '0'.repeat(64), bytes: 1 },
      ...{ inputs: [value('x')], cut: [value('c')], outputs: [value('y')], operatingPoints: [] },
      verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
    },
    parts: { head: part('head'), tail: part('tail') },
  });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Answers as a server of the bundle's directory, with other bytes for some files. */
function serving(others: Readonly<Record<string, Uint8Array | number>> = {}) {
  const asked: string[] = [];
  const get = async (url: string | URL | Request): Promise<Response> => {
    const { pathname } = new URL(String(url));
    const name = pathname.replace('/bundles/one/', '');
    asked.push(name);
    const body = others[name] ?? readFileSync(path.join(bundle.directory, name));
    return typeof body === 'number'
      ? new Response('', { status: body })
      : new Response(body as Uint8Array<ArrayBuffer>);
  };
  return { get: get as typeof fetch, asked };
}

test('gives the manifest with its digest, and files when they are asked for', async () => {
  const { get, asked } = serving();
  const fetched = await fetchBundle(FOLDER, { fetch: get, digest: bundle.digest });
  expect(fetched.manifest).toEqual(bundle.manifest);
  expect(fetched.digest).toBe(bundle.digest);
  expect(asked).toEqual(['featherwire.json']);
  expect(new TextDecoder().decode(await fetched.fetchFile(fetched.manifest.head))).toBe('head');
  expect(edgeFilesOfManifest(fetched.manifest)).toEqual([fetched.manifest.head]);
});

test('another manifest than the one meant, a damaged file and a longer one are refused', async () => {
  const others = { 'head.onnx': new TextEncoder().encode('hEad') };
  const fetched = await fetchBundle(`${FOLDER}/`, { fetch: serving(others).get });
  await expect(fetched.fetchFile(fetched.manifest.head)).rejects.toMatchObject({ code: 'digest-mismatch' });
  const longer = { 'head.onnx': new TextEncoder().encode('head and more') };
  const tooLong = await fetchBundle(FOLDER, { fetch: serving(longer).get });
  await expect(tooLong.fetchFile(tooLong.manifest.head)).rejects.toThrow('at most 4 bytes, got more');
  const meant = fetchBundle(FOLDER, { fetch: serving().get, digest: '1'.repeat(64) });
  await expect(meant).rejects.toMatchObject({ code: 'digest-mismatch' });
});

test('what is absent, unreadable or out of reach is a BundleError that says where', async () => {
  const absent = fetchBundle(FOLDER, { fetch: serving({ 'featherwire.json': 404 }).get });
  await expect(absent).rejects.toMatchObject({ name: 'BundleError', code: 'not-found' });
  const latin = fetchBundle(FOLDER, { fetch: serving({ 'featherwire.json': Uint8Array.of(0xff) }).get });
  await expect(latin).rejects.toMatchObject({ code: 'invalid-manifest' });
  const down = fetchBundle(FOLDER, {
    fetch: async () => {
      throw new TypeError('failed to fetch');
    },
  });
  await expect(down).rejects.toThrow(`no answer from ${FOLDER}/featherwire.json: failed to fetch`);
  const { get } = serving({ 'head.onnx': 500 });
  const fetched = await fetchBundle(FOLDER, { fetch: get });
  await expect(fetched.fetchFile(fetched.manifest.head)).rejects.toMatchObject({ code: 'missing-file' });
});
