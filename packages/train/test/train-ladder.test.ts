/** A ladder for a tiny network: trained, stopped at several moments and taken up again, measured, ready for a bundle. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSamples, type SplitSamples } from '@featherwire/calibration';
import { loadBackend, readProfile } from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TrainedLadder, type TrainLadderOptions, trainLadder } from '../src/node/search/train-ladder.js';
import { CUT, smoothSamples, tinyHead, tinyTail } from './tiny-task.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-ladder-'));
const STEPS = 500;
const SAMPLES = 96;
const TASK = { kind: 'classification', output: 'scores' } as const;
let samples: SplitSamples;
/** The same with a mirrored copy of each sample that is trained on. */
let copied: SplitSamples;
let through: TrainedLadder;

beforeAll(async () => {
  const [head, tail] = [
    await createLocalSession(serializeModel(tinyHead())),
    await createLocalSession(serializeModel(tinyTail())),
  ];
  const manifest = { inputs: [...head.inputs], cut: [...head.outputs], task: TASK };
  const options = {
    source: { manifest, head, tail, data: smoothSamples(SAMPLES) },
    backend: await loadBackend(),
    designShare: 0.6,
  };
  samples = await openSamples(options);
  copied = await openSamples({ ...options, copies: [{ isMirrored: true, maxShift: 0 }] });
  await head.close();
  through = await train('through');
}, 120_000);
afterAll(async () => {
  await samples?.close();
  await copied?.close();
  rmSync(root, { recursive: true, force: true });
});

function train(name: string, changes: Partial<TrainLadderOptions> = {}): Promise<TrainedLadder> {
  return trainLadder({
    tail: tinyTail(),
    cut: CUT,
    samples,
    networkBytes: 200_000,
    budget: { steps: STEPS },
    pointCount: 3,
    seed: 1,
    threads: 1,
    directory: path.join(root, name),
    signal: new AbortController().signal,
    ...changes,
  });
}

/** Trains until the search has done so many steps, and stops it there. */
async function trainUntil(name: string, done: number): Promise<void> {
  const stop = new AbortController();
  const stopped = train(name, {
    signal: stop.signal,
    onStep: (event) => {
      if (event.done >= done) stop.abort(new Error('stopped'));
    },
  });
  await expect(stopped).rejects.toThrow('stopped');
}

describe('a ladder', () => {
  test('has points that rise in bytes and fall in distance, each with its unit and a claim', () => {
    const { points, units, steps, isResumed } = through;
    expect([steps, isResumed]).toEqual([STEPS, false]);
    expect(points.length).toBeGreaterThan(0);
    const ids = units.map(({ id }) => id);
    for (const { unit, profile, measured } of points) {
      expect(ids).toContain(unit);
      const [{ shape }] = readProfile(profile).tensors;
      expect(shape).toEqual(units.find(({ id }) => id === unit)?.latent[0].shape);
      expect(measured.sampleCount).toBe(samples.parts.claim.length);
      expect(measured.bytes?.max).toBeGreaterThanOrEqual(measured.bytesPerSample);
    }
  });

  test('compares architectures by loss and goes on from the best', () => {
    const { runs } = through;
    const rounds = runs.filter(({ id }) => id.startsWith('round-'));
    expect(rounds.length).toBeGreaterThan(1);
    const last = rounds.filter(({ id }) => id.startsWith(`round-${rounds.at(-1)!.id.split('-')[1]}-`));
    const best = last.reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(runs.filter(({ id }) => id.startsWith('rung-')).map(({ architecture }) => architecture)).toEqual(
      Array(3).fill(best.architecture),
    );
  });
});

describe('copies and labels', () => {
  test('copies have features of their own, and the labels of their samples', async () => {
    const { parts, copies, bench, labelOf } = copied;
    expect(copies).toHaveLength(parts.design.length);
    expect(samples.copies).toEqual([]);
    for (const [i, number] of parts.design.entries()) {
      const [feature] = await bench.features(number);
      const [copy] = await bench.features(copies[i]);
      const width = feature.shape[3];
      const data = feature.data as Float32Array;
      const mirrored = data.map((_, k) => data[k - 2 * (k % width) + width - 1]);
      expect(copy.data).toEqual(mirrored);
      expect(labelOf(copies[i])).toBe(labelOf(number));
    }
    expect(parts).toEqual(samples.parts);
  });

  test('are trained on, and make a search another one', async () => {
    const short = { budget: { steps: 40 }, pointCount: 2 };
    const { trainedOn, points } = await train('both', { ...short, samples: copied, labels: true });
    const count = samples.parts.design.length;
    expect(trainedOn).toEqual({ samples: count, copies: count, labels: true });
    expect(through.trainedOn).toEqual({ samples: count, copies: 0, labels: false });
    for (const { measured } of points) expect(measured.sampleCount).toBe(samples.parts.claim.length);
    const others: Partial<TrainLadderOptions>[] = [{ labels: true }, { samples: copied }, {}];
    for (const other of others)
      await expect(train('both', { ...short, ...other })).rejects.toThrow('other data or settings');
  }, 60_000);

  test('labels that are no classes of the network are refused', async () => {
    const texts = { ...samples, labelOf: () => 'a line' };
    await expect(train('texts', { samples: texts, labels: true })).rejects.toThrow(
      'labels expected classes from 0 to 4, got a line',
    );
    const none = { ...samples, task: undefined };
    await expect(train('none', { samples: none, labels: true })).rejects.toThrow(
      'labels expected a bundle for classification, got no task',
    );
  });
});

test('with a hyperprior it is another search, whose units are coded alike', async () => {
  const short = { budget: { steps: 40 }, pointCount: 2 };
  const { points, units } = await train('hyperprior', { ...short, rate: 'hyperprior' });
  expect(points.length).toBeGreaterThan(0);
  expect(units.length).toBeGreaterThan(0);
  await expect(train('hyperprior', short)).rejects.toThrow('other data or settings');
}, 60_000);

describe('a search that was stopped', () => {
  test('ends in the units, losses and bytes of one that ran through', async () => {
    for (const done of [30, 140, 310, 420]) await trainUntil('stopped', done);
    const reports: number[] = [];
    const resumed = await train('stopped', { onStep: ({ done }) => reports.push(done) });
    expect(resumed.isResumed).toBe(true);
    expect(reports[0]).toBeGreaterThan(300); // it did not begin again
    expect(resumed.runs.filter(({ id }) => id.startsWith('rung'))).toEqual(
      through.runs.filter(({ id }) => id.startsWith('rung')),
    );
    expect(resumed.units).toEqual(through.units);
    expect(resumed.points.map(({ profile }) => profile)).toEqual(
      through.points.map(({ profile }) => profile),
    );
    await resumed.discardState();
    expect(existsSync(path.join(root, 'stopped'))).toBe(false);
  }, 120_000);

  test('is refused with other settings, or where its files are damaged', async () => {
    await expect(train('through', { seed: 2 })).rejects.toMatchObject({ code: 'bad-checkpoint' });
    await expect(train('through', { pointCount: 2 })).rejects.toThrow('other data or settings');
    const directory = path.join(root, 'through');
    const parameters = readdirSync(directory).filter((name) => name.endsWith('.parameters'));
    for (const name of parameters) {
      const bytes = readFileSync(path.join(directory, name));
      bytes[0] ^= 1;
      writeFileSync(path.join(directory, name), bytes);
    }
    await expect(train('through')).rejects.toThrow('is damaged');
    writeFileSync(path.join(directory, 'search.json'), 'nothing');
    await expect(train('through')).rejects.toThrow('is no journal of a search');
  }, 60_000);
});
