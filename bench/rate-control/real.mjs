/**
 * The same frames with nothing simulated but the link: four crops at once through ResNet-20, its head in a worker thread, a
 * tail server, and a lab between them that plays the trace by the clock of the machine. Needs the evaluation networks.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadModel, splitToBundle } from '@featherwire/authoring';
import { addOperatingPoints, readBundle } from '@featherwire/bundle/node';
import { decodeFrame, encodeFrame, loadBackend } from '@featherwire/codec';
import { createWorkerSession } from '@featherwire/inference/node';
import { createBudgetedClient, createEdgeClient, createWebSocketTransport } from '@featherwire/runtime';
import { createTailServer, startLinkLab } from '@featherwire/runtime/node';
import { WebSocket } from 'ws';
import { clipLimits, findAssets, readInputs } from '../real-features.mjs';

export const NETWORK = 'resnet20_cifar10';
export const CUT = 'stem';
const SIZE = 32;
/** Images of a frame. */
const CROPS = 4;
const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const LEVEL_COUNTS = [2, 3, 4, 6, 8, 16, 32];
const FRAMES = 60;
const WARM_UP = 10;
/** Longer than any outage of the trace. */
const TIMEOUT_MS = 20_000;

/** @returns the setting for `summarize`, as measured, and the frames in the order of `simulate` */
export async function runReal({ link, budgetMs, intervalMs, lengthMs, log }) {
  const assets = findAssets();
  const backend = await loadBackend();
  const directory = mkdtempSync(join(tmpdir(), 'rate-control-'));
  const closing = [() => rmSync(directory, { recursive: true })];
  try {
    const model = await loadModel(join(assets, 'models', `${NETWORK}.onnx`), {
      input: [CROPS, 3, SIZE, SIZE],
    });
    const path = join(directory, 'bundle');
    const { bundle: split } = await splitToBundle(model, { tensors: [CUT], directory: path });
    const head = await createWorkerSession(split.partPath('head'));
    closing.unshift(() => head.close());
    const images = await readInputs(assets, SIZE, NORMALIZATION, CROPS * FRAMES);
    const inputs = Array.from({ length: FRAMES }, (_, i) =>
      stacked(images.slice(CROPS * i, CROPS * (i + 1))),
    );
    const measured = await measurePoints(split, head, inputs, backend, closing);
    await addOperatingPoints(path, measured.points);
    log(
      measured.points
        .map(({ id, measured: { bytesPerSample, loss } }) => `${id}: ${bytesPerSample} B, ${loss.value}`)
        .join('; '),
    );
    const bundle = await readBundle(path);
    const server = await createTailServer({ bundles: [bundle] });
    closing.unshift(() => server.close({ drainTimeoutMs: 0 }));
    const edge = (url) => {
      const transport = createWebSocketTransport({ url, WebSocket });
      closing.unshift(() => transport.close());
      return createEdgeClient({ bundle, head, transport, backend, retry: { maxAttempts: 1 } });
    };
    const times = await measureTimes(edge(server.streamUrl), inputs, measured.points);
    log(`device ${times.deviceMs.toFixed(1)} ms, server ${times.serverMs.toFixed(1)} ms`);
    const lab = await startLinkLab({ link, target: { host: '127.0.0.1', port: server.address.port } });
    closing.unshift(() => lab.close());
    const client = createBudgetedClient({
      client: edge(`ws://127.0.0.1:${lab.port}/v1/stream`),
      bundle,
      budgetMs,
    });
    const frames = await play({ client, inputs, answers: measured.answers, intervalMs, lengthMs, log });
    const points = measured.points.map(({ id, measured: { bytesPerSample, loss } }) => ({
      ...{ id, bytes: bytesPerSample, loss: loss.value },
    }));
    return { setting: { link, points, budgetMs, intervalMs, lengthMs, unsplit: 100, ...times }, frames };
  } finally {
    for (const close of closing) await close();
  }
}

/** Bytes of each point, and the points of agreement with the unsplit network that it loses. */
async function measurePoints(bundle, head, inputs, backend, closing) {
  const tail = await createWorkerSession(bundle.partPath('tail'));
  closing.unshift(() => tail.close());
  const [output] = bundle.manifest.outputs;
  const classesOf = ({ outputs }) => largestOfCrops(outputs[output.name].data);
  const features = [];
  for (const input of inputs) features.push((await head.run({ input })).outputs[CUT]);
  const answers = [];
  for (const feature of features) answers.push(classesOf(await tail.run({ [CUT]: feature })));
  const { high } = clipLimits(features);
  const points = [];
  for (const levelCount of LEVEL_COUNTS) {
    const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high } };
    let [bytes, agreed] = [0, 0];
    for (const [i, feature] of features.entries()) {
      const frame = encodeFrame(feature, { quantizer, backend });
      bytes += frame.length;
      const coded = classesOf(await tail.run({ [CUT]: decodeFrame(frame, { backend }) }));
      agreed += agreementOf(coded, answers[i]);
    }
    const value = (100 * agreed) / features.length;
    points.push({
      ...{ id: `levels-${levelCount}`, kind: 'described', coding: [{ tensor: CUT, quantizer }] },
      measured: {
        bytesPerSample: Math.round(bytes / features.length),
        metric: { name: 'agreement', value: value / 100 },
        loss: { value: 100 - value, interval: [100 - value, 100 - value], confidence: 0.95 },
        ...{ data: 'CIFAR-10', sampleCount: features.length },
      },
    });
  }
  return { points, answers };
}

/** Of both ends without a shaped link, medians of all points. */
async function measureTimes(client, inputs, points) {
  const results = [];
  for (let i = 0; i < WARM_UP + inputs.length; i++) {
    const input = inputs[i % inputs.length];
    const result = await client.infer({ input }, { coding: points[i % points.length].id });
    if (i >= WARM_UP) results.push(result.times);
  }
  const median = (value) => results.map(value).sort((a, b) => a - b)[results.length >> 1];
  return {
    deviceMs: median(({ headMs, encodeMs, readMs }) => headMs + encodeMs + readMs),
    serverMs: median(({ queueMs, decodeMs, tailMs, respondMs }) => queueMs + decodeMs + tailMs + respondMs),
  };
}

async function play({ client, inputs, answers, intervalMs, lengthMs, log }) {
  const frames = [];
  const begun = performance.now();
  let isBusy = false;
  const send = async (frame, index) => {
    isBusy = true;
    const started = performance.now();
    try {
      const { choice, outputs, bytes } = await client.infer(
        { input: inputs[index] },
        { timeoutMs: TIMEOUT_MS },
      );
      const [answer] = Object.values(outputs);
      frame.point = choice.point;
      frame.totalMs = performance.now() - started;
      frame.bytes = bytes.sent;
      frame.agreement = agreementOf(largestOfCrops(answer.data), answers[index]);
    } catch (error) {
      frame.failed = error.code ?? error.message;
    } finally {
      isBusy = false;
    }
  };
  for (let i = 0; i * intervalMs < lengthMs; i++) {
    const atMs = i * intervalMs;
    await sleep(Math.max(0, begun + atMs - performance.now()));
    const frame = { atMs, point: null, totalMs: Number.POSITIVE_INFINITY };
    frames.push(frame);
    if (!isBusy) void send(frame, i % inputs.length);
    if (i % 300 === 0) log(`${Math.round(atMs / 1000)} s`);
  }
  while (isBusy) await sleep(intervalMs);
  return frames;
}

/** Inputs of one image each as one input. */
function stacked(images) {
  const data = new Float32Array(images.length * images[0].data.length);
  images.forEach((image, i) => {
    data.set(image.data, i * image.data.length);
  });
  return { dtype: 'float32', shape: [images.length, ...images[0].shape.slice(1)], data };
}

/** The class of each crop from the scores of all. */
function largestOfCrops(scores) {
  const classes = scores.length / CROPS;
  return Array.from({ length: CROPS }, (_, crop) => {
    const own = scores.subarray(crop * classes, (crop + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}

/** Share of the crops that have the same class. */
function agreementOf(classes, expected) {
  return classes.filter((value, i) => value === expected[i]).length / expected.length;
}
