/**
 * Speed of rANS with contexts beside rANS without, in one process and on one thread: rounds of all kernels in turns, times
 * of the processor, medians of the ratios of each round. Order-0 encoding counts symbols and codes with a table at hand,
 * which leaves the design of the table out; that under fine models counts and finds the classes of channels. Both sides move
 * data in and out of the kernels' memory. On a synthetic
 * rectified map and, where the evaluation networks are found, on real features, several images to a tensor.
 *
 * Usage: npm run build && node bench/context-speed.mjs [--rounds 25] > results/context-speed.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { designContextModel, designTable, encodeFrame, inspectFrame, loadBackend } from '@featherwire/codec';
import { cheapestClasses, modelOfPayload } from '@featherwire/codec/parts';
import { createRandom } from '@featherwire/tensor';
import { clipLimits, featuresAt, findAssets, loadNetwork, NETWORKS, readInputs } from './real-features.mjs';

/** Level counts with what the model is made for. */
const SETTINGS = [
  [2, 'speed'],
  [3, 'speed'],
  [4, 'speed'],
  [4, 'size'],
  [4, 'least'],
  [6, 'speed'],
  [8, 'speed'],
  [8, 'size'],
  [12, 'speed'],
  [12, 'size'],
  [12, 'least'],
];
const REAL_TENSORS = [
  ['squeezenet1_1', 'pool5', 4],
  ['mobilenetv1_qat', 'conv13', 4],
  ['resnet56_cifar10', 'stage2', 16],
];
const TRAINING_IMAGES = 32;
const LANES = 64;
const FINE_LANES = 16;
const ORDER0_LANES = 32;
const REPETITIONS = 6;
const WARM_UP_ROUNDS = 3;

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '25' } } });
const rounds = Number(options.rounds);
const backend = await loadBackend('wasm');
const rows = [];
const synthetic = syntheticMap(512, 28, 28);
for (const setting of SETTINGS) measure('synthetic', synthetic, [synthetic], setting);
const assets = findAssets();
for (const [network, tensor, images] of REAL_TENSORS) {
  const [, size, normalization] = NETWORKS.find(([name]) => name === network);
  const model = await loadNetwork(assets, network, size);
  const inputs = await readInputs(assets, size, normalization, TRAINING_IMAGES + images);
  const features = await featuresAt(model, tensor, inputs);
  const training = features.slice(images);
  const batch = batchOf(features.slice(0, images));
  for (const setting of SETTINGS) measure(`${network} ${tensor}`, batch, training, setting);
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { rounds, lanes: LANES, fineLanes: FINE_LANES, order0Lanes: ORDER0_LANES };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/context-speed.mjs', machine, settings, rows }, null, 1)}\n`,
);

function measure(name, feature, training, [levelCount, preference]) {
  const { low, high } = clipLimits(training.slice(0, 6));
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } };
  const { affine } = inspectFrame(encodeFrame(training[0], { quantizer, coder: 'rans', backend })).quantizer;
  const indices = backend.quantize(feature.data, affine);
  const background = backend.quantize(Float32Array.of(0), affine)[0];
  const seen = training.map(({ data, shape }) => ({
    indices: backend.quantize(data, affine),
    geometry: geometryOf(shape),
  }));
  const model = designContextModel(seen, { levelCount, background }, { preference });
  const geometry = geometryOf(feature.shape);
  const { table } = designTable(backend.countSymbols(indices, levelCount), background);
  const order0 = backend.encodeRans(indices, table, ORDER0_LANES);
  const lanes = model.slotBits === 8 ? LANES : FINE_LANES;
  // Fine models take the classes that fit the feature, as frames of them do.
  const fitted = () => {
    if (model.slotBits === 8) return model;
    const { classes } = cheapestClasses(backend.countContexts(indices, geometry, model), model);
    return modelOfPayload(model, { channelClasses: classes });
  };
  const coded = fitted();
  const contexts = backend.encodeContexts(indices, geometry, coded, lanes);
  const times = inTurns({
    encodeOrder0: () => {
      backend.countSymbols(indices, levelCount);
      backend.encodeRans(indices, table, ORDER0_LANES);
    },
    decodeOrder0: () => backend.decodeRans(order0, indices.length, table),
    encodeContexts: () => backend.encodeContexts(indices, geometry, fitted(), lanes),
    decodeContexts: () => backend.decodeContexts(contexts, geometry, coded),
  });
  const bits = ({ bytes }) => Number(((8 * bytes.length) / indices.length).toFixed(4));
  const rate = (kernel) => Math.round(indices.length / median(times[kernel]));
  const ratio = (a, b) => Number(median(times[a].map((time, i) => time / times[b][i])).toFixed(3));
  const row = {
    name,
    shape: feature.shape,
    levelCount,
    preference,
    order0Bits: bits(order0),
    contextBits: bits(contexts),
    millionElementsPerSecond: Object.fromEntries(Object.keys(times).map((kernel) => [kernel, rate(kernel)])),
    encodeRatio: ratio('encodeOrder0', 'encodeContexts'),
    decodeRatio: ratio('decodeOrder0', 'decodeContexts'),
  };
  process.stderr.write(`${JSON.stringify(row)}\n`);
  rows.push(row);
}

/** Microseconds of each kernel in each round. */
function inTurns(kernels) {
  const times = Object.fromEntries(Object.keys(kernels).map((name) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [name, run] of Object.entries(kernels)) {
      const start = process.cpuUsage();
      for (let i = 0; i < REPETITIONS; i++) run();
      const { user, system } = process.cpuUsage(start);
      if (round >= 0) times[name].push((user + system) / REPETITIONS);
    }
  }
  return times;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function geometryOf(shape) {
  const [rows, columns] = shape.slice(-2);
  return { planes: shape.slice(0, -2).reduce((product, size) => product * size, 1), rows, columns };
}

/** Several images as one tensor. */
function batchOf(features) {
  const length = features[0].data.length;
  const data = new Float32Array(features.length * length);
  features.forEach((feature, i) => {
    data.set(feature.data, i * length);
  });
  return { dtype: 'float32', shape: [features.length, ...features[0].shape.slice(1)], data };
}

/** Smoothed noise, rectified, of another scale and shift in each channel. */
function syntheticMap(channels, rows, columns) {
  const random = createRandom(7);
  const data = new Float32Array(channels * rows * columns);
  for (let channel = 0; channel < channels; channel++) {
    const noise = Float32Array.from({ length: rows * columns }, () => random.nextNormal());
    const scale = Math.sqrt(-Math.log(1 - random.nextUniform()));
    const shift = -0.2 - 0.25 * random.nextNormal();
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        let count = 0;
        for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
          for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
            sum += noise[y * columns + x];
            count++;
          }
        }
        const value = (sum / Math.sqrt(count)) * scale + shift;
        data[(channel * rows + row) * columns + column] = Math.max(0, value);
      }
    }
  }
  return { dtype: 'float32', shape: [1, channels, rows, columns], data };
}
