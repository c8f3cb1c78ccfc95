/** `train` and `import-unit` as processes, on the PP-OCR orientation classifier and pictures of noise. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type TensorOf, tensor, writeNpy } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { frequencyTable, stateDictionary } from '../../train/test/published-files.js';
import { createWorkDirectory, featherwire, orientationModel, start } from './command.js';

const SAMPLE_COUNT = 60;
const INPUT_SHAPE = [1, 3, 48, 192];
const CUT = 'p2o.Add.25'; // [1, 16, 3, 96]

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const run = (...args: string[]) => featherwire(args, directory.path);
const manifest = () => JSON.parse(readFileSync(join(directory.path, 'bundle/featherwire.json'), 'utf8'));
const TRAIN = ['train', 'bundle', '--data', 'x.npy', '--steps', '60', '--points', '2', '--json'];

beforeAll(async () => {
  directory = await createWorkDirectory();
  const random = createRandom(5);
  const size = INPUT_SHAPE.reduce((product, dimension) => product * dimension);
  let value = 0;
  const data = Float32Array.from({ length: SAMPLE_COUNT * size }, () => {
    value = 0.95 * value + 0.3 * random.nextNormal();
    return value;
  });
  writeFileSync(
    join(directory.path, 'x.npy'),
    writeNpy(tensor('float32', [SAMPLE_COUNT, ...INPUT_SHAPE.slice(1)], data)),
  );
  const labels = tensor('int32', [SAMPLE_COUNT], new Int32Array(SAMPLE_COUNT));
  writeFileSync(join(directory.path, 'x.labels.npy'), writeNpy(labels));
  const shape = ['--shape', 'x=1,3,48,192'];
  const { status } = await run('split', orientationModel(), '--at', CUT, ...shape, '-o', 'bundle');
  expect(status).toBe(0);
}, 60_000);

afterAll(() => directory?.remove());

test('a training that is killed goes on, writes measured points with units, and leaves nothing else', async () => {
  const killed = start(TRAIN, directory.path);
  const state = join(directory.path, 'bundle.train/search.json');
  // The journal is there from the first step on, which is when there is something to lose.
  while (!existsSync(state)) await new Promise((resolve) => setTimeout(resolve, 50));
  killed.child.kill('SIGKILL');
  expect((await killed.result()).status).toBe('SIGKILL');
  expect(manifest().units).toBeUndefined();
  const refused = await run(...TRAIN, '--seed', '2');
  expect([refused.status, refused.errors]).toEqual([1, expect.stringContaining('other data or settings')]);

  const { status, output, errors } = await run(...TRAIN);
  expect(errors).toMatch(/loss \d/);
  expect(status).toBe(0);
  const report = JSON.parse(output);
  expect(report).toMatchObject({ steps: 60, isResumed: true });
  expect(manifest().operatingPoints.map(({ id }: { id: string }) => id)).toEqual(
    report.points.map(({ id }: { id: string }) => id),
  );
  expect(manifest().units.map(({ id }: { id: string }) => id)).toEqual(
    report.units.map(({ id }: { id: string }) => id),
  );
  for (const { shareOfNetwork } of report.storage) expect(shareOfNetwork).toBeLessThan(0.06);
  expect(existsSync(join(directory.path, 'bundle.train'))).toBe(false);
  const inspected = await run('inspect', 'bundle');
  expect(inspected.status).toBe(0);
  expect(inspected.output).toContain('of the network');
}, 300_000);

test('copies, labels and a hyperprior are taken where inputs, task and cut have a place for them', async () => {
  const split = ['split', orientationModel(), '--at', CUT, '--shape', 'x=1,3,48,192'];
  const made = await run(...split, '--task', 'classification', '-o', 'labeled');
  expect(made.status).toBe(0);
  const options = ['--data', 'x.npy', '--samples', '40', '--steps', '6', '--points', '1'];
  const { status, output } = await run(
    ...['train', 'labeled', ...options, '--copies', 'mirror,mirror+shift:3', '--labels'],
    ...['--rate', 'hyperprior', '--json'],
  );
  expect(status).toBe(0);
  expect(JSON.parse(output).trainedOn).toEqual({ samples: 28, copies: 56, labels: true });
  const unlabeled = await run('train', 'bundle', ...options, '--labels');
  expect([unlabeled.status, unlabeled.errors]).toEqual([
    1,
    expect.stringContaining('--labels expected a bundle for classification, got one without a task'),
  ]);
  const wrong = await run('train', 'labeled', ...options, '--copies', 'turned');
  expect([wrong.status, wrong.errors]).toEqual([2, expect.stringContaining('Expected mirror, shift:PIXELS')]);
  const both = await run('train', 'labeled', ...options, '--labels', '--agreement');
  expect(both.status).toBe(2);
  const estimate = await run('train', 'labeled', ...options, '--rate', 'entropy');
  expect([estimate.status, estimate.errors]).toEqual([2, expect.stringContaining('hyperprior')]);
}, 300_000);

test('a published unit is imported beside what is there', async () => {
  const [channels, latent] = [16, 4];
  const weights = new Map<string, TensorOf<'float32'>>();
  const layers: [number[], number][] = [
    [[channels, 1, 3, 3], channels],
    [[latent, channels, 1, 1], latent],
    [[latent, channels, 1, 1], channels],
    [[channels, 1, 3, 3], channels],
  ];
  for (const [i, [shape, outputs]] of layers.entries()) {
    const size = shape.reduce((product, dimension) => product * dimension);
    weights.set(`${i}.conv.weight`, tensor('float32', shape, new Float32Array(size).fill(0.1)));
    for (const role of ['weight', 'bias', 'running_mean', 'running_var'])
      weights.set(`${i}.bn.${role}`, tensor('float32', [outputs], new Float32Array(outputs).fill(1)));
  }
  writeFileSync(join(directory.path, 'unit.pth'), stateDictionary(weights));
  writeFileSync(
    join(directory.path, 'table.pkl'),
    frequencyTable(
      [
        [0, 900],
        [1, 80],
        [2, 20],
      ],
      'Counter',
    ),
  );
  const before = manifest().operatingPoints.length;
  const files = ['--weights', 'unit.pth', '--frequencies', 'table.pkl'];
  const { status, output } = await run(
    'import-unit',
    'bundle',
    ...files,
    '--stride',
    '2',
    '--step',
    '2',
    '--json',
  );
  expect(status).toBe(0);
  const { unit, bytesPerSample } = JSON.parse(output);
  expect(unit.latent).toEqual([1, latent, 2, 48]);
  expect(bytesPerSample.huffman).toBeGreaterThan(bytesPerSample.entropy);
  expect(manifest().operatingPoints).toHaveLength(before + 1);
  const again = await run('import-unit', 'bundle', ...files, '--stride', '2', '--step', '2');
  expect([again.status, again.errors.split('\n')]).toEqual([
    1,
    [expect.stringMatching(/^error: manifest/), ''],
  ]);
  const wrong = await run(
    'import-unit',
    'bundle',
    '--weights',
    'table.pkl',
    '--frequencies',
    'table.pkl',
    '--stride',
    '2',
    '--step',
    '2',
  );
  expect([wrong.status, wrong.errors]).toEqual([1, expect.stringContaining('table.pkl: zip:')]);
  expect(readdirSync(join(directory.path, 'bundle/units')).length).toBeGreaterThan(2);
}, 60_000);

test('a command that is used wrongly says what was expected', async () => {
  const few = await run('train', 'bundle', '--data', 'x.npy', '--samples', '3');
  expect(few.status).toBe(2);
  const none = await run('import-unit', 'bundle', '--weights', 'unit.pth', '--frequencies', 'table.pkl');
  expect([none.status, none.errors]).toEqual([2, expect.stringContaining('--stride')]);
});
