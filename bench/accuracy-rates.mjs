/**
 * The fewest bits per element at no more than a point of top-1 loss, by method, on the split tensors of the classification
 * networks of the evaluation set:
 * - A: range of the tensor itself with order-0 rANS and a table of its own, in a sparse layout where that is smaller, or
 *   the range of calibration images with a static table,
 * - B: clip limits from the model of the activation, uniform levels, order-0 rANS with a static table,
 * - ours: any of the quantizers (also with rate-distortion optimized indices, or with a range for each of 8 groups of
 *   channels), static contexts in a bundled frame,
 *   or the adaptive binary coder.
 *
 * Designs are made on calibration images. Each method has a ladder of quantizers from fine to coarse; accuracy is that of
 * the real tail on the tensors decoded from the very frames that are counted, every byte of them. Each method's rate is
 * its smallest on the test images that keeps the loss.
 *
 * Usage: npm run build && node bench/accuracy-rates.mjs [--cifar 400] [--imagenet 120] > results/accuracy-rates.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import {
  addChannelValues,
  addValues,
  createChannelStatistics,
  createStatistics,
  decodeFrame,
  designRange,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  groupChannels,
  loadBackend,
} from '@featherwire/codec';
import { bootstrapDifference } from '@featherwire/eval';
import { CALIBRATION, splitTensors } from './split-accuracy.mjs';

const MAX_LOSS = 1;
/** A ladder ends after so many steps in a row that lose this much. */
const HOPELESS_LOSS = 2.5;
const HOPELESS_STEPS = 2;
const OWN_LEVELS = [64, 32, 16, 8, 6, 4, 3, 2];
const MODEL_LEVELS = [16, 8, 6, 4, 3, 2];
const CALIBRATED_LEVELS = [64, 32, 16, 8, 6, 4, 3];
const GROUPED_LEVELS = [32, 16, 8, 6, 4];
const GROUP_COUNT = 8;
/** Context models end here; above the binary coder is taken. */
const MAX_CONTEXT_LEVELS = 16;
/** The binary coder is slow; it is tried on tensors of up to this many elements. */
const MAX_BINARY_ELEMENTS = 262_144;
const LAMBDAS = [0, 0.15];

const { values: options } = parseArgs({
  options: {
    cifar: { type: 'string', default: '400' },
    imagenet: { type: 'string', default: '120' },
    network: { type: 'string' },
  },
});
const testCounts = { 32: Number(options.cifar), 224: Number(options.imagenet) };
const backend = await loadBackend();
const rows = [];
const isWanted = (network) => !options.network || options.network === network;
for await (const cut of splitTensors(testCounts, isWanted)) rows.push(await measureTensor(cut));
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { testImages: testCounts, calibrationImages: CALIBRATION, maxLoss: MAX_LOSS };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/accuracy-rates.mjs', machine, settings, rows }, null, 1)}\n`,
);

async function measureTensor({ network, tensor, seen, features, classify }) {
  const whole = await classify(features);
  const elements = features[0].data.length * features.length;
  const tried = [];
  for (const ladder of ladders(seen)) {
    let hopeless = 0;
    for (const step of ladder) {
      const { decoded, bytes } = code(features, step);
      const loss = bootstrapDifference(await classify(decoded), whole);
      const rates = Object.fromEntries(
        Object.entries(bytes).map(([coder, total]) => [coder, Number(((8 * total) / elements).toFixed(4))]),
      );
      tried.push({ quantizer: step.name, loss: loss.value, interval: [loss.low, loss.high], rates });
      process.stderr.write(
        `${network} ${tensor} ${step.name}: loss ${loss.value.toFixed(2)}, ${JSON.stringify(rates)}\n`,
      );
      hopeless = loss.value > HOPELESS_LOSS ? hopeless + 1 : 0;
      if (hopeless === HOPELESS_STEPS) break;
    }
  }
  const accuracy = whole.reduce((sum, { numerator }) => sum + numerator, 0) / whole.length;
  const shape = features[0].shape.slice(1);
  const best = {
    a: bestOf(tried, ['a']),
    b: bestOf(tried, ['b']),
    ours: bestOf(tried, ['contexts', 'binary']),
  };
  return {
    network,
    tensor,
    shape,
    images: features.length,
    accuracy: Number(accuracy.toFixed(2)),
    ...best,
    tried,
  };
}

/** The cheapest of the tried within the loss, of some coders. */
function bestOf(tried, coders) {
  const fitting = tried
    .filter(({ loss }) => loss <= MAX_LOSS)
    .flatMap(({ quantizer, loss, interval, rates }) =>
      coders.flatMap((coder) =>
        coder in rates ? [{ quantizer, coder, rate: rates[coder], loss, interval }] : [],
      ),
    );
  return fitting.length === 0 ? null : fitting.reduce((a, b) => (b.rate < a.rate ? b : a));
}

/** Ladders of quantizers, each from fine to coarse. */
function ladders(seen) {
  const statistics = createStatistics();
  for (const { data } of seen) addValues(statistics, data);
  const own = OWN_LEVELS.map((levelCount) => ({
    name: `own range, ${levelCount} levels`,
    own: { kind: 'uniform', levelCount, range: { kind: 'minmax' } },
  }));
  const step = (name, order0, quantizer, lambda) => {
    const { levelCount } = quantizer;
    const profile = (coder) => ({
      tensors: [designTensorProfile(seen, { quantizer, coder, contextPreference: 'size', backend })],
    });
    return {
      name: `${name}, ${levelCount} levels${lambda ? `, lambda ${lambda}` : ''}`,
      order0,
      lambda,
      table: profile('rans'),
      contexts: levelCount <= MAX_CONTEXT_LEVELS ? profile('rans-contexts') : null,
    };
  };
  const uniform = (levelCount, { low, high }) => ({
    kind: 'uniform',
    levelCount,
    range: { kind: 'fixed', low, high },
  });
  const range = { low: Math.min(0, statistics.low), high: statistics.high };
  const grouped = groupsOfChannels(seen);
  return [
    own,
    ...LAMBDAS.flatMap((lambda) => [
      MODEL_LEVELS.map((levelCount) =>
        step('model limits', 'b', uniform(levelCount, designRange(statistics, { levelCount })), lambda),
      ),
      CALIBRATED_LEVELS.map((levelCount) =>
        step('calibrated range', 'a', uniform(levelCount, range), lambda),
      ),
    ]),
    GROUPED_LEVELS.map((levelCount) =>
      step('ranges of groups', 'grouped', { kind: 'grouped', levelCount, ...grouped }, 0),
    ),
  ];
}

/** Groups of channels of like size, each with its range in the calibration images. */
function groupsOfChannels(seen) {
  const axis = 1;
  const channels = createChannelStatistics(seen[0].shape[axis]);
  for (const { data, shape } of seen) addChannelValues(channels, data, shape, axis);
  const groupCount = Math.min(GROUP_COUNT, channels.length);
  const groupOfChannel = groupChannels(channels, groupCount);
  const limits = Array.from({ length: groupCount }, (_, group) => {
    const own = channels.filter((_, channel) => groupOfChannel[channel] === group);
    const [low, high] = [Math.min(0, ...own.map((one) => one.low)), Math.max(...own.map((one) => one.high))];
    return { low, high: Math.max(high, low + 1e-6) };
  });
  return { axis, groupCount, groupOfChannel, range: { kind: 'fixed', limits } };
}

/** Codes every feature by the coders that belong to a step; what is decoded is the same for all of them. */
function code(features, step) {
  const bytes = {};
  const add = (coder, frame) => {
    bytes[coder] = (bytes[coder] ?? 0) + frame.length;
    return frame;
  };
  const triesBinary = features[0].data.length <= MAX_BINARY_ELEMENTS;
  const decoded = features.map((feature, i) => {
    if (step.own) {
      const frame = add('a', encodeFrame(feature, { quantizer: step.own, coder: 'rans', backend }));
      if (triesBinary) add('binary', encodeFrame(feature, { quantizer: step.own, coder: 'binary', backend }));
      return decodeFrame(frame, { backend });
    }
    const { lambda, table, contexts, order0 } = step;
    const point = { point: 0, sequenceNumber: i, backend };
    const decode = (frame, profile) => decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) });
    const first = encodeBundledFrame([feature], { ...point, lambda, profile: table });
    if (!lambda) add(order0, first);
    // Costs are those of the table, and the same indices are then coded otherwise: the decoder need not know.
    const tensor = decode(first, table);
    if (contexts)
      return decode(add('contexts', encodeBundledFrame([tensor], { ...point, profile: contexts })), contexts);
    if (!triesBinary) return tensor;
    return decode(
      add('binary', encodeBundledFrame([tensor], { ...point, coder: 'binary', profile: table })),
      table,
    );
  });
  return { decoded, bytes };
}
