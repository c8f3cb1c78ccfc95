/**
 * Top-1 accuracy through the tails of the classification networks of the evaluation set: what a coded feature costs in
 * accuracy. Calibration images are not among the test images.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel } from '@featherwire/authoring';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';
import { findAssets, NETWORKS, readInputs } from './real-features.mjs';

const BATCH = 20;
/** Calibration images by the width of a network's input. */
export const CALIBRATION = { 32: 100, 224: 40 };

/**
 * The split tensors, one after the other.
 * @param testCounts - test images by the width of a network's input; networks of other widths are left out
 * @param isWanted - called with network and tensor
 */
export async function* splitTensors(testCounts, isWanted) {
  const assets = findAssets();
  for (const [network, size, normalization, tensors] of NETWORKS) {
    const wanted = tensors.filter((tensor) => size in testCounts && isWanted(network, tensor));
    if (wanted.length === 0) continue;
    const data = await readData(assets, size, normalization, testCounts[size]);
    const model = await loadModel(join(assets, 'models', `${network}.onnx`), {
      input: [BATCH, 3, size, size],
    });
    for (const tensor of wanted) yield* openTensor(network, model, tensor, data);
  }
}

/** Features of calibration and test images, and the way from features to answers. */
async function* openTensor(network, model, tensor, { calibration, test, labels }) {
  const { head, tail } = splitModel(model.model, [tensor], { shapes: model.shapes });
  const headSession = await createLocalSession(serializeModel(head), { intraOpThreads: 2 });
  const run = (inputs) =>
    mapBatches(inputs, async (input) => (await headSession.run({ input })).outputs[tensor]);
  const [seen, features] = [await run(calibration), await run(test)];
  await headSession.close();
  const tailSession = await createLocalSession(serializeModel(tail), { intraOpThreads: 2 });
  const answer = async (tensors) =>
    (
      await mapBatches(tensors, async (input) => (await tailSession.run({ [tensor]: input })).outputs.logits)
    ).map(({ data }) => data);
  /** 100 for each right answer, 0 for others, as ratios for the intervals of `eval`. */
  const score = (logits) =>
    logits.map((data, i) => {
      const isRight = data.indexOf(Math.max(...data)) === labels[i];
      return { numerator: isRight ? 100 : 0, denominator: 1 };
    });
  const classify = async (tensors) => score(await answer(tensors));
  yield { network, tensor, seen, features, answer, score, classify };
  await tailSession.close();
}

/** Mean divergence of Kullback and Leibler, in natural units, of the classes' probabilities from those of other logits. */
export function meanDivergence(logits, wholeLogits) {
  const sum = logits.reduce((total, own, i) => {
    const [p, q] = [logProbabilities(wholeLogits[i]), logProbabilities(own)];
    return total + p.reduce((divergence, logP, k) => divergence + Math.exp(logP) * (logP - q[k]), 0);
  }, 0);
  return sum / logits.length;
}

function logProbabilities(logits) {
  const highest = Math.max(...logits);
  const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
  return Array.from(logits, (logit) => logit - highest - logSum);
}

/** Runs batches of tensors [1, …] and parts the results again. */
async function mapBatches(tensors, run) {
  const results = [];
  for (let from = 0; from < tensors.length; from += BATCH) {
    const part = tensors.slice(from, from + BATCH);
    const size = part[0].data.length;
    const data = new Float32Array(size * BATCH);
    for (const [i, tensor] of part.entries()) data.set(tensor.data, i * size);
    const result = await run({ dtype: 'float32', shape: [BATCH, ...part[0].shape.slice(1)], data });
    const each = result.data.length / BATCH;
    for (let i = 0; i < part.length; i++) {
      const own = result.data.slice(i * each, (i + 1) * each);
      results.push({ dtype: 'float32', shape: [1, ...result.shape.slice(1)], data: own });
    }
  }
  return results;
}

async function readData(assets, size, normalization, count) {
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
