/**
 * Coded rates of real features, one row for each split tensor of the evaluation networks and each level count: the
 * order-0 entropy of the indices, whole frames by rANS and by the binary coder, and the same index planes as a tiled
 * gray picture in lossless JPEG XL and FFV1, where `cjxl` and `ffmpeg` are installed. Clip limits come from
 * calibration images, rates from others. Every byte of a file is counted.
 *
 * Usage: npm run build && node bench/entropy-table.mjs [--images 6] > results/entropy-table.json
 * Networks and images are looked for in FEATHERWIRE_EVAL, then in ../shared/eval.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { encodeFrame, inspectFrame, loadBackend } from '@featherwire/codec';
import { measurePeers, peers } from './picture-peers.mjs';
import {
  CLIPPED_SHARE,
  clipLimits,
  featuresAt,
  findAssets,
  loadNetwork,
  NETWORKS,
  readInputs,
} from './real-features.mjs';

const LEVEL_COUNTS = [4, 6, 8, 12];
const CALIBRATION_IMAGES = 6;

const { values: options } = parseArgs({ options: { images: { type: 'string', default: '6' } } });
const testImages = Number(options.images);
const backend = await loadBackend();
const assets = findAssets();
const rows = [];
for (const [network, size, normalization, tensors] of NETWORKS) {
  const model = await loadNetwork(assets, network, size);
  const inputs = await readInputs(assets, size, normalization, CALIBRATION_IMAGES + testImages);
  for (const tensor of tensors) rows.push(...(await measureTensor(network, model, tensor, inputs)));
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { testImages, calibrationImages: CALIBRATION_IMAGES, clippedShare: CLIPPED_SHARE };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/entropy-table.mjs', machine, settings, rows }, null, 1)}\n`,
);

async function measureTensor(network, model, tensor, inputs) {
  const features = await featuresAt(model, tensor, inputs);
  const { low, high, signed } = clipLimits(features.slice(0, CALIBRATION_IMAGES));
  const measured = [];
  for (const levelCount of LEVEL_COUNTS) {
    const range = { kind: 'fixed', low, high };
    const sums = { entropy: 0, rans: 0, binary: 0, jpegXl: 0, ffv1: 0, elements: 0 };
    const test = features.slice(CALIBRATION_IMAGES);
    const indices = test.map((feature) => measureFeature(feature, levelCount, range, sums));
    await measurePeers(indices, test[0].shape, sums);
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
      row[peer] = peers[peer] ? rate(sums[peer]) : null;
    }
    process.stderr.write(`${network} ${tensor} ${levelCount}: ${JSON.stringify(row)}\n`);
    measured.push(row);
  }
  return measured;
}

/** Adds our bytes of a feature. @returns its indices */
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
  return indices;
}
