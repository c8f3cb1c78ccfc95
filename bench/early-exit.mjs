/**
 * Confidence-aware sending on the ResNets of the evaluation set: an exit over the cut is fitted to the network's own answers on
 * training images of CIFAR-10, its threshold is chosen on others of them, and what every threshold does is measured on the test
 * images: which share is answered on the device, the accuracy against the labels, and bytes per decision at a calibrated point.
 * "Send the picture" stands beside it, at the quality that loses as much as the point may.
 *
 * Usage: npm run build && node bench/early-exit.mjs [--cut resnet20_cifar10:stage2] > results/early-exit.json
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT_CONFIDENCE } from '@featherwire/bundle';
import { calibrate, measureCoding, openSamples } from '@featherwire/calibration';
import { loadBackend } from '@featherwire/codec';
import { bootstrapDifference, bootstrapRatio, openRawPictures } from '@featherwire/eval';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';
import { shuffled } from '@featherwire/study';
import { trainExit } from '@featherwire/train/node';
import { findAssets, loadNetwork, NETWORKS } from './real-features.mjs';

const CUTS = [
  ['resnet20_cifar10', 'stage1'],
  ['resnet20_cifar10', 'stage2'],
  ['resnet56_cifar10', 'stage1'],
  ['resnet56_cifar10', 'stage2'],
];
const SIZE = 32;
/** Training images to fit to, and to choose the threshold on; test images are all of them. */
const COUNTS = { design: 5000, selection: 3000 };
const CALIBRATION_SAMPLES = 800;
const MAX_LOSS = 1;
const THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];

const { values: options } = parseArgs({ options: { cut: { type: 'string' } } });
const assets = findAssets();
const backend = await loadBackend();
const train = await openPictures('train-images.bin.gz', 'train-labels.bin');
const test = await openPictures('images.bin', 'labels.bin');
const rows = [];
for (const [network, tensor] of CUTS) {
  if (!options.cut || options.cut === `${network}:${tensor}`) rows.push(await measureCut(network, tensor));
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const report = {
  ...{ command: 'node bench/early-exit.mjs', machine, maxLoss: MAX_LOSS },
  samples: { ...COUNTS, test: test.length },
  rows,
};
process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);

function openPictures(images, labels) {
  const folder = join(assets, 'cifar10');
  const files = { images: join(folder, images), labels: join(folder, labels) };
  return openRawPictures({ ...files, width: SIZE, height: SIZE, channels: 3 });
}

async function measureCut(network, tensor) {
  process.stderr.write(`${network} ${tensor}\n`);
  const started = process.cpuUsage();
  const [, , { mean, std }] = NETWORKS.find(([name]) => name === network);
  const { model, shapes } = await loadNetwork(assets, network, SIZE);
  const { head, tail } = splitModel(model, [tensor], { shapes });
  const sessions = await Promise.all(
    [head, tail].map((part) => createLocalSession(serializeModel(part), { intraOpThreads: 2 })),
  );
  const [, ...shape] = shapes.get(tensor).shape;
  const manifest = {
    inputs: [{ name: 'input', dtype: 'float32', shape: ['N', 3, SIZE, SIZE] }],
    cut: [{ name: tensor, dtype: 'float32', shape: ['N', ...shape] }],
    outputs: [{ name: 'logits', dtype: 'float32', shape: ['N', 10] }],
    task: { kind: 'classification', output: 'logits' },
    preprocessing: {
      ...{ kind: 'image', input: 'input', channelOrder: 'RGB', height: SIZE, width: SIZE, fit: 'stretch' },
      ...{ mean, std },
    },
  };
  const source = { manifest, head: sessions[0], tail: sessions[1] };
  const { chosen, points, pictures } = await calibrate({
    ...{ source: { ...source, data: train }, backend, maxLoss: MAX_LOSS },
    ...{ sampleCount: CALIBRATION_SAMPLES, pointCount: 1 },
  });
  const point = points.find(({ id }) => id === chosen);
  if (!point) throw new Error(`${network} ${tensor}: no point keeps to the loss`);
  const row = {
    network,
    tensor,
    ...(await measureExit(source, point.coding)),
    pictures: pictures.map(pictureOf),
  };
  for (const session of sessions) await session.close();
  const used = process.cpuUsage(started);
  return { ...row, cpuSeconds: Math.round((used.user + used.system) / 1e6) };
}

/** Fits on training images and measures on test images, which follow them in one data set. */
async function measureExit(source, coding) {
  const claim = Array.from({ length: test.length }, (_, i) => train.length + i);
  // Classes take turns in the files: without a shuffle every fifth sample would be of one class.
  const order = shuffled(train.length, 1);
  const joined = {
    ...{ name: 'CIFAR-10', description: 'CIFAR-10', length: train.length + test.length },
    sample: (i) => (i < train.length ? train.sample(i) : test.sample(i - train.length)),
  };
  const open = (truth) =>
    openSamples({
      ...{ source: { ...source, data: joined, truth }, backend },
      parts: {
        design: order.slice(0, COUNTS.design),
        selection: order.slice(COUNTS.design, COUNTS.design + COUNTS.selection),
        claim,
      },
    });
  const samples = await open('agreement');
  const points = [{ id: 'point', coding }];
  const { manifest } = source;
  const trained = await trainExit({ manifest, samples, points, maxLoss: MAX_LOSS });
  await samples.close();
  if (!trained) throw new Error('no threshold keeps to the loss');
  const labeled = await open('labels');
  const exit = await createLocalSession(trained.source.model);
  const answers = [];
  for (const number of claim) {
    const [feature] = await labeled.bench.features(number);
    const { [EXIT_CONFIDENCE]: sure, ...outputs } = (await exit.run({ [trained.tensor]: feature })).outputs;
    answers.push({ confidence: sure.data[0], ratio: await labeled.bench.score(outputs, outputs, number) });
  }
  await exit.close();
  const coded = await measureCoding(coding, claim, labeled.bench);
  await labeled.close();
  const at = (threshold) => effectOf(threshold, answers, coded);
  const { source: written, measured, grid, featureCount, temperature, heldOut } = trained;
  return {
    exit: {
      ...{ grid, featureCount, bytes: written.model.length, macs: written.macs },
      temperature: round(temperature, 4),
      heldOutAgreement: percent(heldOut),
      threshold: round(written.threshold, 6),
      lossOfAgreement: round(measured.loss.value, 2),
      interval: measured.loss.interval.map((end) => round(end, 2)),
    },
    unsplit: percent(bootstrapRatio(coded.references)),
    without: {
      bytesPerDecision: round(mean(coded.bytes), 1),
      accuracy: percent(bootstrapRatio(coded.ratios)),
    },
    chosen: at(written.threshold),
    thresholds: THRESHOLDS.map(at),
  };
}

/** What a threshold does beside sending everything at the same point. */
function effectOf(threshold, answers, { bytes, ratios }) {
  const isAnswered = answers.map(({ confidence }) => confidence >= threshold);
  const withExit = answers.map(({ ratio }, i) => (isAnswered[i] ? ratio : ratios[i]));
  const difference = bootstrapDifference(ratios, withExit);
  const sent = bytes.filter((_, i) => !isAnswered[i]);
  return {
    threshold: round(threshold, 6),
    answeredPercent: round((100 * (bytes.length - sent.length)) / bytes.length, 2),
    accuracy: percent(bootstrapRatio(withExit)),
    differencePoints: percent(difference),
    bytesPerDecision: round(sent.reduce((sum, each) => sum + each, 0) / bytes.length, 1),
    bytesPerSent: sent.length > 0 ? round(mean(sent), 1) : null,
  };
}

function pictureOf({ codec, quality, bytesPerSample, loss }) {
  return { codec, quality, bytesPerDecision: round(bytesPerSample, 1), lossPoints: round(loss, 2) };
}

function percent({ value, low, high }) {
  return [value, low, high].map((each) => round(100 * each, 2));
}

function mean(values) {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
