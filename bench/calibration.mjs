/**
 * Calibration at a point of loss on the cuts of the evaluation networks: what it claims on its own data, what comes out on
 * test images that it never saw, and what steps by sensitivity save against one range and against one step for all
 * coefficients, at the same output.
 *
 * CIFAR-10: calibration on training images, test on test images. ImageNet and segmentation images: every image belongs to
 * one of both. The metric of segmentation is the mean intersection over union, what lies beside the picture not judged.
 *
 * Usage: npm run build && node bench/calibration.mjs [--cut resnet56_cifar10:stage3] [--out results/calibration.json]
 * Cuts that the output file already has are not measured again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { calibrate, measureOnData } from '@featherwire/calibration';
import { loadBackend, writeProfile } from '@featherwire/codec';
import { IGNORED_CLASS } from '@featherwire/eval';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';
import { findAssets, loadNetwork, NETWORKS, readInputs } from './real-features.mjs';

/** Cut, samples for calibration and for the test. */
const CUTS = [
  ['resnet56_cifar10', 'stage3', 3000, 2000],
  ['resnet56_cifar10', 'stage2', 2000, 1000],
  ['mobilenetv2_qat', 'add36', 300, 200],
  ['squeezenet1_1', 'pool5', 300, 200],
  ['deeplabv3_mnv2_voc', 'concat65', 32, 16],
];
const MAX_LOSS = 1;
const { values: options } = parseArgs({
  options: { cut: { type: 'string' }, out: { type: 'string', default: 'results/calibration.json' } },
});
const assets = findAssets();
const backend = await loadBackend();
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const report = existsSync(options.out)
  ? JSON.parse(readFileSync(options.out, 'utf8'))
  : { command: 'node bench/calibration.mjs', machine, maxLoss: MAX_LOSS, rows: [] };
for (const [network, tensor, calibrationCount, testCount] of CUTS) {
  const isWanted = !options.cut || options.cut === `${network}:${tensor}`;
  if (!isWanted || report.rows.some((row) => row.network === network && row.tensor === tensor)) continue;
  report.rows.push(await measureCut(network, tensor, calibrationCount, testCount));
  const order = ({ network, tensor }) => CUTS.findIndex(([n, t]) => n === network && t === tensor);
  report.rows.sort((a, b) => order(a) - order(b));
  writeFileSync(options.out, `${JSON.stringify(report, null, 1)}\n`);
}

async function measureCut(network, tensor, calibrationCount, testCount) {
  const started = process.cpuUsage();
  const [, size, normalization] = NETWORKS.find(([name]) => name === network);
  const { model, shapes } = await loadNetwork(assets, network, size);
  const { head, tail } = splitModel(model, [tensor], { shapes });
  const sessions = await Promise.all(
    [head, tail].map((part) => createLocalSession(serializeModel(part), { intraOpThreads: 2 })),
  );
  const data = await readData(size, normalization, calibrationCount, testCount);
  const isSegmentation = size === 513;
  const source = {
    manifest: {
      inputs: [{ name: 'input', dtype: 'float32', shape: ['N', 3, size, size] }],
      cut: [{ name: tensor, dtype: 'float32', shape: ['N'] }],
      task: { kind: isSegmentation ? 'segmentation' : 'classification', output: 'logits' },
    },
    head: sessions[0],
    tail: sessions[1],
  };
  const calibration = await calibrate({
    source: { ...source, data: data.calibration },
    backend,
    maxLoss: MAX_LOSS,
    progress: {
      stage: (label) => process.stderr.write(`${network} ${tensor}: ${label}\n`),
      progress: () => {},
    },
  });
  const { chosen, points } = calibration;
  const point = points.find(({ id }) => id === chosen);
  const test = point
    ? await measureOnData({ source: { ...source, data: data.test }, backend, coding: point.coding })
    : null;
  for (const session of sessions) await session.close();
  const used = process.cpuUsage(started);
  const row = {
    network,
    tensor,
    samples: { ...calibration.samples, test: data.test.length },
    elements: calibration.elementsPerSample,
    metric: calibration.metric.name,
    ladder: points.map((own) => ({
      id: own.id,
      family: own.family,
      bytes: round(own.bytesPerSample, 1),
      bitsPerElement: round(own.bitsPerElement, 4),
      metric: round(100 * own.measured.metric.value, 2),
      reference: round(100 * own.measured.reference, 2),
      loss: round(own.measured.loss.value, 2),
      interval: own.measured.loss.interval.map((end) => round(end, 2)),
      profileBytes: writeProfile(own.coding.profile).length,
    })),
    chosen,
    test: test && {
      bytes: round(test.bytesPerSample, 1),
      metric: round(100 * test.metric.value, 2),
      reference: round(100 * test.reference, 2),
      loss: round(test.loss.value, 2),
      interval: test.loss.interval.map((end) => round(end, 2)),
    },
    comparisons: calibration.comparisons.map(({ family, kind, bytesPerSample, saved }) => ({
      family,
      kind,
      bytes: round(bytesPerSample, 1),
      savedPercent: round(100 * saved, 1),
    })),
    cpuSeconds: Math.round((used.user + used.system) / 1e6),
  };
  process.stderr.write(`${JSON.stringify(row)}\n`);
  return row;
}

/** Two data sets without a sample in common. */
async function readData(size, normalization, calibrationCount, testCount) {
  if (size === 32) {
    const labels = (name, count) => {
      const all = readFileSync(join(assets, 'cifar10', name));
      return Array.from({ length: count }, (_, i) => all[i * Math.floor(all.length / count)]);
    };
    return {
      calibration: dataSet(
        'CIFAR-10 training images',
        await readInputs(assets, size, normalization, calibrationCount, 'train'),
        labels('train-labels.bin', calibrationCount),
      ),
      test: dataSet(
        'CIFAR-10 test images',
        await readInputs(assets, size, normalization, testCount),
        labels('labels.bin', testCount),
      ),
    };
  }
  const { inputs, labels, name } = await readPictures(size, normalization, calibrationCount + testCount);
  const every = inputs.length / testCount;
  const isTest = inputs.map((_, i) => Math.floor((i + 1) / every) > Math.floor(i / every));
  const part = (wanted) => {
    const keep = (list) => list.filter((_, i) => isTest[i] === wanted);
    return dataSet(name, keep(inputs), keep(labels));
  };
  return { calibration: part(false), test: part(true) };
}

async function readPictures(size, normalization, count) {
  if (size === 513) return { ...(await readSegmentation(normalization, count)), name: 'COCO pictures' };
  const all = JSON.parse(readFileSync(join(assets, 'imagenet/labels.json'), 'utf8'));
  if (count > all.length) throw new RangeError(`pictures expected at most ${all.length}, got ${count}`);
  const inputs = await readInputs(assets, size, normalization, count);
  const step = Math.floor(all.length / count);
  return { inputs, labels: inputs.map((_, i) => all[i * step].label), name: 'ImageNet pictures' };
}

/** Pictures at the top left, what they leave is 0 after normalization. */
async function readSegmentation({ mean, std }, count) {
  const { readdirSync } = await import('node:fs');
  const { decodePixels } = await import('@featherwire/bundle/node/pictures');
  const { DEFAULT_PICTURE_LIMITS } = await import('@featherwire/bundle');
  const side = 513;
  const folder = join(assets, 'segmentation/images');
  const files = readdirSync(folder).sort().slice(0, count);
  const inputs = [];
  const labels = [];
  for (const file of files) {
    const mask = join(assets, 'segmentation/masks', file.replace(/\.jpg$/, '.png'));
    labels.push(maskInSquare(await decodePixels(readFileSync(mask), DEFAULT_PICTURE_LIMITS), side));
    const pixels = await decodePixels(readFileSync(join(folder, file)), DEFAULT_PICTURE_LIMITS);
    const data = new Float32Array(3 * side * side);
    for (let y = 0; y < pixels.height; y++) {
      for (let x = 0; x < pixels.width; x++) {
        for (let c = 0; c < 3; c++) {
          const byte =
            pixels.data[(y * pixels.width + x) * pixels.channels + (pixels.channels === 1 ? 0 : c)];
          data[(c * side + y) * side + x] = (byte / 255 - mean[c]) / std[c];
        }
      }
    }
    inputs.push({ dtype: 'float32', shape: [1, 3, side, side], data });
  }
  return { inputs, labels };
}

/** The classes of a picture at the top left. */
function maskInSquare({ width, height, channels, data }, side) {
  const classes = new Uint8Array(side * side).fill(IGNORED_CLASS);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) classes[y * side + x] = data[(y * width + x) * channels];
  return { width: side, height: side, classes };
}

function dataSet(name, inputs, labels) {
  return {
    name,
    length: inputs.length,
    description: `${inputs.length} ${name}`,
    sample: async (i) => ({ id: `${i}`, input: { kind: 'tensor', tensor: inputs[i] }, label: labels[i] }),
  };
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
