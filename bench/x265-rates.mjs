/**
 * Features as video: x265 intra against our frames at equal accuracy. The channels of each test image's feature are tiled
 * to one gray picture of 10 bits over the range of calibration images, all pictures are coded as intra frames by
 * `libx265` (ffmpeg) at several quantization parameters, and the decoded ones go through the real tail. Ours are bundled
 * frames with static contexts over the same range and over limits of the activation's model, with rate-distortion
 * optimized indices, and self-contained frames of the binary coder over the range of each tensor or of cosine blocks. Bytes are all bytes of
 * the streams; x265's parameter sets are shared by all pictures.
 *
 * The Bjøntegaard rate is the mean difference of the logarithms of the rates, over the accuracies that both reach, between
 * the upper envelopes of the points (accuracy against log rate, straight lines in between).
 *
 * Usage: npm run build && node bench/x265-rates.mjs [--cifar 100] [--imagenet 40] > results/x265-rates.json
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  addValues,
  createStatistics,
  decodeFrame,
  designRange,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  loadBackend,
} from '@featherwire/codec';
import { CALIBRATION, splitTensors } from './split-accuracy.mjs';

/** One cut of each network, between early and late. */
const CUTS = {
  resnet20_cifar10: 'stage2',
  resnet56_cifar10: 'stage2',
  densenet40_cifar10: 'transition1',
  squeezenet1_1: 'pool5',
  mobilenetv1_qat: 'conv13',
  mobilenetv2_qat: 'add36',
};
const QUANTIZATION_PARAMETERS = [16, 22, 27, 32, 37, 42, 47, 51];
const CALIBRATED_LEVELS = [16, 12, 8, 6, 5, 4, 3];
const MODEL_LEVELS = [8, 6, 4, 3, 2];
const OWN_LEVELS = [32, 16, 8, 6, 5, 4, 3, 2];
/** Steps of coefficients in parts of the largest calibrated value. */
const BLOCK_STEPS = [0.06, 0.09, 0.125, 0.18, 0.25, 0.35, 0.5];
const BLOCK_LAMBDA = 0.2;
const LAMBDA = 0.15;
const WHITE = 1023;

const { values: options } = parseArgs({
  options: { cifar: { type: 'string', default: '100' }, imagenet: { type: 'string', default: '40' } },
});
const testCounts = { 32: Number(options.cifar), 224: Number(options.imagenet) };
if (!/libx265/.test(spawnSync('ffmpeg', ['-hide_banner', '-encoders'], { encoding: 'utf8' }).stdout ?? '')) {
  process.stderr.write('skipped: ffmpeg with libx265 is not installed\n');
  process.exit(0);
}
const backend = await loadBackend();
const directory = mkdtempSync(join(tmpdir(), 'featherwire-x265-'));
const rows = [];
try {
  for await (const cut of splitTensors(testCounts, (network, tensor) => CUTS[network] === tensor))
    rows.push(await compare(cut));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { testImages: testCounts, calibrationImages: CALIBRATION, lambda: LAMBDA };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/x265-rates.mjs', machine, settings, rows }, null, 1)}\n`,
);

async function compare({ network, tensor, seen, features, classify }) {
  const statistics = createStatistics();
  for (const { data } of seen) addValues(statistics, data);
  const range = { low: Math.min(0, statistics.low), high: statistics.high };
  const elements = features[0].data.length * features.length;
  const point = async (name, bytes, decoded) => {
    const answers = await classify(decoded);
    const accuracy = answers.reduce((sum, { numerator }) => sum + numerator, 0) / answers.length;
    const found = {
      name,
      rate: Number(((8 * bytes) / elements).toFixed(4)),
      accuracy: Number(accuracy.toFixed(2)),
    };
    process.stderr.write(`${network} ${tensor}: ${JSON.stringify(found)}\n`);
    return found;
  };
  const x265 = [];
  for (const parameter of QUANTIZATION_PARAMETERS) {
    const { bytes, decoded } = codeAsVideo(features, range, parameter);
    x265.push(await point(`qp ${parameter}`, bytes, decoded));
  }
  const ours = [];
  const quantizers = [
    ...CALIBRATED_LEVELS.map((levelCount) => ['calibrated range', levelCount, range]),
    ...MODEL_LEVELS.map((levelCount) => [
      'model limits',
      levelCount,
      designRange(statistics, { levelCount }),
    ]),
  ];
  for (const [name, levelCount, { low, high }] of quantizers) {
    const { bytes, decoded } = codeAsFrames(seen, features, levelCount, { kind: 'fixed', low, high });
    ours.push(await point(`${name}, ${levelCount} levels`, bytes, decoded));
  }
  for (const levelCount of OWN_LEVELS) {
    const { bytes, decoded } = codeAlone(features, levelCount);
    ours.push(await point(`own range, ${levelCount} levels`, bytes, decoded));
  }
  for (const share of BLOCK_STEPS) {
    const { bytes, decoded } = codeAsBlocks(features, share * Math.max(-range.low, range.high));
    ours.push(await point(`blocks, step ${share} of the range`, bytes, decoded));
  }
  const unsplit = await point('unsplit', 0, features);
  const bjontegaardRate = differenceOfRates(x265, ours);
  process.stderr.write(`${network} ${tensor}: Bjøntegaard rate ${bjontegaardRate} %\n`);
  const shape = features[0].shape.slice(1);
  return {
    network,
    tensor,
    shape,
    images: features.length,
    accuracy: unsplit.accuracy,
    bjontegaardRate,
    x265,
    ours,
  };
}

function codeAsFrames(seen, features, levelCount, range) {
  const quantizer = { kind: 'uniform', levelCount, range };
  const profile = (coder) => ({
    tensors: [designTensorProfile(seen, { quantizer, coder, contextPreference: 'size', backend })],
  });
  const [table, contexts] = [profile('rans'), profile('rans-contexts')];
  let bytes = 0;
  const decoded = features.map((feature, sequenceNumber) => {
    const common = { point: 0, sequenceNumber, backend };
    const decode = (frame, profile) => decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) });
    // Costs are those of the table, and the indices then coded by contexts: the decoder need not know.
    const cheap = encodeBundledFrame([feature], { ...common, profile: table, lambda: LAMBDA });
    const frame = encodeBundledFrame([decode(cheap, table)], { ...common, profile: contexts });
    bytes += frame.length;
    return decode(frame, contexts);
  });
  return { bytes, decoded };
}

function codeAlone(features, levelCount) {
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'minmax' } };
  let bytes = 0;
  const decoded = features.map((feature) => {
    const frame = encodeFrame(feature, { quantizer, coder: 'binary', backend });
    bytes += frame.length;
    return decodeFrame(frame, { backend });
  });
  return { bytes, decoded };
}

/** Cosine coefficients, of smaller blocks where planes are small. */
function codeAsBlocks(features, step) {
  const [rows, columns] = features[0].shape.slice(-2);
  const blockSize = Math.min(rows, columns) >= 8 ? 8 : 4;
  const quantizer = { kind: 'blocks', blockSize, step, levelCount: 255 };
  let bytes = 0;
  const decoded = features.map((feature) => {
    const frame = encodeFrame(feature, { quantizer, lambda: BLOCK_LAMBDA, backend });
    bytes += frame.length;
    return decodeFrame(frame, { backend });
  });
  return { bytes, decoded };
}

/** All features as the intra frames of one stream. */
function codeAsVideo(features, { low, high }, parameter) {
  const [planes, rows, columns] = features[0].shape.slice(1);
  const across = Math.ceil(Math.sqrt((planes * rows) / columns));
  const width = across * columns;
  const height = Math.ceil(planes / across) * rows;
  /** Place of an element in its picture. */
  const place = (i) => {
    const plane = Math.floor(i / (rows * columns));
    const row = Math.floor(i / columns) % rows;
    return (Math.floor(plane / across) * rows + row) * width + (plane % across) * columns + (i % columns);
  };
  const places = Uint32Array.from({ length: planes * rows * columns }, (_, i) => place(i));
  const pictures = new Uint16Array(width * height * features.length);
  features.forEach(({ data }, image) => {
    const start = image * width * height;
    places.forEach((at, i) => {
      const level = Math.round(((data[i] - low) / (high - low)) * WHITE);
      pictures[start + at] = Math.min(Math.max(level, 0), WHITE);
    });
  });
  const [source, stream, result] = ['source.gray', 'stream.hevc', 'result.gray'].map((name) =>
    join(directory, name),
  );
  writeFileSync(source, pictures);
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'gray10le', '-s', `${width}x${height}`];
  const coding = [
    '-c:v',
    'libx265',
    '-preset',
    'slow',
    '-x265-params',
    `keyint=1:qp=${parameter}:repeat-headers=0:info=0:log-level=error`,
  ];
  run([...raw, '-i', source, ...coding, '-f', 'hevc', stream]);
  run(['-i', stream, '-f', 'rawvideo', '-pix_fmt', 'gray10le', result]);
  const back = readFileSync(result);
  const levels = new Uint16Array(back.buffer, back.byteOffset, back.length / 2);
  if (levels.length !== pictures.length)
    throw new Error(`${levels.length} pixels decoded of ${pictures.length}`);
  const decoded = features.map((feature, image) => {
    const start = image * width * height;
    const data = Float32Array.from(places, (at) => low + (levels[start + at] / WHITE) * (high - low));
    return { ...feature, data };
  });
  return { bytes: statSync(stream).size, decoded };
}

function run(args) {
  const { status, stderr } = spawnSync('ffmpeg', ['-nostdin', '-y', '-loglevel', 'error', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ffmpeg failed: ${stderr.trim().split('\n').at(-1)}`);
}

/** Percent by which the rate of `b` differs from that of `a` at equal accuracy; null if they share none. */
function differenceOfRates(a, b) {
  const [curveA, curveB] = [a, b].map(envelope);
  const low = Math.max(curveA[0].accuracy, curveB[0].accuracy);
  const high = Math.min(curveA.at(-1).accuracy, curveB.at(-1).accuracy);
  if (!(low < high)) return null;
  const steps = 1000;
  let sum = 0;
  for (let i = 0; i < steps; i++) {
    const accuracy = low + ((i + 0.5) / steps) * (high - low);
    sum += logRateAt(curveB, accuracy) - logRateAt(curveA, accuracy);
  }
  return Number((100 * (Math.exp(sum / steps) - 1)).toFixed(1));
}

/** Points that no cheaper one is as accurate as, by accuracy. */
function envelope(points) {
  const kept = [];
  for (const point of [...points].sort((p, q) => p.rate - q.rate)) {
    if (kept.length === 0 || point.accuracy > kept.at(-1).accuracy) kept.push(point);
  }
  return kept;
}

function logRateAt(curve, accuracy) {
  const after = curve.findIndex((point) => point.accuracy >= accuracy);
  if (after === 0) return Math.log(curve[0].rate);
  const [p, q] = [curve[after - 1], curve[after]];
  const share = (accuracy - p.accuracy) / (q.accuracy - p.accuracy);
  return Math.log(p.rate) * (1 - share) + Math.log(q.rate) * share;
}
