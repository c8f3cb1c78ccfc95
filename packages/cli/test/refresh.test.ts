/**
 * From calibration to drift and back, as processes: a server warns of inputs that changed, `calibrate --refresh` redesigns the
 * points from such inputs without labels, and the server of the new bundle is content.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLocalSession } from '@featherwire/inference/node';
import { createRandom, tensor, writeNpy } from '@featherwire/tensor';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel, start } from './command.js';

const SAMPLE_COUNT = 48;
const INPUT_SHAPE = [1, 3, 48, 192];
const INPUT_SIZE = 3 * 48 * 192;
const CUT = 'p2o.Add.25'; // [1, 16, 3, 96]
/** Contrast of the changed inputs. */
const GAIN = 0.2;

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const run = (...args: string[]) => featherwire(args, directory.path);
const file = (name: string): string => join(directory.path, name);

/** Correlated noise, as [samples, …]. */
function noise(gain: number, seed: number): Float32Array {
  const random = createRandom(seed);
  let value = 0;
  return Float32Array.from({ length: SAMPLE_COUNT * INPUT_SIZE }, () => {
    value = 0.95 * value + 0.3 * random.nextNormal();
    return gain * value;
  });
}

const writeInputs = (name: string, data: Float32Array): void =>
  writeFileSync(file(name), writeNpy(tensor('float32', [SAMPLE_COUNT, ...INPUT_SHAPE.slice(1)], data)));

beforeAll(async () => {
  directory = await createWorkDirectory();
  writeInputs('usual.npy', noise(1, 5));
  writeInputs('changed.npy', noise(GAIN, 6));
  writeInputs('changed-too.npy', noise(GAIN, 7));
  for (const name of ['usual', 'changed-too']) {
    const labels = tensor('int32', [SAMPLE_COUNT], new Int32Array(SAMPLE_COUNT));
    writeFileSync(file(`${name}.labels.npy`), writeNpy(labels));
  }
  const split = ['split', orientationModel(), '--at', CUT, '--shape', 'x=1,3,48,192', '-o', 'bundle'];
  expect((await run(...split, '--task', 'classification', '--keep-whole')).status).toBe(0);
  const calibrated = ['calibrate', 'bundle', '--data', 'usual.npy', '--agreement', '--points', '2'];
  const { status, errors } = await run(...calibrated, '--max-loss', '0.5');
  expect(status, errors).toBe(0);
}, 240_000);

afterAll(() => directory?.remove());

interface Seen {
  readonly state: string;
  readonly warnings: string;
}

/** What a server says after requests with statistics. */
async function serveAndRun(data: string, point: string): Promise<Seen> {
  const server = start(['serve', 'bundle', '--port', '0'], directory.path);
  try {
    const [url] = await server.outputMatch(/http:\/\/127\.0\.0\.1:\d+/);
    const options = ['--server', url, '--data', data, '--point', point, '--statistics', '--json'];
    const { status, errors } = await run('run', 'bundle', ...options);
    expect(status, errors).toBe(0);
    const { bundles } = await (await fetch(`${url}/v1/drift`)).json();
    server.child.kill('SIGTERM');
    const { output: lines, errors: log } = await server.result();
    return {
      state: bundles[0].points[0].tensors[0].state,
      warnings: `${lines}${log}`,
    };
  } finally {
    server.child.kill('SIGKILL');
  }
}

test('changed inputs are told, refreshing redesigns from them without labels, and the warning is gone', async () => {
  const manifest = JSON.parse(readFileSync(file('bundle/featherwire.json'), 'utf8'));
  const { id: point } = manifest.operatingPoints.at(-1); // the finest
  expect((await serveAndRun('usual.npy', point)).state).toBe('within');
  const drifted = await serveAndRun('changed-too.npy', point);
  expect(drifted.state).toBe('drifted');
  expect(drifted.warnings).toContain('elements drifted to');

  const refreshed = await run('calibrate', 'bundle', '--refresh', '--data', 'changed.npy', '--json');
  expect(refreshed.status, refreshed.errors).toBe(0);
  const report = JSON.parse(refreshed.output);
  const own = report.points.find(({ id }: { id: string }) => id === point);
  expect(own.change).toBe('redesigned');
  expect(own.after.distance).toBeLessThanOrEqual(own.before.distance);
  // At a fifth of the contrast the old point may send next to nothing, which costs the output.
  const saves = own.after.bytesPerSample < own.before.bytesPerSample;
  expect(saves || own.after.distance < 0.9 * own.before.distance).toBe(true);
  expect(own.after.loss).toBeLessThanOrEqual(own.before.loss);

  const after = await serveAndRun('changed-too.npy', point);
  expect(after.state).toBe('within');
  expect(after.warnings).not.toContain('drifted');
}, 240_000);

test('features that were recorded do as well as inputs', async () => {
  const head = await createLocalSession(file('bundle/head.onnx'));
  const inputs = noise(GAIN, 8);
  const features: number[] = [];
  for (let i = 0; i < SAMPLE_COUNT; i++) {
    const x = tensor('float32', INPUT_SHAPE, inputs.slice(i * INPUT_SIZE, (i + 1) * INPUT_SIZE));
    features.push(...((await head.run({ x })).outputs[CUT].data as Float32Array));
  }
  await head.close();
  const cut = tensor('float32', [SAMPLE_COUNT, 16, 3, 96], Float32Array.from(features));
  writeFileSync(file('features.npz'), zipSync({ [`${CUT}.npy`]: writeNpy(cut) }));
  const { status, output, errors } = await run('calibrate', 'bundle', '--refresh', '--data', 'features.npz');
  expect(status, errors).toBe(0);
  expect(output).toContain(`${SAMPLE_COUNT} features of features.npz`);
}, 120_000);

test('a bundle without points has nothing to refresh, and choices of a calibration are none of refreshing', async () => {
  const bare = ['split', orientationModel(), '--at', CUT, '--shape', 'x=1,3,48,192', '-o', 'bare'];
  expect((await run(...bare)).status).toBe(0);
  const { status, errors } = await run('calibrate', 'bare', '--refresh', '--data', 'changed.npy');
  expect(status).toBe(1);
  expect(errors).toContain('error: bundle expected points with profiles to refresh, got none');
  const both = await run('calibrate', 'bundle', '--refresh', '--data', 'changed.npy', '--points', '3');
  expect(both.status).toBe(2);
}, 60_000);
