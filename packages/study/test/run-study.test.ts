/** A whole study of a tiny network: measured, resumed, measured again, drawn. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT_CONFIDENCE } from '@featherwire/bundle';
import { type NodeBundle, setExit } from '@featherwire/bundle/node';
import { loadBackend } from '@featherwire/codec';
import type { SweepRow } from '@featherwire/eval';
import type { SweepReport } from '@featherwire/report';
import { createRandom } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyOnnx } from '../../../test-support/tiny-onnx.js';
import {
  PROBE_OUTPUT,
  parseSuite,
  runStudy,
  type StudySettings,
  targetsOfSuite,
  writeStudy,
} from '../src/index.js';

const SIDE = 8;
const COUNT = 12;
/** Between the largest means of the samples. */
const EXIT_THRESHOLD = 0.5;
const SETTINGS: StudySettings = {
  baselines: {
    qualities: [50],
    quantizationParameters: [],
    levelCounts: [],
    bits: [4],
    inputQualities: [50],
    inputDistances: [],
  },
  own: { levelCounts: [4], stepShares: [0.3] },
  seenSamples: 4,
  calibrationSamples: 0,
  calibrationPoints: 0,
};
const SUITE = {
  name: 'tiny',
  description: 'the channel of the largest mean is the class',
  data: {
    pictures: {
      kind: 'raw-pictures',
      images: 'images.bin',
      labels: 'labels.bin',
      width: SIDE,
      height: SIDE,
      channels: 3,
    },
  },
  networks: [
    {
      name: 'tiny',
      model: 'tiny.onnx',
      preprocessing: {
        kind: 'image',
        input: 'x',
        channelOrder: 'RGB',
        height: SIDE,
        width: SIDE,
        fit: 'stretch',
        mean: [0, 0, 0],
        std: [1, 1, 1],
      },
      task: { kind: 'classification', output: 'logits' },
      cuts: [['cut'], ['pooled']],
      quickCuts: [['cut']],
      data: 'pictures',
      samples: { quick: 8, full: 8 },
    },
  ],
};

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'featherwire-study-'));
  const random = createRandom(3);
  const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % 3);
  const images = Uint8Array.from({ length: COUNT * SIDE * SIDE * 3 }, (_, i) => {
    const isLabel = i % 3 === labels[Math.floor(i / (SIDE * SIDE * 3))];
    return random.nextInteger(isLabel ? 256 : 200);
  });
  await writeFile(join(directory, 'images.bin'), images);
  await writeFile(join(directory, 'labels.bin'), labels);
  await writeFile(join(directory, 'tiny.onnx'), tinyModel('Relu'));
});

/** A network whose cut is what an operator makes of the pixels. */
function tinyModel(op: 'Relu' | 'Sigmoid'): Uint8Array {
  return tinyOnnx(
    [{ name: 'x', dtype: 'float32', shape: [1, 3, SIDE, SIDE] }],
    [{ name: 'logits', dtype: 'float32', shape: [1, 3] }],
    [
      { op, inputs: ['x'], outputs: ['cut'] },
      { op: 'GlobalAveragePool', inputs: ['cut'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'] },
    ],
  );
}

afterAll(() => rm(directory, { recursive: true, force: true }));

/** The tail as an exit, sure where the largest mean is large. */
async function withExit(bundle: NodeBundle): Promise<NodeBundle> {
  const model = tinyOnnx(
    [{ name: 'cut', dtype: 'float32', shape: [1, 3, SIDE, SIDE] }],
    [
      { name: 'logits', dtype: 'float32', shape: [1, 3] },
      { name: EXIT_CONFIDENCE, dtype: 'float32', shape: [1, 1] },
    ],
    [
      { op: 'GlobalAveragePool', inputs: ['cut'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'] },
      { op: 'ReduceMax', inputs: ['logits'], outputs: [EXIT_CONFIDENCE] },
    ],
  );
  return setExit(bundle.directory, { model, parameters: 0, macs: 0, threshold: EXIT_THRESHOLD });
}

async function study(
  output: string,
  change: (bundle: NodeBundle) => Promise<NodeBundle> = async (bundle) => bundle,
): Promise<{ report: SweepReport; reported: number }> {
  const places = { assets: directory, directory: join(directory, output) };
  const found = await targetsOfSuite(parseSuite(SUITE, 'suite'), places, 'quick');
  const targets = found.map((target) => ({
    ...target,
    open: async (files: string) => change(await target.open(files)),
  }));
  let reported = 0;
  const report = await runStudy(targets, {
    settings: SETTINGS,
    seed: 5,
    maxLoss: 0.01,
    deviceSlowdown: 4,
    directory: join(directory, output),
    backend: await loadBackend(),
    command: 'a test',
    commit: null,
    progress: { stage: () => {}, progress: () => reported++ },
    signal: new AbortController().signal,
  });
  return { report, reported };
}

function untimed(rows: readonly SweepRow[]): object[] {
  return rows.map((row) => ({ ...row, encodeMs: null, decodeMs: null, programs: null }));
}

test('a second study gives the same bytes and accuracies, a resumed one the same rows', async () => {
  const { report, reported } = await study('first');
  const [{ rows, skipped, metric, detail }] = report.subjects;
  expect(report.subjects).toHaveLength(1);
  expect(rows.length + skipped.length).toBe(reported);
  expect(metric).toEqual({ name: 'top-1 accuracy', better: 'higher', unsplit: 1 });
  expect(detail).toMatchObject({ network: 'tiny', cut: ['cut'], tensors: [{ shape: [1, 3, SIDE, SIDE] }] });
  const float32 = rows.find(({ method }) => method === 'float32')!;
  expect(float32.bytesPerSample.mean).toBe(3 * SIDE * SIDE * 4);
  expect(float32.loss.value).toBe(0);
  const png = rows.find(({ family }) => family === 'picture as png')!;
  expect(png.loss.value).toBe(0);
  expect(png.bytesPerSample.mean).toBeGreaterThan(3 * SIDE * SIDE);

  const again = await study('second');
  expect(untimed(again.report.subjects[0].rows)).toEqual(untimed(rows));
  const resumed = await study('first');
  expect(resumed.report.subjects[0].rows).toEqual(rows);
}, 120_000);

test('rows of another network of the same name are not taken', async () => {
  const { report } = await study('changed');
  await writeFile(join(directory, 'tiny.onnx'), tinyModel('Sigmoid'));
  try {
    const changed = await study('changed');
    expect(changed.reported).toBe(report.subjects[0].rows.length + report.subjects[0].skipped.length);
    const fresh = await study('fresh');
    expect(untimed(changed.report.subjects[0].rows)).toEqual(untimed(fresh.report.subjects[0].rows));
    const bytes = (of: SweepReport): number[] =>
      of.subjects[0].rows.map(({ bytesPerSample }) => bytesPerSample.mean);
    expect(bytes(changed.report)).not.toEqual(bytes(report));
  } finally {
    await writeFile(join(directory, 'tiny.onnx'), tinyModel('Relu'));
  }
}, 120_000);

test('an exit has its own figures beside those of every method that sends features', async () => {
  await study('exited');
  const { report } = await study('exited', withExit);
  const [{ rows }] = report.subjects;
  for (const { method, bitsPerElement, bytesPerSample, exit } of rows) {
    if (bitsPerElement === null) {
      expect(exit, method).toBeUndefined();
      continue;
    }
    expect(exit!.answeredShare).toBeGreaterThan(0);
    expect(exit!.answeredShare).toBeLessThan(1);
    expect(exit!.bytesPerDecision, method).toBeLessThan(bytesPerSample.mean);
    expect(exit!.bytesPerDecision, method).toBeGreaterThan(0);
  }
  const output = join(directory, 'exited');
  await writeStudy(report, 'tiny', output);
  expect(await readFile(join(output, 'report.html'), 'utf8')).toContain('bytes a decision');
}, 120_000);

test('writes the points, every figure twice, and one page', async () => {
  const { report } = await study('first');
  const output = join(directory, 'first');
  const files = await writeStudy(report, 'tiny', output);
  const kinds = ['rate-accuracy', 'total-time', 'histogram', 'channel-bits'];
  const figures = kinds.flatMap((kind) => ['svg', 'png'].map((end) => `${kind}-tiny-at-cut.${end}`));
  expect(files.sort()).toEqual([...figures, 'report.html', 'sweep.json'].sort());
  expect(await readdir(output)).toEqual(expect.arrayContaining(files));
  expect(JSON.parse(await readFile(join(output, 'sweep.json'), 'utf8'))).toEqual(report);
  const page = await readFile(join(output, 'report.html'), 'utf8');
  expect(page.indexOf('class="verdict"')).toBeLessThan(page.indexOf('<figure'));
  expect(page).not.toMatch(/(src|href)=/);
}, 120_000);

test('a directory with a study of another seed is refused', async () => {
  await writeFile(join(directory, 'first', 'journal.jsonl'), '{"journal":1,"settings":{"seed":6}}\n');
  await expect(study('first')).rejects.toThrow('expected settings');
}, 60_000);

test('a probe takes the place of what follows its tensor, and its classes are the task', async () => {
  const [network] = SUITE.networks;
  const { task: _, ...rest } = network;
  const more = { ...SUITE.data.pictures };
  const probe = { tensor: 'cut', data: 'others', samples: COUNT };
  const suite = {
    ...SUITE,
    data: { ...SUITE.data, others: more },
    networks: [{ ...rest, name: 'tiny probed', probe, cuts: [['cut']], quickCuts: [['cut']] }],
  };
  const places = { assets: directory, directory: join(directory, 'probed') };
  const [target] = await targetsOfSuite(parseSuite(suite, 'suite'), places, 'quick');
  expect(target.against).toBe('labels');
  const { manifest } = await target.open(join(directory, 'probed', 'bundle'));
  expect(manifest.task).toEqual({ kind: 'classification', output: PROBE_OUTPUT });
  expect(manifest.outputs).toMatchObject([{ name: PROBE_OUTPUT, dtype: 'float32' }]);
  expect(manifest.whole).toBeDefined();
  expect(await readdir(join(directory, 'probed'))).toContain('probe-tiny-probed.onnx');
}, 60_000);

test('labels that are no classes are refused by a probe', async () => {
  const suite = {
    ...SUITE,
    data: { ...SUITE.data, lines: { kind: 'text-lines', split: 'calibration', count: 8 } },
    networks: [
      {
        ...{ name: 'lines', model: 'npm:pp-ocr-orientation', cuts: [['relu_4.tmp_0']], data: 'pictures' },
        samples: { quick: 2, full: 2 },
        probe: { tensor: 'relu_4.tmp_0', data: 'lines', samples: 8 },
      },
    ],
  };
  const places = { assets: directory, directory: join(directory, 'refused') };
  const [target] = await targetsOfSuite(parseSuite(suite, 'suite'), places, 'quick');
  await expect(target.open(join(directory, 'refused', 'bundle'))).rejects.toThrow(
    'expected the number of a class',
  );
}, 60_000);
