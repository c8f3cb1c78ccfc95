/**
 * Coded rates of rANS with contexts on real features, one row for each split tensor of the evaluation networks and each
 * level count, and for tokens of a text recognizer. Clip limits and context models are designed on training images;
 * rates are of other images. Frames are those of a bundle, which holds the model for both ends, with every byte; the
 * model's bytes stand beside. Models for size are fine ones, of the preference `least`, whose frames hold the classes that
 * they give their channels. Also order-0 entropy, frames of the binary coder, and the same indices as lossless JPEG XL and FFV1,
 * where `cjxl` and `ffmpeg` are installed, with every byte of their files.
 *
 * Usage: npm run build && node bench/context-rates.mjs [--images 4] > results/context-rates.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { loadModel } from '@featherwire/authoring';
import {
  createCodingProfile,
  designContextModel,
  designTensorProfile,
  encodeBundledFrame,
  loadBackend,
  serializeContextModel,
} from '@featherwire/codec';
import {
  createTextLines,
  findPpOcrFiles,
  PP_OCR_INPUT,
  ppOcrPreprocessing,
  tensorOfInput,
} from '@featherwire/eval';
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
/** Images for models, by the width of a network's input. */
const TRAINING_IMAGES = { 32: 200, 224: 64, 513: 20 };
/** Training images from which clip limits are taken. */
const LIMIT_IMAGES = 6;
const LINE_WIDTH = 320;
const TRAINING_LINES = 200;
const TEST_LINES = 20;
/** Tokens of the recognizer: [1, features, tokens]. */
const TOKENS = 'squeeze_0.tmp_0';

const { values: options } = parseArgs({ options: { images: { type: 'string', default: '4' } } });
const testImages = Number(options.images);
const backend = await loadBackend();
const assets = findAssets();
const rows = [];
for (const [network, size, normalization, tensors] of NETWORKS) {
  const model = await loadNetwork(assets, network, size);
  const { training, test } = await splitInputs(size, normalization);
  for (const tensor of tensors) {
    const seen = await featuresAt(model, tensor, training);
    await measure(network, tensor, seen, await featuresAt(model, tensor, test));
  }
}
const { seen, unseen } = await tokenFeatures();
await measure('PP-OCRv4 recognition', TOKENS, seen, unseen);
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = {
  testImages,
  testLines: TEST_LINES,
  trainingImages: TRAINING_IMAGES,
  trainingLines: TRAINING_LINES,
  limitImages: LIMIT_IMAGES,
  clippedShare: CLIPPED_SHARE,
};
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/context-rates.mjs', machine, settings, rows }, null, 1)}\n`,
);

/** Training and test inputs: of CIFAR-10 from its two sets, of ImageNet every k-th image for the test. */
async function splitInputs(size, normalization) {
  const trainingCount = TRAINING_IMAGES[size];
  if (size === 32) {
    const training = await readInputs(assets, size, normalization, trainingCount, 'train');
    return { training, test: await readInputs(assets, size, normalization, testImages) };
  }
  const count = trainingCount + testImages;
  const all = await readInputs(assets, size, normalization, count);
  const chosen = new Set(
    Array.from({ length: testImages }, (_, i) => Math.floor(((i + 0.5) * count) / testImages)),
  );
  return { training: all.filter((_, i) => !chosen.has(i)), test: all.filter((_, i) => chosen.has(i)) };
}

/** Tokens of rendered lines, [1, tokens, features]. */
async function tokenFeatures() {
  const shape = [1, 3, 48, LINE_WIDTH];
  const model = await loadModel(findPpOcrFiles().recognizer, { [PP_OCR_INPUT]: shape });
  const read = async (split, count) => {
    const lines = await createTextLines({ split, count });
    const inputs = [];
    for (let i = 0; i < count; i++) {
      inputs.push(await tensorOfInput((await lines.sample(i)).input, ppOcrPreprocessing(LINE_WIDTH)));
    }
    return (await featuresAt(model, TOKENS, inputs, PP_OCR_INPUT)).map(transposed);
  };
  return { seen: await read('calibration', TRAINING_LINES), unseen: await read('test', TEST_LINES) };
}

function transposed({ dtype, shape, data }) {
  const [features, tokens] = shape.slice(-2);
  const moved = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++)
    moved[(at % tokens) * features + Math.floor(at / tokens)] = data[at];
  return { dtype, shape: [1, tokens, features], data: moved };
}

async function measure(network, tensor, training, test) {
  const step = Math.floor(training.length / LIMIT_IMAGES);
  const { low, high, signed } = clipLimits(training.filter((_, i) => i % step === 0).slice(0, LIMIT_IMAGES));
  for (const levelCount of LEVEL_COUNTS) {
    const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } };
    const bare = designTensorProfile([training[0]], { quantizer, coder: 'none', backend });
    const { affine } = bare.quantizer;
    const geometry = geometryOf(training[0].shape);
    const indexed = training.map(({ data }) => ({ indices: backend.quantize(data, affine), geometry }));
    const background = backend.quantize(Float32Array.of(0), affine)[0];
    const [fast, fine] = ['speed', 'least'].map((preference) => {
      const model = designContextModel(indexed, { levelCount, background }, { preference });
      return {
        modelBytes: serializeContextModel(model).length,
        profile: createCodingProfile([{ ...bare, coder: { kind: 'rans-contexts', model } }]),
      };
    });
    const sums = { entropy: 0, contexts: 0, contextsFine: 0, binary: 0, jpegXl: 0, ffv1: 0, elements: 0 };
    const coded = test.map(({ data }) => backend.quantize(data, affine));
    await measurePeers(coded, test[0].shape, sums);
    for (const [i, feature] of test.entries()) {
      const indices = coded[i];
      for (const count of backend.countSymbols(indices, levelCount)) {
        if (count > 0) sums.entropy -= (count * Math.log2(count / indices.length)) / 8;
      }
      const frameBytes = ({ profile }, coding = {}) =>
        encodeBundledFrame([feature], { profile, point: 0, sequenceNumber: i, backend, ...coding }).length;
      sums.contexts += frameBytes(fast);
      sums.contextsFine += frameBytes(fine);
      sums.binary += frameBytes(fast, { coder: 'binary' });
      sums.elements += indices.length;
    }
    const rate = (bytes) => Number(((8 * bytes) / sums.elements).toFixed(4));
    const row = { network, tensor, shape: test[0].shape.slice(1), signed, levelCount };
    row.entropy = rate(sums.entropy);
    row.contexts = rate(sums.contexts);
    row.contextsFine = rate(sums.contextsFine);
    row.binary = rate(sums.binary);
    for (const peer of ['jpegXl', 'ffv1']) row[peer] = peers[peer] ? rate(sums[peer]) : null;
    row.modelBytes = fast.modelBytes;
    row.modelBytesFine = fine.modelBytes;
    process.stderr.write(`${JSON.stringify(row)}\n`);
    rows.push(row);
  }
}

function geometryOf(shape) {
  const [rows, columns] = shape.slice(-2);
  return { planes: shape.slice(0, -2).reduce((product, size) => product * size, 1), rows, columns };
}
