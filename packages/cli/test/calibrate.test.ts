/** `calibrate` as a process, on the PP-OCR orientation classifier and pictures of noise. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, tensor, writeNpy } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel } from './command.js';

const SAMPLE_COUNT = 24;
const INPUT_SHAPE = [1, 3, 48, 192];
const CUT = 'p2o.Add.25'; // [1, 16, 3, 96]

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const run = (...args: string[]) => featherwire(args, directory.path);

beforeAll(async () => {
  directory = await createWorkDirectory();
  const random = createRandom(5);
  const size = INPUT_SHAPE.reduce((product, dimension) => product * dimension);
  let value = 0;
  const data = Float32Array.from({ length: SAMPLE_COUNT * size }, () => {
    value = 0.95 * value + 0.3 * random.nextNormal();
    return value;
  });
  const shape = [SAMPLE_COUNT, ...INPUT_SHAPE.slice(1)];
  writeFileSync(join(directory.path, 'x.npy'), writeNpy(tensor('float32', shape, data)));
  const labels = tensor('int32', [SAMPLE_COUNT], new Int32Array(SAMPLE_COUNT));
  writeFileSync(join(directory.path, 'x.labels.npy'), writeNpy(labels));
  const split = await run(
    'split',
    orientationModel(),
    '--at',
    CUT,
    '--shape',
    'x=1,3,48,192',
    '-o',
    'bundle',
  );
  expect(split.errors).not.toContain('error');
  expect(split.status).toBe(0);
});

afterAll(() => directory?.remove());

test('writes measured points that inspect shows, and nothing else', async () => {
  const { status, output, errors } = await run(
    ...[
      'calibrate',
      'bundle',
      '--data',
      'x.npy',
      '--agreement',
      '--points',
      '2',
      '--max-loss',
      '10',
      '--json',
    ],
  );
  expect(errors).toContain('run the head');
  // The classifier takes noise for one class.
  expect(errors).toContain('these data tell no coding from sending nothing');
  expect(status).toBe(0);
  const report = JSON.parse(output);
  expect(report.points.length).toBeGreaterThan(0);
  expect(report.samples.design + report.samples.selection + report.samples.claim).toBe(SAMPLE_COUNT);
  for (const { measured } of report.points) {
    expect(measured.sampleCount).toBe(report.samples.claim);
    expect(measured.loss.interval[0]).toBeLessThanOrEqual(measured.loss.value);
  }
  const manifest = JSON.parse(readFileSync(join(directory.path, 'bundle/featherwire.json'), 'utf8'));
  expect(manifest.operatingPoints.map(({ id }: { id: string }) => id)).toEqual(
    report.points.map(({ id }: { id: string }) => id),
  );
  expect(readdirSync(join(directory.path, 'bundle/tables'))).toHaveLength(report.points.length);
  const inspected = await run('inspect', 'bundle');
  expect(inspected.output).toContain(report.points[0].id);
}, 240_000);

test('too few samples are refused in one line', async () => {
  const { status, errors } = await run('calibrate', 'bundle', '--data', 'x.npy', '--samples', '3');
  expect(status).toBe(2);
  expect(errors).toContain("error: option '--samples <count>' argument '3' is invalid");
});
