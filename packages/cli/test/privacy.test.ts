/** `privacy` as a process, on the PP-OCR orientation classifier and pictures of smooth noise. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePicture, encodePicture } from '@featherwire/eval';
import { createRandom } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel } from './command.js';

const [WIDTH, HEIGHT] = [192, 48];
const COUNT = 24;
const CUT = 'p2o.Add.25'; // [1, 16, 3, 96]

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const run = (...args: string[]) => featherwire(args, directory.path);

beforeAll(async () => {
  directory = await createWorkDirectory();
  mkdirSync(join(directory.path, 'pictures'));
  const random = createRandom(8);
  for (let i = 0; i < COUNT; i++) {
    const [gray, slope] = [60 + random.nextInteger(120), random.nextUniform() - 0.5];
    const data = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, at) =>
      Math.round(gray + slope * (Math.floor(at / 3) % WIDTH)),
    );
    const { bytes } = await encodePicture(
      { data, width: WIDTH, height: HEIGHT, channels: 3 },
      { codec: 'png' },
    );
    writeFileSync(join(directory.path, `pictures/${i}.png`), bytes);
  }
  const preprocessing = {
    ...{ kind: 'image', input: 'x', channelOrder: 'RGB', height: HEIGHT, width: WIDTH, fit: 'stretch' },
    ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  };
  writeFileSync(join(directory.path, 'p.json'), JSON.stringify(preprocessing));
  const { status, errors } = await run(
    ...['split', orientationModel(), '--at', CUT, '--shape', `x=1,3,${HEIGHT},${WIDTH}`],
    ...['--preprocessing', 'p.json', '-o', 'bundle'],
  );
  expect(status, errors).toBe(0);
}, 60_000);

afterAll(() => directory?.remove());

test('reports the mean picture and every way, and draws a sheet', async () => {
  const { status, output, errors } = await run(
    ...['privacy', 'bundle', '--data', 'pictures', '--sheet', 'sheet.png', '--json'],
  );
  expect(status, errors).toBe(0);
  const { rows, meanPicture, ...counts } = JSON.parse(output);
  expect(counts).toEqual({ knownPictures: COUNT / 2, testPictures: COUNT / 2 });
  expect(rows[0]).toMatchObject({ method: 'float32', bytes: 4 * 16 * 3 * 96 });
  for (const { bytes } of rows.slice(1)) expect(bytes).toBeLessThan(rows[0].bytes / 4);
  expect(rows[0].psnr.value).toBeGreaterThan(meanPicture.psnr.value);
  const { pixels } = await decodePicture(readFileSync(join(directory.path, 'sheet.png')), 3);
  expect(pixels.height).toBe((rows.length + 1) * (HEIGHT + 2) - 2);
}, 60_000);

test('data that are not there are refused', async () => {
  const { status, errors } = await run('privacy', 'bundle', '--data', 'none.npy');
  expect(status).toBe(1);
  expect(errors).toContain('none.npy');
}, 60_000);
