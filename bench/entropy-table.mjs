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
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeFrame, inspectFrame, loadBackend } from '@featherwire/codec';
import { mapSplitTensors } from './evaluation-features.mjs';

const LEVEL_COUNTS = [4, 6, 8, 12];
const CALIBRATION_IMAGES = 6;
/** Share of the elements beyond each clip limit; the lower one of rectified tensors is 0. */
const CLIPPED_SHARE = 0.005;

const { values: options } = parseArgs({ options: { images: { type: 'string', default: '6' } } });
const testImages = Number(options.images);
const has = (command, flag) => spawnSync(command, [flag], { stdio: 'ignore' }).status === 0;
const peers = { jpegXl: has('cjxl', '--version'), ffv1: has('ffmpeg', '-version') };
for (const [name, found] of Object.entries(peers))
  if (!found) process.stderr.write(`not installed: ${name}\n`);

const backend = await loadBackend();
const directory = mkdtempSync(join(tmpdir(), 'featherwire-entropy-'));
let rows;
try {
  rows = await mapSplitTensors(CALIBRATION_IMAGES + testImages, measureTensor);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { testImages, calibrationImages: CALIBRATION_IMAGES, clippedShare: CLIPPED_SHARE };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/entropy-table.mjs', machine, settings, rows }, null, 1)}\n`,
);

function measureTensor(network, tensor, features) {
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
