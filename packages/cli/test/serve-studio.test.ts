/** `serve --studio` as a process: the page and its samples at the address that it prints, and how it refuses what does not fit. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharpOfPixels } from '@featherwire/bundle/node/pictures';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainPixels } from '../../../test-support/pictures.js';
import { writeRowsBundle } from '../../runtime/test/test-bundles.js';
import { createWorkDirectory, featherwire, start } from './command.js';

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;

beforeAll(async () => {
  directory = await createWorkDirectory();
  await writeRowsBundle(join(directory.path, 'rows'));
  const pictures = join(directory.path, 'pictures');
  await mkdir(pictures);
  await mkdir(join(directory.path, 'empty'));
  await writeFile(join(pictures, 'notes.txt'), 'no picture');
  await sharpOfPixels(plainPixels(4, 4, 200, 10, 10))
    .png()
    .toFile(join(pictures, 'red & <b>.PNG'));
});
afterAll(() => directory.remove());

test('the page, its scripts, the engine and the samples are there, and nothing of the folders beside them', async () => {
  const serve = ['serve', 'rows', '--port', '0', '--studio', '--samples', 'pictures'];
  const server = start(serve, directory.path);
  const [, url] = await server.outputMatch(/studio at (http:\/\/127\.0\.0\.1:\d+)\/\n/);
  const page = await fetch(`${url}/`);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const text = await page.text();
  const named = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
  expect(named).toContain('/studio/page.js');
  const samples = await (await fetch(`${url}/studio/samples.json`)).json();
  expect(samples).toEqual([{ name: 'red & <b>.PNG', url: '/studio/samples/0.png' }]);
  const expected = [
    ...named,
    '/studio/worker.js',
    '/studio/engine/ort.wasm.min.mjs',
    samples[0].url,
    '/v1/links',
  ];
  for (const path of expected) expect((await fetch(url + path)).status, path).toBe(200);
  const refused = [
    '/studio/notes.txt',
    '/studio/samples/notes.txt',
    '/studio/engine/../index.html/..%2f..%2fpackage.json',
    '/studio/engine/package.json',
    '/studio/samples/1.png',
  ];
  for (const path of refused) expect((await fetch(url + path)).status, path).toBe(404);
  server.child.kill('SIGTERM');
  expect((await server.result()).status).toBe(0);
});

test('what does not fit is wrong use', async () => {
  for (const [options, text] of [
    [['--samples', 'pictures'], '--samples expected --studio beside it'],
    [
      ['--studio', '--samples', 'empty'],
      '--samples expected pictures (.png, .jpg, .jpeg, .webp) in empty, got none',
    ],
  ] as const) {
    const { status, errors } = await featherwire(
      ['serve', 'rows', '--port', '0', ...options],
      directory.path,
    );
    expect({ status, errors }).toEqual({ status: 2, errors: expect.stringContaining(text) });
  }
  await writeFile(join(directory.path, 'tokens'), `client ${'x'.repeat(20)}\n`);
  const { status, errors } = await featherwire(
    ['serve', 'rows', '--port', '0', '--studio', '--tokens', 'tokens'],
    directory.path,
  );
  expect(status).toBe(2);
  expect(errors).toContain('--studio expected no --tokens');
});
