import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createRandom, type Tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { FeatureStore } from './feature-store.js';

function feature(seed: number): Tensor[] {
  const random = createRandom(seed);
  return [
    [2, 3],
    [1, 4, 5],
  ].map((shape) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return { dtype: 'float32', shape, data: Float32Array.from({ length: count }, () => random.nextNormal()) };
  });
}

const folders = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('featherwire-calibrate-'));

test('what does not fit in memory comes back from a file that is gone after closing', async () => {
  const before = new Set(folders());
  const store = new FeatureStore(200);
  for (let sample = 0; sample < 5; sample++) await store.add(sample, feature(sample));
  expect(store.fileBytes).toBe(4 * 26 * 4);
  for (const sample of [4, 0, 2]) expect(await store.get(sample)).toEqual(feature(sample));
  const own = folders().filter((name) => !before.has(name));
  expect(own.length).toBeGreaterThan(0);
  await store.close();
  expect(own.some((name) => existsSync(`${tmpdir()}/${name}/features`))).toBe(false);
});

test('without need there is no file, and other samples are refused', async () => {
  const store = new FeatureStore();
  await store.add(7, feature(7));
  expect(store.fileBytes).toBe(0);
  await expect(store.get(8)).rejects.toThrow(RangeError);
  await store.close();
});
