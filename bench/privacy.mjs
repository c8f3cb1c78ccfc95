/**
 * How well pictures are rebuilt from the feature at three depths of ResNet-56 on CIFAR-10, at each rate: by the best linear
 * convolution, fitted to decoded features of training pictures and measured on test pictures, from decoded bytes. With --trained by
 * a small convolutional decoder instead, trained at each rate.
 *
 * Usage: npm run build && node bench/privacy.mjs [--sheets DIR] > results/privacy.json
 *        node bench/privacy.mjs --trained [--cut stage2] > results/privacy-trained.json
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
import { trainInversion } from '@featherwire/train/node';
import { findAssets } from './real-features.mjs';

const CUTS = ['stage1', 'stage2', 'stage3'];
const LEVEL_COUNTS = [16, 4, 2];
const KNOWN = 800;
const TEST = 200;
const SEED = 1;
/** Of --trained: steps of 32 pictures for each rate, and the pictures that they are drawn from. */
const TRAINED = { stepCount: 600, known: 4000 };
const SHOWN = 8;
const SHEET_SCALE = 3;
const PREPROCESSING = {
  kind: 'image',
  input: 'input',
  channelOrder: 'RGB',
  ...{ height: 32, width: 32, fit: 'stretch' },
  ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
};

const { values: options } = parseArgs({
  options: {
    sheets: { type: 'string' },
    trained: { type: 'boolean' },
    cut: { type: 'string', multiple: true },
  },
});
const knownCount = options.trained ? TRAINED.known : KNOWN;
const assets = findAssets();
const file = (name) => join(assets, 'cifar10', name);
const pictures = (images, labels) =>
  openRawPictures({ images: file(images), labels: file(labels), width: 32, height: 32, channels: 3 });
const numbers = (count) => Array.from({ length: count }, (_, i) => i);
const known = {
  data: await pictures('train-images.bin.gz', 'train-labels.bin'),
  numbers: numbers(knownCount),
};
const test = { data: await pictures('images.bin', 'labels.bin'), numbers: numbers(TEST) };
const backend = await loadBackend();
const model = await loadModel(join(assets, 'models', 'resnet56_cifar10.onnx'));
const work = await mkdtemp(join(tmpdir(), 'featherwire-privacy-'));
const rows = [];
try {
  for (const cut of options.cut ?? CUTS) rows.push(await measureCut(cut));
} finally {
  await rm(work, { recursive: true });
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = {
  ...{ network: 'resnet56_cifar10', knownPictures: knownCount, testPictures: TEST, seed: SEED },
  ...(options.trained && { stepCount: TRAINED.stepCount }),
};
const command = [
  'node bench/privacy.mjs',
  ...(options.trained ? ['--trained'] : []),
  ...(options.cut ?? []).map((cut) => `--cut ${cut}`),
].join(' ');
process.stdout.write(`${JSON.stringify({ command, machine, settings, rows }, null, 1)}\n`);

async function measureCut(cut) {
  const content = { preprocessing: PREPROCESSING, tensors: [cut], directory: join(work, cut) };
  const { bundle } = await splitToBundle(model, content);
  const samples = {
    known: await picturedFeatures(bundle, known),
    test: await picturedFeatures(bundle, test),
  };
  const methods = await privacyMethods(bundle, samples.known, { levelCounts: LEVEL_COUNTS, backend });
  const wanted = methods.filter(({ name }) => !name.includes('whole range'));
  const train = (pictures) => trainInversion(pictures, { stepCount: TRAINED.stepCount, seed: SEED });
  const report = await measurePrivacy({
    ...{ ...samples, methods: wanted, seed: SEED },
    ...(options.trained && { fit: train }),
    onMethod: (done, total) => process.stderr.write(`${cut}: ${done} of ${total}\n`),
  });
  const [{ feature }] = samples.test;
  if (options.sheets) await writeSheet(cut, samples.test, report);
  const rounded = ({ psnr, ssim }) => ({ psnr: roundedEstimate(psnr, 2), ssim: roundedEstimate(ssim, 3) });
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
