import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tensor, tensor, writeNpy } from '@featherwire/tensor';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openArrayFile } from './array-file.js';
import type { DataSetErrorCode } from './data-set.js';
import { openDataSet } from './open-data-set.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'featherwire-eval-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const labels = tensor('int64', [2], BigInt64Array.of(7n, 1n));
const features = tensor('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
const pictures = tensor(
  'uint8',
  [2, 1, 2, 3],
  Uint8Array.from({ length: 12 }, (_, i) => i),
);

async function save(name: string, arrays: Record<string, Tensor>): Promise<string> {
  const path = join(root, name);
  const members = Object.entries(arrays).map(([key, value]) => [`${key}.npy`, writeNpy(value)]);
  await writeFile(path, zipSync(Object.fromEntries(members)));
  return path;
}

async function expectCode(action: Promise<unknown>, code: DataSetErrorCode): Promise<void> {
  await expect(action).rejects.toMatchObject({ name: 'DataSetError', code });
}

describe('openArrayFile', () => {
  test('gives rows of an archive as tensors with a first dimension of 1', async () => {
    const data = await openArrayFile(await save('features.npz', { x: features, y: labels }));
    expect(data).toMatchObject({ name: 'features.npz', length: 2, description: '2 tensors of features.npz' });
    expect(await data.sample(1)).toEqual({
      id: 'features.npz[1]',
      input: { kind: 'tensor', tensor: tensor('float32', [1, 3], Float32Array.of(4, 5, 6)) },
      label: 1,
    });
    await expect(data.sample(2)).rejects.toThrow(RangeError);
    await expect(data.sample(-1)).rejects.toThrow(RangeError);
    await expect(data.sample(0.5)).rejects.toThrow(RangeError);
  });

  test('needs no labels where they are not read', async () => {
    const data = await openDataSet(await save('bare.npz', { x: features }), 'unread');
    expect(await data.sample(1)).toMatchObject({ id: 'bare.npz[1]', label: '' });
    await expectCode(openDataSet(join(root, 'bare.npz')), 'invalid-data');
    await writeFile(join(root, 'bare.npy'), writeNpy(features));
    expect((await openDataSet(join(root, 'bare.npy'), 'unread')).length).toBe(2);
    await expectCode(openDataSet(join(root, 'bare.npy')), 'not-found');
  });

  test('takes uint8 arrays of picture shape as pictures, unless told otherwise', async () => {
    const path = await save('pictures.npz', { inputs: pictures, labels });
    const { input } = await (await openArrayFile(path)).sample(1);
    const pixels = { data: Uint8Array.of(6, 7, 8, 9, 10, 11), width: 2, height: 1, channels: 3 };
    expect(input).toEqual({ kind: 'pixels', pixels });
    const asTensors = await openArrayFile(path, { content: 'tensors' });
    expect((await asTensors.sample(0)).input).toMatchObject({
      kind: 'tensor',
      tensor: { shape: [1, 1, 2, 3] },
    });
    const gray = await openArrayFile(
      await save('gray.npz', { x: tensor('uint8', [2, 2, 3], pictures.data), y: labels }),
    );
    expect((await gray.sample(0)).input).toMatchObject({ pixels: { width: 3, height: 2, channels: 1 } });
  });

  test('reads a .npy with labels beside it, or where it is told', async () => {
    await writeFile(join(root, 'set.npy'), writeNpy(features));
    await expectCode(openArrayFile(join(root, 'set.npy')), 'not-found');
    await writeFile(join(root, 'set.labels.npy'), writeNpy(labels));
    expect((await (await openDataSet(join(root, 'set.npy'))).sample(0)).label).toBe(7);
    await writeFile(join(root, 'other.npy'), writeNpy(tensor('uint8', [2], Uint8Array.of(3, 4))));
    const data = await openArrayFile(join(root, 'set.npy'), { labelsPath: join(root, 'other.npy') });
    expect((await data.sample(0)).label).toBe(3);
  });

  test('refuses what does not fit together', async () => {
    const oneLabel = tensor('int32', [1], Int32Array.of(1));
    await expectCode(openArrayFile(await save('a.npz', { x: features, y: oneLabel })), 'invalid-data');
    await expectCode(openArrayFile(await save('b.npz', { x: features })), 'invalid-data');
    await expectCode(openArrayFile(await save('c.npz', { data: features, y: labels })), 'invalid-data');
    const fractions = tensor('float32', [2], Float32Array.of(0.5, 1));
    await expectCode(openArrayFile(await save('d.npz', { x: features, y: fractions })), 'invalid-data');
    const negative = tensor('int8', [2], Int8Array.of(-1, 1));
    await expectCode(openArrayFile(await save('e.npz', { x: features, y: negative })), 'invalid-data');
    const empty = tensor('float32', [0, 3], new Float32Array(0));
    const none = tensor('int32', [0], new Int32Array(0));
    await expectCode(openArrayFile(await save('f.npz', { x: empty, y: none })), 'invalid-data');
    const scalar = tensor('float32', [], Float32Array.of(1));
    await expectCode(openArrayFile(await save('g.npz', { x: scalar, y: labels })), 'invalid-data');
    const asPictures = openArrayFile(await save('h.npz', { x: features, y: labels }), {
      content: 'pictures',
    });
    await expectCode(asPictures, 'invalid-data');
    const noRows = tensor('uint8', [2, 0, 3], new Uint8Array(0));
    const withoutPixels = openArrayFile(await save('i.npz', { x: noRows, y: labels }), {
      content: 'pictures',
    });
    await expectCode(withoutPixels, 'invalid-data');
  });

  test('refuses damaged and missing files', async () => {
    await writeFile(join(root, 'broken.npz'), 'PK');
    await expectCode(openArrayFile(join(root, 'broken.npz')), 'invalid-data');
    await writeFile(join(root, 'broken.npy'), 'x');
    await expectCode(openArrayFile(join(root, 'broken.npy')), 'invalid-data');
    await expectCode(openArrayFile(join(root, 'absent.npz')), 'not-found');
    await mkdir(join(root, 'folder.npz'));
    await expectCode(openArrayFile(join(root, 'folder.npz')), 'not-found');
  });
});

describe('openDataSet', () => {
  test('says which paths it takes', async () => {
    await expectCode(openDataSet(join(root, 'absent')), 'not-found');
    await writeFile(join(root, 'data.csv'), 'x');
    await expectCode(openDataSet(join(root, 'data.csv')), 'invalid-data');
    await expectCode(openDataSet(root), 'not-found');
  });
});
