/**
 * Coded rates of real features, one row for each split tensor of the evaluation networks and each level count: the
 * order-0 entropy of the indices, whole frames by rANS and by the binary coder, and the same index planes as a tiled
 * gray picture in lossless JPEG XL and FFV1, where `cjxl` and `ffmpeg` are installed. Clip limits come from
 * calibration images, rates from others. Every byte of a file is counted.
 *
 * Usage: npm run build && node bench/entropy-table.mjs [--images 6] > results/entropy-table.json
 * Networks and images are looked for in FEATHERWIRE_EVAL, then in ../shared/eval.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadModel } from '@featherwire/authoring';
import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';
import { tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { encodeFrame, inspectFrame, loadBackend } from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const TENSORFLOW = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const BYTES = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
const NETWORKS = [
  ['resnet20_cifar10', 32, IMAGENET, ['stem', 'stage1', 'stage2', 'stage3']],
  ['resnet56_cifar10', 32, IMAGENET, ['stem', 'stage1', 'stage2', 'stage3']],
  ['densenet40_cifar10', 32, BYTES, ['block1_concat', 'transition1', 'transition2', 'final_relu']],
  ['squeezenet1_1', 224, IMAGENET, ['pool1', 'pool3', 'pool5', 'fire9']],
  ['mobilenetv1_qat', 224, TENSORFLOW, ['conv5', 'conv9', 'conv13', 'conv23']],
  ['mobilenetv2_qat', 224, TENSORFLOW, ['add10', 'add21', 'dw23', 'add36', 'add58']],
  ['deeplabv3_mnv2_voc', 513, TENSORFLOW, ['add10', 'add21', 'add36', 'concat65']],
];
const LEVEL_COUNTS = [4, 6, 8, 12];
const CALIBRATION_IMAGES = 6;
/** Share of the elements beyond each clip limit; the lower one of rectified tensors is 0. */
const CLIPPED_SHARE = 0.005;

const root = fileURLToPath(new URL('..', import.meta.url));
const assets = [process.env.FEATHERWIRE_EVAL, join(root, '../shared/eval')].find(
  (path) => path && existsSync(path),
);
if (!assets) {
  process.stderr.write('skipped: no evaluation networks; FEATHERWIRE_EVAL can name their directory\n');
  process.exit(0);
}
const { values: options } = parseArgs({ options: { images: { type: 'string', default: '6' } } });
const testImages = Number(options.images);
const has = (command, flag) => spawnSync(command, [flag], { stdio: 'ignore' }).status === 0;
const peers = { jpegXl: has('cjxl', '--version'), ffv1: has('ffmpeg', '-version') };
for (const [name, found] of Object.entries(peers))
  if (!found) process.stderr.write(`not installed: ${name}\n`);

const backend = await loadBackend();
const directory = mkdtempSync(join(tmpdir(), 'featherwire-entropy-'));
const rows = [];
try {
  for (const [network, size, normalization, tensors] of NETWORKS) {
    const model = await loadModel(join(assets, 'models', `${network}.onnx`), { input: [1, 3, size, size] });
    const inputs = await readInputs(size, normalization, CALIBRATION_IMAGES + testImages);
    for (const tensor of tensors) rows.push(...(await measureTensor(network, model, tensor, inputs)));
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { testImages, calibrationImages: CALIBRATION_IMAGES, clippedShare: CLIPPED_SHARE };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/entropy-table.mjs', machine, settings, rows }, null, 1)}\n`,
);

async function measureTensor(network, model, tensor, inputs) {
  const { head } = splitModel(model.model, [tensor], { shapes: model.shapes });
  const session = await createLocalSession(serializeModel(head), { intraOpThreads: 2 });
  const features = [];
  for (const input of inputs) features.push((await session.run({ input })).outputs[tensor]);
  await session.close();
  const { low, high, signed } = clipLimits(features.slice(0, CALIBRATION_IMAGES));
  return LEVEL_COUNTS.map((levelCount) => {
    const range = { kind: 'fixed', low, high };
    const sums = { entropy: 0, rans: 0, binary: 0, jpegXl: 0, ffv1: 0, elements: 0 };
    for (const feature of features.slice(CALIBRATION_IMAGES))
      measureFeature(feature, levelCount, range, sums);
    const rate = (bytes) => Number(((8 * bytes) / sums.elements).toFixed(4));
    const row = {
      network,
      tensor,
      shape: features[0].shape.slice(1),
      signed,
      levelCount,
      entropy: rate(sums.entropy),
    };
    row.rans = rate(sums.rans);
    row.binary = rate(sums.binary);
    for (const peer of ['jpegXl', 'ffv1']) {
      row[peer] = peers[peer] && !Number.isNaN(sums[peer]) ? rate(sums[peer]) : null;
    }
    process.stderr.write(`${network} ${tensor} ${levelCount}: ${JSON.stringify(row)}\n`);
    return row;
  });
}

function measureFeature(feature, levelCount, range, sums) {
  const quantizer = { kind: 'uniform', levelCount, range };
  const rans = encodeFrame(feature, { quantizer, coder: 'rans', layout: 'dense', backend });
  const binary = encodeFrame(feature, { quantizer, coder: 'binary', backend });
  const indices = backend.quantize(feature.data, inspectFrame(rans).quantizer.affine);
  for (const count of backend.countSymbols(indices, levelCount)) {
    if (count > 0) sums.entropy -= (count * Math.log2(count / indices.length)) / 8;
  }
  sums.rans += rans.length;
  sums.binary += binary.length;
  sums.elements += indices.length;
  if (peers.jpegXl || peers.ffv1) measurePeers(tile(indices, feature.shape), sums);
}

function measurePeers(picture, sums) {
  const source = join(directory, 'planes.pgm');
  const header = `P5\n${picture.width} ${picture.height}\n255\n`;
  writeFileSync(source, Buffer.concat([Buffer.from(header), picture.data]));
  const to = (name) => join(directory, name);
  if (peers.jpegXl) sums.jpegXl += coded(to('p.jxl'), 'cjxl', [source, to('p.jxl'), '-d', '0', '-e', '9']);
  if (peers.ffv1) {
    // One frame without a container: the bytes of the codec alone.
    const coding = '-c:v ffv1 -level 3 -context 1 -coder 1 -f rawvideo'.split(' ');
    sums.ffv1 += coded(to('p.raw'), 'ffmpeg', [
      '-nostdin',
      '-y',
      '-f',
      'image2',
      '-i',
      source,
      ...coding,
      to('p.raw'),
    ]);
  }
}

/** Bytes of the file that a command makes; NaN, with the reason on standard error, if it fails. */
function coded(file, command, args) {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return statSync(file).size;
  process.stderr.write(`${command} failed: ${stderr.trim().split('\n').at(-1)}\n`);
  return Number.NaN;
}

/** Channels side by side in a picture that is as square as they allow. */
function tile(indices, shape) {
  const [rows, columns] = shape.slice(-2);
  const planes = indices.length / rows / columns;
  const across = Math.ceil(Math.sqrt((planes * rows) / columns));
  const width = across * columns;
  const height = Math.ceil(planes / across) * rows;
  const data = new Uint8Array(width * height);
  for (let plane = 0; plane < planes; plane++) {
    const left = (plane % across) * columns;
    const top = Math.floor(plane / across) * rows;
    for (let row = 0; row < rows; row++) {
      const from = (plane * rows + row) * columns;
      data.set(indices.subarray(from, from + columns), (top + row) * width + left);
    }
  }
  return { data, width, height };
}

function clipLimits(features) {
  const all = new Float32Array(features.length * features[0].data.length);
  features.forEach(({ data }, i) => {
    all.set(data, i * data.length);
  });
  all.sort();
  const at = (share) => all[Math.round(share * (all.length - 1))];
  const signed = all[0] < 0;
  return { low: signed ? at(CLIPPED_SHARE) : 0, high: at(1 - CLIPPED_SHARE), signed };
}

async function readInputs(size, { mean, std }, count) {
  const preprocessing = {
    kind: 'image',
    input: 'input',
    channelOrder: 'RGB',
    height: size,
    width: size,
    mean,
    std,
  };
  if (size === 32) return readCifar(mean, std, count);
  const fit = size === 224 ? { fit: 'center-crop', resizeShortSide: 256 } : { fit: 'stretch' };
  const labels = JSON.parse(readFileSync(join(assets, 'imagenet/labels.json'), 'utf8'));
  const step = Math.floor(labels.length / count);
  const inputs = [];
  for (let i = 0; i < count; i++) {
    const bytes = readFileSync(join(assets, 'imagenet', labels[i * step].file));
    inputs.push(await tensorOfPicture(bytes, { ...preprocessing, ...fit }, DEFAULT_PICTURE_LIMITS));
  }
  return inputs;
}

/** CIFAR-10 test images, 32 × 32 × 3 bytes each. */
function readCifar(mean, std, count) {
  const bytes = readFileSync(join(assets, 'cifar10/images.bin'));
  const step = Math.floor(bytes.length / 3072 / count);
  return Array.from({ length: count }, (_, i) => {
    const data = new Float32Array(3072);
    for (let pixel = 0; pixel < 1024; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        const byte = bytes[i * step * 3072 + pixel * 3 + channel];
        data[channel * 1024 + pixel] = (byte / 255 - mean[channel]) / std[channel];
      }
    }
    return { dtype: 'float32', shape: [1, 3, 32, 32], data };
  });
}
