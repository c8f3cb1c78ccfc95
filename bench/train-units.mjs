/**
 * Trains bottleneck units and measures them, on networks whose parameters never change: the CIFAR-10 networks and
 * MobileNetV2 of the evaluation set and the text recognizer of the demo. The head runs once on each training input and
 * copy; inputs of the test play no part before the last measurement: what the table may choose among is compared on
 * inputs held out of training. Bytes are those of whole bundled frames, accuracy is that of the real tail on what
 * restoration makes of the decoded frames.
 *
 * Each run of the plan that has no row in the results yet is trained, and the results are written after each. A run that
 * was stopped goes on from its checkpoint.
 *
 * Usage: npm run build && node bench/train-units.mjs [--only stage2] [--threads 2] [--out results/train-units.json]
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel } from '@featherwire/authoring';
import { loadBackend } from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';
import {
  createPooledUnit,
  createPyramidUnit,
  createTargetModel,
  createTrainingStep,
  designLatentProfile,
  exportUnit,
  initialState,
  LATENT_NAME,
  trainedParameters,
} from '@featherwire/train';
import { identityOfRun, prepareModel, readCheckpoint, trainUnit } from '@featherwire/train/node';
import { findAssets } from './real-features.mjs';
import { openCifar10 } from './train-units/cifar10.mjs';
import { itemsOf } from './train-units/classes.mjs';
import { codingsOf } from './train-units/codings.mjs';
import { featuresOf, targetsOf } from './train-units/features.mjs';
import { openImagenet } from './train-units/imagenet.mjs';
import { measureUnit, rounded } from './train-units/measure.mjs';
import { PLAN } from './train-units/plan.mjs';
import { openTextLines } from './train-units/text-lines.mjs';
import { trainingFreeCodings } from './train-units/training-free.mjs';

/** Training items whose latents the coding profile is made from. */
const PROFILE_ITEMS = 8000;
const REPORT_SECONDS = 20;
const CHECKPOINT_STEPS = 200;
const HISTORY_LENGTH = 20;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    // More than one end in other bits from run to run.
    threads: { type: 'string', default: '1' },
    out: { type: 'string', default: 'results/train-units.json' },
  },
});
const backend = await loadBackend();
const assets = findAssets();
const directory = '.featherwire/train-units';
mkdirSync(directory, { recursive: true });
const results = existsSync(options.out) ? JSON.parse(readFileSync(options.out, 'utf8')) : { rows: [] };
for (const run of PLAN) {
  if (options.only && options.only !== run.id) continue;
  if (results.rows.some(({ id }) => id === run.id)) continue;
  const row = await rowOf(run);
  const order = PLAN.map(({ id }) => id);
  results.rows = [...results.rows, row].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
  const content = { command: 'node bench/train-units.mjs', machine, rows: results.rows };
  writeFileSync(`${options.out}.unfinished`, `${JSON.stringify(content, null, 1)}\n`);
  renameSync(`${options.out}.unfinished`, options.out);
}
process.exit(0);

/** A row of the results. */
async function rowOf(run) {
  const place = await openCut(run);
  const training = await place.features('train', run.copies);
  if (run.freeSteps) return measureTrainingFree(run, place, training);
  const { shape } = place;
  const unit = createUnit(run, shape);
  const tail = await prepareModel(place.tail, { [run.tensor]: [run.batch, ...shape] });
  const step = createTrainingStep({
    tail,
    cut: run.tensor,
    unit,
    distortion: run.distortion,
    targets: run.targets,
    rate: run.rate,
    latentSteps: run.stepSizes ? 'by-item' : 'one',
  });
  const data = dataOf(place.subject, step, training, {
    shape,
    deeper: await place.targets(training, { tail, step, copies: run.copies }),
  });
  const { parameters, ...course } = await train(run, step, data, place.report);
  const row = {
    ...run,
    featureShape: shape,
    latentShape: unit.latentShape,
    parameters: parameters.length,
    ...course,
  };
  return run.isStart
    ? row
    : { ...row, ...(await measureTrained(run, place, training, { unit, parameters })) };
}

/** The network cut in two, and features of its inputs. */
async function openCut({ id, network, tensor, batch, variety }) {
  const report = (line) => process.stderr.write(`${id}: ${line}\n`);
  const subject = await openSubject(network, variety);
  const model = await loadModel(subject.model, { [subject.input]: [batch, ...subject.inputShape] });
  const { head, tail, cut } = splitModel(model.model, [tensor], { shapes: model.shapes });
  const runHead = await passOf(head, subject.input, tensor);
  const runTail = await passOf(tail, tensor, subject.output);
  const file = join(directory, `${network}-${tensor}`);
  const fileOf = (split) => `${file}${variety && split === 'train' ? `-${variety}` : ''}-${split}`;
  const shape = cut[0].shape.slice(1);
  const features = (split, copies) =>
    featuresOf({ subject, split, copies, batch, file: fileOf(split), runHead, runTail, log: report });
  const targets = (training, { tail, step, copies }) =>
    targetsOf({
      features: training,
      copies,
      shape,
      targets: step.targets.filter(({ tensor }) => tensor !== subject.output),
      file: fileOf('train'),
      batch,
      open: () => passesOf(createTargetModel(tail, step), tensor),
      log: report,
    });
  return { subject, tail, shape, runTail, features, targets, report };
}

async function measureTrained(run, place, training, { unit, parameters }) {
  const { tensor, batch } = run;
  const { reduction, restoration } = exportUnit(unit, parameters, tensor, batch);
  const reduce = await passOf(reduction, tensor, LATENT_NAME);
  const restore = await passOf(restoration, LATENT_NAME, tensor);
  const seen = [];
  for (let from = 0; from + batch <= Math.min(PROFILE_ITEMS, training.count); from += batch) {
    const items = Array.from({ length: batch }, (_, i) => from + i);
    const latent = await reduce(training.feature(items, place.shape));
    for (let row = 0; row < batch; row++) seen.push(itemsOf(latent, row));
  }
  const codings = codingsOf(run).map((coding) => ({
    ...coding,
    profile: designLatentProfile(seen, { ...coding.design, backend }),
  }));
  return measureCodings(run, place, codings, { reduce, restore });
}

async function measureTrainingFree(run, place, training) {
  const { shape } = place;
  const codings = trainingFreeCodings({ training, shape, steps: run.freeSteps, backend });
  const asIs = async (value) => value;
  const row = { ...run, featureShape: shape };
  return { ...row, ...(await measureCodings(run, place, codings, { reduce: asIs, restore: asIs })) };
}

async function measureCodings({ batch }, { subject, shape, runTail, features, report }, codings, passes) {
  const measured = {};
  for (const split of ['heldOut', 'test']) {
    measured[split] = await measureUnit({
      subject,
      split,
      features: await features(split, 1),
      shape,
      batch,
      codings,
      passes: { ...passes, tail: runTail },
      backend,
    });
    for (const [c, point] of measured[split].points.entries())
      report(`${split}, ${codings[c].name}: ${JSON.stringify(point)} of ${measured[split].whole}`);
  }
  const { metric, isError = false, counts } = subject;
  return { metric, isError, items: counts, codings: codings.map(({ name }) => name), ...measured };
}

function openSubject(network, variety) {
  if (network === 'ppocr_rec') return openTextLines();
  return network.startsWith('mobilenet')
    ? openImagenet(assets, network, variety)
    : openCifar10(assets, network);
}

function createUnit({ unit }, featureShape) {
  return unit.levels
    ? createPyramidUnit({ ...unit, featureShape })
    : createPooledUnit({ ...unit, featureShape });
}

/** Batches with the targets that the step is given. @param deeper - targets inside the tail, by name */
function dataOf(subject, step, features, { shape, deeper }) {
  return {
    count: features.count,
    batch(items) {
      const list = [...items];
      const targets = step.targets.map(({ name, kind }) => {
        if (kind === 'labels') return [name, subject.labels('train', list)];
        return [name, deeper.get(name)?.(list) ?? features.output(list)];
      });
      return { [step.cut]: features.feature(list, shape), ...Object.fromEntries(targets) };
    },
  };
}

async function train(run, step, data, report) {
  const started = performance.now();
  const history = [];
  const sums = { distortion: 0, rate: 0, steps: 0 };
  const every = Math.ceil(run.schedule.stepCount / HISTORY_LENGTH);
  let shown = 0;
  const stop = new AbortController();
  const settings = {
    step,
    schedule: run.schedule,
    lambda: run.lambda,
    freeBits: run.freeBits,
    stepSizes: run.stepSizes,
    seed: run.seed,
    ...(run.start && { start: startOf(run, step) }),
    checkpoint: { file: join(directory, run.id), everySteps: CHECKPOINT_STEPS },
  };
  const training = trainUnit({
    ...settings,
    data,
    threads: Number(options.threads),
    signal: stop.signal,
    onStep({ step: done, stepCount, distortion, rate }) {
      if (done >= run.until) stop.abort();
      sums.distortion += distortion;
      sums.rate += rate;
      sums.steps++;
      if (done % every !== 0 && done !== stepCount) return;
      const mean = {
        distortion: rounded(sums.distortion / sums.steps),
        bits: rounded(sums.rate / sums.steps),
      };
      history.push({ step: done, ...mean });
      Object.assign(sums, { distortion: 0, rate: 0, steps: 0 });
      const now = performance.now();
      if (now - shown < REPORT_SECONDS * 1000 && done < stepCount) return;
      shown = now;
      const seconds = ((now - started) / 1000).toFixed(0);
      report(
        `step ${done} of ${stepCount}, distortion ${mean.distortion}, ${(mean.bits / 8).toFixed(1)} bytes, ${seconds} s`,
      );
    },
  });
  const parameters = await training.then(trainedParameters, (error) => {
    if (stop.signal.aborted) return stoppedParameters(settings);
    throw error;
  });
  writeFileSync(parametersFile(run.id), new Uint8Array(parameters.buffer));
  return { parameters, history, trainingSeconds: Math.round((performance.now() - started) / 1000) };
}

/** Parameters of a run that was stopped at a step which has a checkpoint. */
async function stoppedParameters({ step, checkpoint, start, ...settings }) {
  const begin = { ...initialState(step, settings.seed), ...(start && { parameters: start }) };
  return trainedParameters(await readCheckpoint(checkpoint.file, identityOfRun(step, settings, begin)));
}

function parametersFile(id) {
  return join(directory, `${id}.parameters`);
}

/** Those that the run before has ended with; what only this run's estimate of the rate learns comes after them and is new. */
function startOf({ start, seed, tensor, unit }, step) {
  const before = PLAN.find(({ id }) => id === start);
  if (before.tensor !== tensor || JSON.stringify(before.unit) !== JSON.stringify(unit))
    throw new RangeError(`start expected a run of the same unit, got '${start}'`);
  const { parameters } = initialState(step, seed);
  parameters.set(readParameters(start).subarray(0, parameters.length));
  return parameters;
}

/** Parameters that a run has ended with. */
function readParameters(id) {
  return new Float32Array(Uint8Array.from(readFileSync(parametersFile(id))).buffer);
}

/** A model as a function from one tensor to another. */
async function passOf(model, input, output) {
  const run = await passesOf(model, input);
  return async (value) => (await run(value))[output];
}

/** A model as a function from one tensor to all of its outputs, by name. */
async function passesOf(model, input) {
  const session = await createLocalSession(serializeModel(model), { intraOpThreads: 1 });
  return async (value) => (await session.run({ [input]: value })).outputs;
}
