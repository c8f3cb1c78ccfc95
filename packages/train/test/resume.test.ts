/** A training process is killed at several moments and started again: it ends where one that ran through ends. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { serializeModel } from '@featherwire/onnx';
import type { Tensor } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identityOfRun, readCheckpoint, writeCheckpoint } from '../src/node/checkpoint.js';
import { initialState } from '../src/training/run-training.js';
import { settingsOf, type TinyTask, tinyTask } from './tiny-task.js';

const script = fileURLToPath(new URL('train-from-files.mjs', import.meta.url));
const directory = mkdtempSync(path.join(tmpdir(), 'featherwire-resume-'));
const settings = settingsOf({});
let task: TinyTask;

beforeAll(async () => {
  task = await tinyTask();
  const { step, data } = task;
  const items = Array.from({ length: data.count }, (_, item) =>
    Object.fromEntries(
      Object.entries(data.batch(Uint32Array.of(item))).map(([name, value]) => [name, plain(value)]),
    ),
  );
  writeFileSync(path.join(directory, 'step.onnx'), serializeModel(step.model));
  writeFileSync(
    path.join(directory, 'task.json'),
    JSON.stringify({ step: { ...step, model: null }, settings, items }),
  );
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function plain({ shape, data }: Tensor): { shape: number[]; values: number[] } {
  return { shape: shape.slice(1), values: Array.from(data, Number) };
}

/** Runs the process; kills it once it has printed that step. Gives the lines it has printed. */
function trainInProcess(checkpoint: string, killAfterStep = Number.POSITIVE_INFINITY): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, directory, checkpoint]);
    const lines: string[] = [];
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.stdout.on('data', (chunk: Buffer) => {
      lines.push(...chunk.toString().split('\n').filter(Boolean));
      if (lines.some((line) => Number(line.split(' ')[0]) >= killAfterStep)) child.kill('SIGKILL');
    });
    child.on('close', (status, signal) => {
      if (status === 0 || signal === 'SIGKILL') resolve(lines);
      else reject(new Error(`training ended with status ${status}: ${errors}`));
    });
  });
}

test('killed three times, a run ends in the loss, the parameters and the average of one that ran through', async () => {
  const through = await trainInProcess('through');
  for (const step of [3, 88, 134]) await trainInProcess('killed', step);
  const rest = await trainInProcess('killed');
  const [first] = rest[0].split(' ').map(Number);
  expect(first).toBeGreaterThan(125); // it did not begin again, and had begun to average
  expect(rest.at(-1)).toBe(through.at(-1));
  for (const vector of ['parameters', 'average']) {
    const of = (run: string) => readFileSync(path.join(directory, `${run}.${vector}`));
    expect(of('killed').equals(of('through'))).toBe(true);
  }
}, 120_000);

test('a checkpoint comes back as it was, and of other settings or damaged it is refused', async () => {
  const { step } = task;
  const file = path.join(directory, 'state');
  const begin = initialState(step, 1);
  const identity = identityOfRun(step, settings, begin);
  const state = { ...initialState(step, 4), step: 12 };
  expect(await readCheckpoint(file, identity)).toBeUndefined();
  await writeCheckpoint(file, identity, state);
  expect(await readCheckpoint(file, identity)).toEqual(state);
  const averaged = { ...state, average: state.parameters.map((x) => x / 2) };
  await writeCheckpoint(file, identity, averaged);
  expect(await readCheckpoint(file, identity)).toEqual(averaged);
  const schedule = { ...settings.schedule, averagedShare: 0.5 };
  const stepSizes = { smallest: 1, largest: 2 };
  for (const other of [{ lambda: 0.02 }, { seed: 2 }, { freeBits: 5 }, { schedule }, { stepSizes }]) {
    const wrong = identityOfRun(step, { ...settings, ...other }, begin);
    await expect(readCheckpoint(file, wrong)).rejects.toThrow('of a run with other settings');
  }
  const elsewhere = identityOfRun(step, settings, initialState(step, 2));
  await expect(readCheckpoint(file, elsewhere)).rejects.toThrow('of a run with other settings');
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(file, bytes);
  await expect(readCheckpoint(file, identity)).rejects.toThrow('damaged');
  writeFileSync(file, bytes.subarray(0, bytes.length - 40));
  await expect(readCheckpoint(file, identity)).rejects.toThrow('damaged');
  writeFileSync(file, 'something else\n');
  await expect(readCheckpoint(file, identity)).rejects.toMatchObject({ code: 'bad-checkpoint' });
});
