/**
 * How well pictures are rebuilt from the feature at three depths of ResNet-56 on CIFAR-10, at each rate: by the best linear
 * convolution, fitted to decoded features of training pictures and measured on test pictures, from decoded bytes.
 *
 * Usage: npm run build && node bench/privacy.mjs [--sheets DIR] > results/privacy.json
 *        --sheets writes a PNG for each cut: originals, then what is rebuilt at each rate in the order of the rows
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel, splitToBundle } from '@featherwire/authoring';
import { loadBackend } from '@featherwire/codec';
import {
  bitsPerElement,
  encodePicture,
  measurePrivacy,
  openRawPictures,
  picturedFeatures,
  pictureSheet,
  privacyMethods,
} from '@featherwire/eval';
import { findAssets } from './real-features.mjs';

const CUTS = ['stage1', 'stage2', 'stage3'];
const LEVEL_COUNTS = [16, 4, 2];
const KNOWN = 800;
const TEST = 200;
const SEED = 1;
const SHOWN = 8;
const SHEET_SCALE = 3;
const PREPROCESSING = {
  kind: 'image',
  input: 'input',
  channelOrder: 'RGB',
  ...{ height: 32, width: 32, fit: 'stretch' },
  ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
};

const { values: options } = parseArgs({ options: { sheets: { type: 'string' } } });
const assets = findAssets();
const file = (name) => join(assets, 'cifar10', name);
const pictures = (images, labels) =>
  openRawPictures({ images: file(images), labels: file(labels), width: 32, height: 32, channels: 3 });
const numbers = (count) => Array.from({ length: count }, (_, i) => i);
const known = { data: await pictures('train-images.bin.gz', 'train-labels.bin'), numbers: numbers(KNOWN) };
const test = { data: await pictures('images.bin', 'labels.bin'), numbers: numbers(TEST) };
const backend = await loadBackend();
const model = await loadModel(join(assets, 'models', 'resnet56_cifar10.onnx'));
const work = await mkdtemp(join(tmpdir(), 'featherwire-privacy-'));
const rows = [];
try {
  for (const cut of CUTS) rows.push(await measureCut(cut));
} finally {
  await rm(work, { recursive: true });
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { network: 'resnet56_cifar10', knownPictures: KNOWN, testPictures: TEST, seed: SEED };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/privacy.mjs', machine, settings, rows }, null, 1)}\n`,
);

async function measureCut(cut) {
  const content = { preprocessing: PREPROCESSING, tensors: [cut], directory: join(work, cut) };
  const { bundle } = await splitToBundle(model, content);
  const samples = {
    known: await picturedFeatures(bundle, known),
    test: await picturedFeatures(bundle, test),
  };
  const methods = await privacyMethods(bundle, samples.known, { levelCounts: LEVEL_COUNTS, backend });
  const wanted = methods.filter(({ name }) => !name.includes('whole range'));
  const report = await measurePrivacy({ ...samples, methods: wanted, seed: SEED });
  const [{ feature }] = samples.test;
  if (options.sheets) await writeSheet(cut, samples.test, report);
  const rounded = ({ psnr, ssim }) => ({ psnr: roundedEstimate(psnr, 2), ssim: roundedEstimate(ssim, 3) });
  process.stderr.write(`${cut}\n`);
  return {
    cut,
    shape: feature.shape.slice(1),
    meanPicture: rounded(report.meanPicture),
    points: report.rows.map(({ method, bytes, ...quality }) => ({
      method,
      bytes: Number(bytes.toFixed(1)),
      bitsPerElement: Number(bitsPerElement(bytes, feature.data.length).toFixed(3)),
      ...rounded(quality),
    })),
  };
}

function roundedEstimate({ value, low, high }, digits) {
  const round = (number) => Number(number.toFixed(digits));
  return { value: round(value), low: round(low), high: round(high) };
}

async function writeSheet(cut, samples, { rows }) {
  const list = [samples.map(({ picture }) => picture), ...rows.map(({ rebuilt }) => rebuilt)];
  const sheet = pictureSheet(
    list.map((row) => row.slice(0, SHOWN)),
    SHEET_SCALE,
  );
  await mkdir(options.sheets, { recursive: true });
  const { bytes } = await encodePicture(sheet, { codec: 'png' });
  await writeFile(join(options.sheets, `${cut}.png`), bytes);
}
