/** `probe` as a process, on the PP-OCR orientation classifier and rendered lines. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel } from './command.js';

const SHAPE = ['--shape', 'x=1,3,48,192'];
const CUT = 'p2o.Add.25'; // [1, 16, 3, 96]
const SAMPLES = 60;

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const run = (...args: string[]) => featherwire(args, directory.path);

beforeAll(async () => {
  directory = await createWorkDirectory();
  const preprocessing = {
    ...{ kind: 'image', input: 'x', channelOrder: 'BGR', height: 48, width: 192, fit: 'stretch' },
    ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  };
  writeFileSync(join(directory.path, 'p.json'), JSON.stringify(preprocessing));
});

afterAll(() => directory?.remove());

test('writes a model with classes, which can be cut as any other', async () => {
  const { status, output, errors } = await run(
    ...['probe', orientationModel(), '--at', CUT, '--data', 'turned-lines', ...SHAPE],
    ...['--preprocessing', 'p.json', '--samples', `${SAMPLES}`, '-o', 'probed.onnx', '--json'],
  );
  expect(status, errors).toBe(0);
  const report = JSON.parse(output);
  expect(report).toMatchObject({ output: 'probe', tensor: CUT, classCount: 2, featureCount: 16, seed: 1 });
  expect(report.sampleCount).toBe(SAMPLES);
  expect(report.heldOut.low).toBeLessThanOrEqual(report.heldOut.value);
  const split = await run(
    ...['split', 'probed.onnx', '--at', CUT, ...SHAPE, '--preprocessing', 'p.json'],
    ...['--task', 'classification', '-o', 'bundle', '--json'],
  );
  expect(split.status, split.errors).toBe(0);
  expect(JSON.parse(split.output)).toMatchObject({ task: { kind: 'classification', output: 'probe' } });
}, 60_000);

test('a tensor that is not there and labels that are no classes are refused', async () => {
  const probe = (tensor: string, data: string) =>
    run(
      ...['probe', orientationModel(), '--at', tensor, '--data', data, ...SHAPE],
      ...['--preprocessing', 'p.json', '--samples', '5', '-o', 'none.onnx'],
    );
  const missing = await probe('p2o.Add.999', 'turned-lines');
  expect([missing.status, missing.errors]).toEqual([1, expect.stringContaining("got 'p2o.Add.999'")]);
  const texts = await probe(CUT, 'text-lines');
  expect([texts.status, texts.errors]).toEqual([
    1,
    expect.stringContaining('number of a class as its label'),
  ]);
}, 60_000);
