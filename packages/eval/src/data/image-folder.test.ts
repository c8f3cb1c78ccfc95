import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImagePreprocessing, Pixels } from '@featherwire/bundle';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PLAIN_PREPROCESSING } from '../../../../test-support/pictures.js';
import { encodePicture } from '../baselines/picture-codecs.js';
import { openImageFolder } from './image-folder.js';
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

  test.each<[string, unknown]>([
    ['no list', { file: 'red.png', label: 1 }],
    ['an empty list', []],
    ['no JSON', '[{'],
    ['a label of null', [{ file: 'red.png', label: null }]],
    ['a negative class', [{ file: 'red.png', label: -1 }]],
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
