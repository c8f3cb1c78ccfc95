import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImagePreprocessing, Pixels } from '@featherwire/bundle';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PLAIN_PREPROCESSING } from '../../../../test-support/pictures.js';
import { encodePicture } from '../baselines/picture-codecs.js';
import { openImageFolder, openMaskedPictures } from './image-folder.js';
import { openDataSet } from './open-data-set.js';
import { tensorOfInput } from './preparation.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'featherwire-eval-'));
  await mkdir(join(root, 'more'));
  await mkdir(join(root, 'empty'));
  const red: Pixels = { data: Uint8Array.of(255, 0, 0, 255, 0, 0), width: 2, height: 1, channels: 3 };
  const gray: Pixels = { data: Uint8Array.of(0, 51, 102, 255), width: 2, height: 2, channels: 1 };
  await writeFile(join(root, 'red.png'), (await encodePicture(red, { codec: 'png' })).bytes);
  await writeFile(join(root, 'more', 'gray.png'), (await encodePicture(gray, { codec: 'png' })).bytes);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const setLabels = (labels: unknown): Promise<void> =>
  writeFile(join(root, 'labels.json'), typeof labels === 'string' ? labels : JSON.stringify(labels));
beforeEach(() =>
  setLabels([
    { file: 'red.png', label: 3 },
    { file: 'more/gray.png', label: 'gray' },
    { file: 'absent.png', label: 0 },
  ]),
);

const preprocessing: ImagePreprocessing = { ...PLAIN_PREPROCESSING, channelOrder: 'BGR' };

describe('openImageFolder', () => {
  test('reads the classes of places from pictures', async () => {
    await setLabels([
      { file: 'red.png', mask: 'more/gray.png' },
      { file: 'red.png', mask: 'labels.json' },
    ]);
    const data = await openDataSet(root);
    expect((await data.sample(0)).label).toEqual({
      ...{ width: 2, height: 2, classes: Uint8Array.of(0, 51, 102, 255) },
    });
    await expect(data.sample(1)).rejects.toThrow('labels.json: ');
    await setLabels([{ file: 'red.png', mask: '../gray.png' }]);
    await expect(openDataSet(root)).rejects.toThrow('labels.json[0].mask expected a relative file name');
  });

  test('lists the pictures of the directory where labels are not read', async () => {
    const data = await openDataSet(root, 'unread');
    expect(data.length).toBe(1);
    expect(await data.sample(0)).toMatchObject({ id: 'red.png', label: '', input: { kind: 'encoded' } });
    const refusal = openDataSet(join(root, 'empty'), 'unread');
    await expect(refusal).rejects.toMatchObject({ name: 'DataSetError', code: 'not-found' });
  });

  test('lists the entries of labels.json in order', async () => {
    const data = await openDataSet(root);
    expect(data.length).toBe(3);
    expect(await data.sample(0)).toMatchObject({ id: 'red.png', label: 3, input: { kind: 'encoded' } });
    expect((await data.sample(1)).label).toBe('gray');
    await expect(data.sample(2)).rejects.toMatchObject({ code: 'not-found' });
    await expect(data.sample(3)).rejects.toThrow(RangeError);
  });

  test('samples become tensors by the preprocessing of a manifest', async () => {
    const data = await openImageFolder(root);
    const red = await tensorOfInput((await data.sample(0)).input, preprocessing);
    expect(red.shape).toEqual([1, 3, 2, 2]);
    expect(Array.from(red.data as Float32Array)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    const gray = await tensorOfInput((await data.sample(1)).input, { ...preprocessing, height: 2 });
    const plane = [0, 0.2, 0.4, 1].map(Math.fround);
    expect(Array.from(gray.data as Float32Array)).toEqual([...plane, ...plane, ...plane]);
  });

  test('pictures of classes may lie in another folder under the same names', async () => {
    await mkdir(join(root, 'masks'));
    const mask: Pixels = { data: Uint8Array.of(3, 255), width: 2, height: 1, channels: 1 };
    await writeFile(join(root, 'masks', 'red.png'), (await encodePicture(mask, { codec: 'png' })).bytes);
    const data = await openMaskedPictures(root, join(root, 'masks'));
    const { id, label } = await data.sample(data.length - 1);
    expect([id, label]).toEqual(['red.png', { width: 2, height: 1, classes: Uint8Array.of(3, 255) }]);
    await expect(openMaskedPictures(join(root, 'empty'), root)).rejects.toMatchObject({ code: 'not-found' });
    const other = await openMaskedPictures(root, join(root, 'empty'));
    await expect(other.sample(0)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('labels may be boxes', async () => {
    const boxes = [{ label: 'cat', left: 0.25, top: 0, right: 0.5, bottom: 1 }];
    await setLabels([
      { file: 'red.png', boxes },
      { file: 'red.png', boxes: [] },
    ]);
    const data = await openImageFolder(root);
    expect((await data.sample(0)).label).toEqual(boxes);
    expect((await data.sample(1)).label).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['no list', { file: 'red.png', label: 1 }],
    ['an empty list', []],
    ['no JSON', '[{'],
    ['a label of null', [{ file: 'red.png', label: null }]],
    ['a negative class', [{ file: 'red.png', label: -1 }]],
    ['a box without a side', [{ file: 'red.png', boxes: [{ label: 0, left: 0, top: 0, right: 1 }] }]],
    ['a box in pixels', [{ file: 'red.png', boxes: [{ label: 0, left: 0, top: 0, right: 30, bottom: 1 }] }]],
    ['a fraction of a class', [{ file: 'red.png', label: 0.5 }]],
    ['no file', [{ label: 1 }]],
    ['an entry of null', [null]],
    ['a file outside', [{ file: '../red.png', label: 1 }]],
    ['a file outside, hidden in a folder', [{ file: 'more/../../red.png', label: 1 }]],
    ['an absolute file', [{ file: '/etc/hostname', label: 1 }]],
    ['a drive', [{ file: 'C:red.png', label: 1 }]],
    ['a backslash', [{ file: '..\\red.png', label: 1 }]],
  ])('%s is refused', async (_, labels) => {
    await setLabels(labels);
    await expect(openImageFolder(root)).rejects.toMatchObject({ name: 'DataSetError', code: 'invalid-data' });
  });

  test('a folder without labels.json is not found', async () => {
    await expect(openImageFolder(join(root, 'more'))).rejects.toMatchObject({ code: 'not-found' });
  });
});
