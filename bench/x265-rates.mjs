/**
 * Features as video: x265 intra against our frames at equal accuracy. The channels of each test image's feature are tiled
 * to one gray picture of 10 bits over the range of calibration images, all pictures are coded as intra frames by
 * `libx265` (ffmpeg) at several quantization parameters, and the decoded ones go through the real tail. Bytes are all bytes
 * of the streams; x265's parameter sets are shared by all pictures. Ours, every byte of each frame counted:
 * - levels: self-contained frames of uniform levels over the tensor's own range under the binary coder;
 * - blocks: self-contained frames of cosine blocks, rate-distortion optimized;
 * - components 8, components 2: the same with blocks of 8 and of 2 by 2 of components of the channels, in bundled frames; the
 *   basis is designed on calibration images and part of the profile that both ends hold, whose bytes stand beside.
 *
 * The Bjøntegaard rate is the mean difference of the logarithms of the rates, over the qualities that both reach, between
 * the upper envelopes of the points (quality against log rate, straight lines in between). Quality is the top-1 accuracy,
 * or, since few images tell accuracies only roughly apart, the negative logarithm of the mean divergence of the classes'
 * probabilities from those of the unsplit network. Each way of ours has as many points as x265 and is compared alone: an
 * envelope over more points gains from the scatter of the accuracies.
 *
 * Usage: npm run build && node bench/x265-rates.mjs [--cifar 100] [--imagenet 40] [--network NAME] > results/x265-rates.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import {
  addValues,
  channelMomentsOf,
  createStatistics,
  decodeFrame,
  designChannelBasis,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  loadBackend,
  writeProfile,
} from '@featherwire/codec';
import { bjontegaardRate, createVideoCoder, missingVideoCoder, rateEnvelope } from '@featherwire/eval';
import { CALIBRATION, meanDivergence, splitTensors } from './split-accuracy.mjs';

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
const OWN_LEVELS = [32, 16, 8, 6, 5, 4, 3, 2];
/** Steps of coefficients in parts of the largest calibrated value, for blocks of 8; smaller blocks spread errors less. */
const BLOCK_STEPS = [0.05, 0.08, 0.125, 0.18, 0.25, 0.35, 0.5, 0.7];
/** More than any coefficient of these steps has. */
const BLOCK_LEVELS = 2047;
const LAMBDA = 0.1;

const { values: options } = parseArgs({
  options: {
    cifar: { type: 'string', default: '100' },
    imagenet: { type: 'string', default: '40' },
    network: { type: 'string' },
  },
});
const testCounts = { 32: Number(options.cifar), 224: Number(options.imagenet) };
const missing = await missingVideoCoder();
if (missing) {
  process.stderr.write(`skipped: ${missing}\n`);
  process.exit(0);
}
const backend = await loadBackend();
const rows = [];
const isWanted = (network, tensor) =>
  CUTS[network] === tensor && (!options.network || options.network === network);
for await (const cut of splitTensors(testCounts, isWanted)) rows.push(await compare(cut));
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { testImages: testCounts, calibrationImages: CALIBRATION, lambda: LAMBDA };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/x265-rates.mjs', machine, settings, rows }, null, 1)}\n`,
);

async function compare({ network, tensor, seen, features, answer, score }) {
  const statistics = createStatistics();
  for (const { data } of seen) addValues(statistics, data);
  const range = { low: Math.min(0, statistics.low), high: statistics.high };
  const elements = features[0].data.length * features.length;
  const whole = await answer(features);
  const point = async (name, bytes, decoded) => {
    const answers = await answer(decoded);
    const accuracy = score(answers).reduce((sum, { numerator }) => sum + numerator, 0) / answers.length;
    const found = {
      name,
      rate: Number(((8 * bytes) / elements).toFixed(4)),
      accuracy: Number(accuracy.toFixed(2)),
      divergence: Number(meanDivergence(answers, whole).toPrecision(4)),
    };
    process.stderr.write(`${network} ${tensor}: ${JSON.stringify(found)}\n`);
    return found;
  };
  const x265 = [];
  for (const parameter of QUANTIZATION_PARAMETERS) {
    const { bytes, decoded } = await codeAsVideo(features, range, parameter);
    x265.push(await point(`qp ${parameter}`, bytes, decoded));
  }
  const largest = Math.max(-range.low, range.high);
  const profiled = profilesOfComponents(seen);
  const ways = {
    levels: OWN_LEVELS.map((levelCount) => [
      `${levelCount} levels`,
      () => codeAsLevels(features, levelCount),
    ]),
    blocks: BLOCK_STEPS.map((share) => [`step ${share}`, () => codeAsBlocks(features, share * largest)]),
    'components 8': BLOCK_STEPS.map((share) => [
      `step ${share}`,
      () => codeAsComponents(features, profiled(8, share * largest)),
    ]),
    'components 2': BLOCK_STEPS.map((share) => [
      `step ${share}`,
      () => codeAsComponents(features, profiled(2, share * largest)),
    ]),
  };
  const ours = [];
  for (const [way, codings] of Object.entries(ways)) {
    const points = [];
    for (const [name, code] of codings) {
      const { bytes, decoded } = code();
      points.push(await point(name, bytes, decoded));
    }
    const byAccuracy = differenceOfRates(x265, points, ({ accuracy }) => accuracy);
    const byDivergence = differenceOfRates(x265, points, ({ divergence }) => -Math.log(divergence));
    process.stderr.write(
      `${network} ${tensor}, ${way}: Bjøntegaard rates ${byAccuracy} %, ${byDivergence} %\n`,
    );
    ours.push({ way, byAccuracy, byDivergence, points });
  }
  const accuracy = score(whole).reduce((sum, { numerator }) => sum + numerator, 0) / whole.length;
  const shape = features[0].shape.slice(1);
  const profileBytes = writeProfile(profiled(8, 1)).length;
  return {
    network,
    tensor,
    shape,
    images: features.length,
    accuracy: Number(accuracy.toFixed(2)),
    profileBytes,
    x265,
    ours,
  };
}

function codeAsLevels(features, levelCount) {
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'minmax' } };
  return codeAlone(features, { quantizer, coder: 'binary' });
}

/** Cosine coefficients of the planes, of smaller blocks where planes are small. */
function codeAsBlocks(features, step) {
  const [rows, columns] = features[0].shape.slice(-2);
  const blockSize = Math.min(rows, columns) >= 8 ? 8 : 4;
  return codeAlone(features, { quantizer: { kind: 'blocks', blockSize, step }, lambda: LAMBDA });
}

function codeAlone(features, coding) {
  let bytes = 0;
  const decoded = features.map((feature) => {
    const frame = encodeFrame(feature, { ...coding, backend });
    bytes += frame.length;
    return decodeFrame(frame, { backend });
  });
  return { bytes, decoded };
}

/** Profiles by block size and step, with a basis of the calibration images. */
function profilesOfComponents(seen) {
  const basis = designChannelBasis(channelMomentsOf(seen));
  return (blockSize, step) => {
    const quantizer = { kind: 'blocks', blockSize, step, levelCount: BLOCK_LEVELS, basis };
    return { tensors: [designTensorProfile(seen, { quantizer, backend })] };
  };
}

function codeAsComponents(features, profile) {
  const profiles = new Map([[0, profile]]);
  let bytes = 0;
  const decoded = features.map((feature, sequenceNumber) => {
    const frame = encodeBundledFrame([feature], {
      profile,
      point: 0,
      sequenceNumber,
      lambda: LAMBDA,
      backend,
    });
    bytes += frame.length;
    return decodeFrame(frame, { backend, profiles });
  });
  return { bytes, decoded };
}

/** All features as the intra frames of one stream. */
async function codeAsVideo(features, { low, high }, quantizationParameter) {
  const coder = createVideoCoder({ quantizationParameter, range: { kind: 'fixed', low, high } });
  const { decoded, bytes, sharedBytes } = await coder.code(features);
  return { bytes: bytes.reduce((sum, each) => sum + each, sharedBytes), decoded };
}

/**
 * Percent by which the rate of `b` differs from that of `a` at equal quality; null if they share none.
 * @param qualityOf - of a point, larger for better ones
 */
function differenceOfRates(a, b, qualityOf) {
  const curves = [a, b].map((points) =>
    rateEnvelope(points.map((point) => ({ rate: point.rate, quality: qualityOf(point) }))),
  );
  if (curves.some(({ length }) => length < 2)) return null;
  const difference = bjontegaardRate(...curves, { method: 'linear' });
  return difference === null ? null : Number(difference.toFixed(1));
}
