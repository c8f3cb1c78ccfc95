/**
 * The fewest bits per element at no more than a point of top-1 loss, by method, on the split tensors of the classification
 * networks of the evaluation set:
 * - A: range of the tensor itself with order-0 rANS and a table of its own, in a sparse layout where that is smaller, or
 *   the range of calibration images with a static table,
 * - B: clip limits from the model of the activation, uniform levels, order-0 rANS with a static table,
 * - ours: any of the quantizers (also with rate-distortion optimized indices), static contexts in a bundled frame, or
 *   the adaptive binary coder.
 *
 * Designs are made on calibration images. Each method has a ladder of quantizers from fine to coarse; accuracy is that of
 * the real tail on the tensors decoded from the very frames that are counted, every byte of them. Each method's rate is
 * its smallest on the test images that keeps the loss.
 *
 * Usage: npm run build && node bench/accuracy-rates.mjs [--cifar 400] [--imagenet 120] > results/accuracy-rates.json
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel } from '@featherwire/authoring';
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
import { bootstrapDifference } from '@featherwire/eval';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';
import { findAssets, NETWORKS, readInputs } from './real-features.mjs';

const MAX_LOSS = 1;
/** A ladder ends after so many steps in a row that lose this much. */
const HOPELESS_LOSS = 2.5;
const HOPELESS_STEPS = 2;
const BATCH = 20;
const CALIBRATION = { 32: 100, 224: 40 };
const OWN_LEVELS = [16, 8, 6, 4, 3, 2];
const MODEL_LEVELS = [8, 6, 4, 3, 2];
const CALIBRATED_LEVELS = [16, 8, 6, 4, 3];
/** The binary coder is slow; it is tried on tensors of up to this many elements. */
const MAX_BINARY_ELEMENTS = 65_536;
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
const assets = findAssets();
const rows = [];
for (const [network, size, normalization, tensors] of NETWORKS) {
  if (!(size in testCounts) || (options.network && options.network !== network)) continue;
  const data = await readData(size, normalization);
  const model = await loadModel(join(assets, 'models', `${network}.onnx`), { input: [BATCH, 3, size, size] });
  for (const tensor of tensors) rows.push(await measureTensor(network, model, tensor, data));
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const settings = { testImages: testCounts, calibrationImages: CALIBRATION, maxLoss: MAX_LOSS };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/accuracy-rates.mjs', machine, settings, rows }, null, 1)}\n`,
);

async function measureTensor(network, model, tensor, { calibration, test, labels }) {
  const { head, tail } = splitModel(model.model, [tensor], { shapes: model.shapes });
  const runHead = await createLocalSession(serializeModel(head), { intraOpThreads: 2 });
  const seen = await mapBatches(calibration, async (input) => (await runHead.run({ input })).outputs[tensor]);
  const features = await mapBatches(test, async (input) => (await runHead.run({ input })).outputs[tensor]);
  await runHead.close();
  const runTail = await createLocalSession(serializeModel(tail), { intraOpThreads: 2 });
  const classify = async (tensors) => {
    const logits = await mapBatches(
      tensors,
      async (input) => (await runTail.run({ [tensor]: input })).outputs.logits,
    );
    return logits.map(({ data }, i) => ({
      numerator: data.indexOf(Math.max(...data)) === labels[i] ? 100 : 0,
      denominator: 1,
    }));
  };
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
  await runTail.close();
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
  const designed = (name, order0, levelCount, { low, high }, lambda) => {
    const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } };
    const profile = (coder) => ({
      tensors: [designTensorProfile(seen, { quantizer, coder, contextPreference: 'size', backend })],
    });
    return {
      name: `${name}, ${levelCount} levels${lambda ? `, lambda ${lambda}` : ''}`,
      order0,
      lambda,
      table: profile('rans'),
      contexts: profile('rans-contexts'),
    };
  };
  const low = Math.min(0, statistics.low);
  return [
    own,
    ...LAMBDAS.flatMap((lambda) => [
      MODEL_LEVELS.map((levelCount) =>
        designed('model limits', 'b', levelCount, designRange(statistics, { levelCount }), lambda),
      ),
      CALIBRATED_LEVELS.map((levelCount) =>
        designed('calibrated range', 'a', levelCount, { low, high: statistics.high }, lambda),
      ),
    ]),
  ];
}

/** Codes every feature by the coders that belong to a step; what is decoded is the same for all of them. */
function code(features, step) {
  const bytes = {};
  const add = (coder, frame) => {
    bytes[coder] = (bytes[coder] ?? 0) + frame.length;
    return frame;
  };
  const decoded = features.map((feature, i) => {
    if (step.own) {
      const frame = add('a', encodeFrame(feature, { quantizer: step.own, coder: 'rans', backend }));
      if (feature.data.length <= MAX_BINARY_ELEMENTS)
        add('binary', encodeFrame(feature, { quantizer: step.own, coder: 'binary', backend }));
      return decodeFrame(frame, { backend });
    }
    const { lambda } = step;
    const point = { point: 0, sequenceNumber: i, backend };
    if (!lambda) {
      add(step.order0, encodeBundledFrame([feature], { ...point, profile: step.table }));
      const profile = step.contexts;
      return decodeFrame(add('contexts', encodeBundledFrame([feature], { ...point, profile })), {
        backend,
        profiles: new Map([[0, profile]]),
      });
    }
    // Costs are those of the table, and the indices then coded by contexts: the decoder need not know.
    const optimized = decodeFrame(encodeBundledFrame([feature], { ...point, lambda, profile: step.table }), {
      backend,
      profiles: new Map([[0, step.table]]),
    });
    const profile = step.contexts;
    return decodeFrame(add('contexts', encodeBundledFrame([optimized], { ...point, profile })), {
      backend,
      profiles: new Map([[0, profile]]),
    });
  });
  return { decoded, bytes };
}

/** Runs batches of tensors [1, …] and parts the results again. */
async function mapBatches(tensors, run) {
  const results = [];
  for (let from = 0; from < tensors.length; from += BATCH) {
    const part = tensors.slice(from, from + BATCH);
    const size = part[0].data.length;
    const data = new Float32Array(size * BATCH);
    for (const [i, tensor] of part.entries()) data.set(tensor.data, i * size);
    const shape = [BATCH, ...part[0].shape.slice(1)];
    const result = await run({ dtype: 'float32', shape, data });
    const each = result.data.length / BATCH;
    for (let i = 0; i < part.length; i++) {
      results.push({
        dtype: 'float32',
        shape: [1, ...result.shape.slice(1)],
        data: result.data.slice(i * each, (i + 1) * each),
      });
    }
  }
  return results;
}

/** Calibration images, test images and labels of these. */
async function readData(size, normalization) {
  const count = testCounts[size];
  if (size === 32) {
    const all = readFileSync(join(assets, 'cifar10/labels.bin'));
    const step = Math.floor(all.length / count);
    return {
      calibration: await readInputs(assets, size, normalization, CALIBRATION[size], 'train'),
      test: await readInputs(assets, size, normalization, count),
      labels: Array.from({ length: count }, (_, i) => all[i * step]),
    };
  }
  const all = JSON.parse(readFileSync(join(assets, 'imagenet/labels.json'), 'utf8'));
  const total = count + CALIBRATION[size];
  const inputs = await readInputs(assets, size, normalization, total);
  const step = Math.floor(all.length / total);
  const labels = inputs.map((_, i) => all[i * step].label);
  const distance = Math.floor(total / CALIBRATION[size]);
  const isCalibration = (_, i) => i % distance === 0 && i / distance < CALIBRATION[size];
  const isTest = (_, i) => !isCalibration(_, i);
  return {
    calibration: inputs.filter(isCalibration),
    test: inputs.filter(isTest),
    labels: labels.filter(isTest),
  };
}
