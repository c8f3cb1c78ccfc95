/**
 * Trains bottleneck units on the CIFAR-10 networks of the evaluation set and measures them. Training sees the training
 * images alone: the head runs once on each image and on flipped and shifted copies of it, and labels are not used.
 * Afterwards the latent is quantized and coded by a profile made on training images; bytes are those of whole bundled
 * frames of the test images, accuracy is that of the real tail on what restoration makes of the decoded frames.
 *
 * Each run of the plan that has no row in the results yet is trained, and the results are written after each. A run that
 * was stopped goes on from its checkpoint.
 *
 * Usage: npm run build && node bench/train-units.mjs [--only stage2-labels] [--out results/train-units.json]
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { loadModel } from '@featherwire/authoring';
import { decodeFrame, encodeBundledFrame, loadBackend, writeProfile } from '@featherwire/codec';
import { bootstrapDifference } from '@featherwire/eval';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';
import {
  cacheLayoutOf,
  createFeatureCache,
  createSeparableUnit,
  createTargetModel,
  createTrainingStep,
  designLatentProfile,
  exportUnit,
  initialState,
  LATENT_NAME,
  targetName,
} from '@featherwire/train';
import { identityOfRun, prepareModel, readCheckpoint, trainUnit } from '@featherwire/train/node';
import { findAssets } from './real-features.mjs';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const BATCH = 32;
const CLASSES = 10;
/** Largest shift of an augmented copy in pixels. */
const MAX_SHIFT = 3;
/** Training items whose latents the coding profile is made from. */
const PROFILE_ITEMS = 2000;
const REPORT_SECONDS = 20;
const CHECKPOINT_STEPS = 200;

/**
 * What is trained. Without labels first, which any network has; `until` stops there, in the middle of the schedule. Then
 * from these parameters with the labels of the training images.
 */
const PLAN = [
  { id: 'stage2-distilled', steps: 5000, until: 2800, freeBits: 1680, distortion: { logits: 1, stage3: 10 } },
  {
    id: 'stage2-labels',
    start: 'stage2-distilled',
    steps: 2300,
    freeBits: 1740,
    learningRate: 1.5e-3,
    roundedShare: 0.7,
    distortion: { logits: 0.3, stage3: 3 },
    labelWeight: 10,
  },
  {
    id: 'stage2-labels-smaller',
    start: 'stage2-labels',
    steps: 3600,
    freeBits: 1600,
    learningRate: 1.5e-3,
    roundedShare: 0.8,
    distortion: { logits: 0.3, stage3: 3 },
    labelWeight: 10,
  },
  {
    id: 'stage2-labels-longer',
    start: 'stage2-labels-smaller',
    steps: 2400,
    freeBits: 1560,
    learningRate: 1.2e-3,
    roundedShare: 1,
    distortion: { logits: 0.3, stage3: 3 },
    labelWeight: 10,
  },
].map((run) => ({
  network: 'resnet56_cifar10',
  tensor: 'stage2',
  stride: 2,
  latentChannels: 12,
  width: 64,
  blocks: 2,
  lambda: 5e-3,
  copies: 2,
  learningRate: 2e-3,
  roundedShare: 0.4,
  seed: 1,
  ...run,
}));

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    out: { type: 'string', default: 'results/train-units.json' },
  },
});
const backend = await loadBackend();
const assets = findAssets();
const checkpoints = '.featherwire/train-units';
mkdirSync(checkpoints, { recursive: true });
const results = existsSync(options.out) ? JSON.parse(readFileSync(options.out, 'utf8')) : { rows: [] };
for (const run of PLAN) {
  if (options.only && options.only !== run.id) continue;
  if (results.rows.some(({ id }) => id === run.id)) continue;
  const row = await trainAndMeasure(run);
  results.rows = [...results.rows, row];
  const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
  const content = { command: 'node bench/train-units.mjs', machine, rows: results.rows };
  writeFileSync(`${options.out}.unfinished`, `${JSON.stringify(content, null, 1)}\n`);
  renameSync(`${options.out}.unfinished`, options.out);
}

async function trainAndMeasure(run) {
  const { network, tensor, copies, seed } = run;
  const file = join(assets, 'models', `${network}.onnx`);
  const model = await loadModel(file, { input: [BATCH, 3, 32, 32] });
  const { head, tail, cut } = splitModel(model.model, [tensor], { shapes: model.shapes });
  const featureShape = cut[0].shape.slice(1);
  const prepared = await prepareModel(tail, { [tensor]: [BATCH, ...featureShape] });
  const unit = createSeparableUnit({ ...run, featureShape, rectified: true });
  const step = createTrainingStep({
    tail: prepared,
    cut: tensor,
    unit,
    distortion: [
      ...Object.entries(run.distortion).map(([at, weight]) => ({
        kind: 'squared-error',
        tensor: at,
        weight,
      })),
      ...(run.labelWeight ? [{ kind: 'labels', tensor: 'logits', weight: run.labelWeight }] : []),
    ],
  });
  const runHead = await runner(serializeModel(head), 'input', tensor);
  const runTail = await runner(serializeModel(tail), tensor, 'logits');
  const teacher = await createLocalSession(serializeModel(createTargetModel(prepared, step)));

  const images = readImages('train-images.bin.gz');
  const trainLabels = readFileSync(join(assets, 'cifar10/train-labels.bin'));
  /** One-hot rows of the items from a number on. */
  const labelsFrom = (from) => {
    const data = new Float32Array(BATCH * CLASSES);
    for (let i = 0; i < BATCH; i++) data[i * CLASSES + trainLabels[(from + i) % images.count]] = 1;
    return { dtype: 'float32', shape: [BATCH, CLASSES], data };
  };
  const cache = createFeatureCache(cacheLayoutOf(step, featureShape), images.count * copies);
  for (let from = 0; from < cache.count; from += BATCH) {
    const feature = await runHead(batchOf(images, from, cache.count, seed));
    const { outputs } = await teacher.run({ [tensor]: feature });
    const truth = run.labelWeight ? { [targetName('labels', 'logits')]: labelsFrom(from) } : {};
    const columns = Object.entries({ [tensor]: feature, ...outputs, ...truth });
    for (let i = 0; i < Math.min(BATCH, cache.count - from); i++)
      cache.set(from + i, Object.fromEntries(columns.map(([name, value]) => [name, itemOf(value, i)])));
  }
  log(`${run.id}: ${cache.count} items, ${(cache.bytes / 2 ** 20).toFixed(0)} MiB of features`);

  const started = performance.now();
  let shown = 0;
  const history = [];
  const stop = new AbortController();
  const settings = {
    step,
    lambda: run.lambda,
    freeBits: run.freeBits,
    seed,
    schedule: {
      stepCount: run.steps,
      learningRate: run.learningRate,
      warmUpSteps: 200,
      roundedShare: run.roundedShare,
    },
    ...(run.start && { start: readParameters(run.start) }),
    checkpoint: { file: join(checkpoints, run.id), everySteps: CHECKPOINT_STEPS },
  };
  const parameters = await trainUnit({
    ...settings,
    data: cache,
    signal: stop.signal,
    onStep({ step: done, loss, distortion, rate }) {
      if (done >= run.until) stop.abort();
      const now = performance.now();
      if (done % Math.ceil(run.steps / 20) === 0)
        history.push({ step: done, distortion: rounded(distortion), bits: rounded(rate) });
      if (now - shown < REPORT_SECONDS * 1000 && done < run.steps) return;
      shown = now;
      log(
        `${run.id}: step ${done} of ${run.until ?? run.steps}, loss ${loss.toFixed(4)}, ` +
          `distortion ${distortion.toFixed(4)}, ${(rate / 8).toFixed(1)} bytes, ${((now - started) / 1000).toFixed(0)} s`,
      );
    },
  }).then(
    (state) => state.parameters,
    (error) => {
      if (stop.signal.aborted) return stoppedParameters(settings);
      throw error;
    },
  );
  writeFileSync(join(checkpoints, `${run.id}.parameters`), new Uint8Array(parameters.buffer));
  const trainingSeconds = Math.round((performance.now() - started) / 1000);
  const { reduction, restoration } = exportUnit(unit, parameters, tensor, BATCH);
  const runReduction = await runner(serializeModel(reduction), tensor, LATENT_NAME);
  const runRestoration = await runner(serializeModel(restoration), LATENT_NAME, tensor);

  const seen = [];
  for (let from = 0; from < PROFILE_ITEMS; from += BATCH) {
    const items = Uint32Array.from({ length: BATCH }, (_, i) => from + i);
    const latent = await runReduction(cache.batch(items)[tensor]);
    for (let i = 0; i < BATCH; i++) seen.push(itemOf(latent, i));
  }
  const test = readImages('images.bin');
  const labels = readFileSync(join(assets, 'cifar10/labels.bin'));
  const coders = [{ coder: 'rans-contexts' }, { coder: 'rans', maxLevels: 64 }].flatMap((coding) =>
    [0, 0.1, 0.2, 0.3].map((rdo) => ({
      ...coding,
      rdo,
      profile: designLatentProfile(seen, { ...coding, backend }),
    })),
  );
  const measured = coders.map(() => ({ bytes: 0, right: [] }));
  const whole = [];
  for (let from = 0; from < test.count; from += BATCH) {
    const here = Math.min(BATCH, test.count - from);
    const feature = await runHead(batchOf(test, from, test.count, seed));
    const isRight = (logits, i) => ratio(bestOf(itemOf(logits, i)) === labels[from + i]);
    const uncut = await runTail(feature);
    for (let i = 0; i < here; i++) whole.push(isRight(uncut, i));
    const latent = await runReduction(feature);
    for (const [c, { profile, rdo }] of coders.entries()) {
      const decoded = Float32Array.from(latent.data);
      for (let i = 0; i < here; i++) {
        const frame = encodeBundledFrame([itemOf(latent, i)], {
          point: 0,
          sequenceNumber: from + i,
          profile,
          lambda: rdo,
          backend,
        });
        measured[c].bytes += frame.length;
        const back = decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) });
        decoded.set(back.data, i * back.data.length);
      }
      const logits = await runTail(await runRestoration({ ...latent, data: decoded }));
      for (let i = 0; i < here; i++) measured[c].right.push(isRight(logits, i));
    }
  }
  const accuracy = (answers) =>
    rounded(answers.reduce((sum, { numerator }) => sum + numerator, 0) / answers.length);
  const points = coders.map(({ coder, rdo, profile }, c) => {
    const { bytes, right } = measured[c];
    const loss = bootstrapDifference(right, whole);
    return {
      coder,
      rateDistortionLambda: rdo,
      bytesPerImage: rounded(bytes / test.count),
      accuracy: accuracy(right),
      loss: rounded(loss.value),
      interval: [rounded(loss.low), rounded(loss.high)],
      profileBytes: writeProfile(profile).length,
    };
  });
  for (const point of points) log(`${run.id}: ${JSON.stringify(point)}`);
  return {
    ...run,
    latentShape: unit.latentShape,
    parameters: parameters.length,
    trainingSeconds,
    accuracy: accuracy(whole),
    points,
    history,
  };
}

/** Parameters that a run has ended with. */
function readParameters(id) {
  const bytes = readFileSync(join(checkpoints, `${id}.parameters`));
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Parameters of a run that was stopped at a step which has a checkpoint. */
async function stoppedParameters({ step, checkpoint, ...settings }) {
  const begin = initialState(step, settings.seed);
  return (await readCheckpoint(checkpoint.file, identityOfRun(step, settings, begin))).parameters;
}

/** A session that takes one tensor to another. */
async function runner(model, input, output) {
  const session = await createLocalSession(model);
  return async (value) => (await session.run({ [input]: value })).outputs[output];
}

function readImages(name) {
  const file = readFileSync(join(assets, 'cifar10', name));
  const bytes = name.endsWith('.gz') ? gunzipSync(file) : file;
  return { bytes, count: bytes.length / 3072 };
}

/** Items from a number on as a batch; item k is copy floor(k / count) of image k modulo count. */
function batchOf({ bytes, count }, from, itemCount, seed) {
  const data = new Float32Array(BATCH * 3072);
  for (let row = 0; row < BATCH; row++) {
    const item = Math.min(from + row, itemCount - 1);
    const copy = Math.floor(item / count);
    placeImage(bytes, (item % count) * 3072, variation(item, copy, seed), data, row * 3072);
  }
  return { dtype: 'float32', shape: [BATCH, 3, 32, 32], data };
}

/** Copy 0 is the image, copy 1 its mirror image, further copies are shifted. */
function variation(item, copy, seed) {
  if (copy < 2) return { mirrored: copy === 1, dx: 0, dy: 0 };
  const hash = Math.imul(item ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b) >>> 8;
  const span = 2 * MAX_SHIFT + 1;
  return {
    mirrored: (hash & 1) === 1,
    dx: ((hash >> 1) % span) - MAX_SHIFT,
    dy: ((hash >> 9) % span) - MAX_SHIFT,
  };
}

/** Normalized channels of an image; what a shift leaves open is black. */
function placeImage(bytes, start, { mirrored, dx, dy }, data, at) {
  for (let y = 0; y < 32; y++) {
    for (let x = 0; x < 32; x++) {
      const [fromX, fromY] = [(mirrored ? 31 - x : x) + dx, y + dy];
      const isInside = fromX >= 0 && fromX < 32 && fromY >= 0 && fromY < 32;
      for (let c = 0; c < 3; c++) {
        const byte = isInside ? bytes[start + (fromY * 32 + fromX) * 3 + c] : 0;
        data[at + c * 1024 + y * 32 + x] = (byte / 255 - MEAN[c]) / STD[c];
      }
    }
  }
}

function itemOf({ dtype, shape, data }, i) {
  const size = data.length / shape[0];
  return { dtype, shape: [1, ...shape.slice(1)], data: data.slice(i * size, (i + 1) * size) };
}

function bestOf({ data }) {
  return data.indexOf(Math.max(...data));
}

function ratio(isRight) {
  return { numerator: isRight ? 100 : 0, denominator: 1 };
}

function rounded(value) {
  return Number(value.toFixed(3));
}

function log(line) {
  process.stderr.write(`${line}\n`);
}
