import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FASHION_MNIST_DIRECTORY, openFashionMnist, openIdxPictures } from './idx-pictures.js';

const PIXELS = Uint8Array.from({ length: 2 * 3 * 4 }, (_, i) => 10 * i);
let directory: string;
const file = (name: string): string => join(directory, name);

/** An IDX file of unsigned bytes. */
function idx(shape: readonly number[], bytes: ArrayLike<number>): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 * (shape.length + 1)));
  header.setUint32(0, 0x0800 + shape.length);
  for (const [i, dimension] of shape.entries()) header.setUint32(4 * (i + 1), dimension);
  return Uint8Array.from([...new Uint8Array(header.buffer), ...Array.from(bytes)]);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'featherwire-idx-'));
  await writeFile(file('images'), idx([2, 3, 4], PIXELS));
  await writeFile(file('t10k-images-idx3-ubyte.gz'), gzipSync(idx([2, 3, 4], PIXELS)));
  await writeFile(file('t10k-labels-idx1-ubyte.gz'), gzipSync(idx([2], [7, 9])));
  await writeFile(file('labels'), idx([2], [7, 9]));
  await writeFile(file('one-label'), idx([1], [7]));
  await writeFile(file('short'), idx([2, 3, 4], PIXELS.subarray(1)));
  await writeFile(file('empty'), idx([0, 3, 4], []));
  await writeFile(file('no-labels'), idx([0], []));
  await writeFile(file('cut'), Uint8Array.of(0, 0, 8));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test('gives gray pictures with their labels, compressed or not', async () => {
  const plain = await openIdxPictures({ images: file('images'), labels: file('labels') });
  const packed = await openFashionMnist('test', directory);
  expect(packed.description).toBe('2 pictures of Fashion-MNIST (test)');
  for (const data of [plain, packed]) {
    expect(data.length).toBe(2);
    const { input, label } = await data.sample(1);
    expect(label).toBe(9);
    const pixels = { data: PIXELS.slice(12), width: 4, height: 3, channels: 1 };
    expect(input).toEqual({ kind: 'pixels', pixels });
    await expect(data.sample(2)).rejects.toThrow(RangeError);
  }
});

test.each([
  ['images', 'one-label', 'as many labels as pictures'],
  ['labels', 'labels', 'of 3 dimensions, got magic number 2049, 10 bytes'],
  ['images', 'images', 'of 1 dimensions, got magic number 2051, 40 bytes'],
  ['short', 'labels', 'expected 24 bytes, got 23'],
  ['empty', 'no-labels', 'at least one, got 0 and 0'],
  ['cut', 'labels', 'got 3 bytes'],
])('%s with %s is refused', async (images, labels, message) => {
  const opening = openIdxPictures({ images: file(images), labels: file(labels) });
  await expect(opening).rejects.toMatchObject({ code: 'invalid-data' });
  await expect(opening).rejects.toThrow(message);
});

test('where Fashion-MNIST is not installed the package is named', async () => {
  const opening = openFashionMnist('calibration', join(directory, 'none'));
  await expect(opening).rejects.toMatchObject({ code: 'not-found' });
  await expect(opening).rejects.toThrow('dataset-fashion-mnist');
});

const absent = existsSync(FASHION_MNIST_DIRECTORY) ? null : `no ${FASHION_MNIST_DIRECTORY}`;
test.skipIf(absent)(
  `Fashion-MNIST has its published counts${absent ? ` (skipped: ${absent})` : ''}`,
  async () => {
    const parts = await Promise.all((['calibration', 'test'] as const).map((part) => openFashionMnist(part)));
    expect(parts.map(({ length }) => length)).toEqual([60_000, 10_000]);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) counts[(await parts[1].sample(i)).label]++;
    expect(counts).toEqual(new Array(10).fill(1000));
  },
);
