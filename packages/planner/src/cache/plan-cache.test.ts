import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createPlanCache, defaultCacheDirectory, noCache } from './plan-cache.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-cache-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function counter(value: unknown) {
  let calls = 0;
  return { make: async () => ({ value, call: ++calls }), calls: () => calls };
}

test('a record is made once for a key, and again for another one', async () => {
  const cache = createPlanCache(path.join(root, 'once'));
  const { make, calls } = counter([1, 2]);
  const first = await cache.get({ model: 'a' }, make);
  expect(await cache.get({ model: 'a' }, make)).toEqual(first);
  expect(calls()).toBe(1);
  await cache.get({ model: 'b' }, make);
  expect(calls()).toBe(2);
});

test('a damaged record is made again', async () => {
  const directory = path.join(root, 'damaged');
  const cache = createPlanCache(directory);
  const { make, calls } = counter(1);
  await cache.get({ model: 'a' }, make);
  for (const file of readdirSync(directory)) writeFileSync(path.join(directory, file), '{"key": {');
  await cache.get({ model: 'a' }, make);
  expect(calls()).toBe(2);
});

test('a directory that cannot be written is no error, and what fails is not kept', async () => {
  const cache = createPlanCache('/dev/null/nowhere');
  expect(await cache.get({}, counter(3).make)).toEqual({ value: 3, call: 1 });
  await expect(cache.get({}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
});

test('no cache makes every time', async () => {
  const { make, calls } = counter(1);
  await noCache.get({}, make);
  await noCache.get({}, make);
  expect(calls()).toBe(2);
});

test('the directory follows the XDG specification: relative paths are ignored', () => {
  expect(defaultCacheDirectory({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/featherwire');
  for (const env of [{}, { XDG_CACHE_HOME: '' }, { XDG_CACHE_HOME: 'relative' }]) {
    expect(defaultCacheDirectory(env)).toMatch(/\/\.cache\/featherwire$/);
  }
});
