import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRawPictures } from './raw-pictures.js';

const PIXELS = Uint8Array.from({ length: 3 * 2 * 2 * 3 }, (_, i) => i);
const SIZE = { width: 2, height: 2, channels: 3 } as const;
let directory: string;
const file = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'featherwire-raw-'));
  await writeFile(file('images.bin'), PIXELS);
  await writeFile(file('images.bin.gz'), gzipSync(PIXELS));
  await writeFile(file('damaged.gz'), PIXELS);
  await writeFile(file('labels.bin'), Uint8Array.of(7, 8, 9));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test.each(['images.bin', 'images.bin.gz'])('%s gives pictures with their labels', async (images) => {
  const data = await openRawPictures({ images: file(images), labels: file('labels.bin'), ...SIZE });
  expect(data.length).toBe(3);
  const { input, label } = await data.sample(1);
  expect(label).toBe(8);
  expect(input).toEqual({ kind: 'pixels', pixels: { ...SIZE, data: PIXELS.slice(12, 24) } });
  await expect(data.sample(3)).rejects.toThrow(RangeError);
});

test('sizes that do not fit and damaged files are refused', async () => {
  const [images, labels] = [file('images.bin'), file('labels.bin')];
  await expect(openRawPictures({ images, labels, ...SIZE, height: 3 })).rejects.toThrow('18 bytes');
  await expect(openRawPictures({ images: file('damaged.gz'), labels, ...SIZE })).rejects.toThrow(
    'damaged.gz',
  );
  await expect(openRawPictures({ images: file('none'), labels, ...SIZE })).rejects.toThrow(/none/);
});
