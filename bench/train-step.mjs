/**
 * The time of a training step beside what its convolutions alone would take: a frozen tail of 6 residual blocks (12
 * convolutions 3 × 3, 128 to 128 channels, 28 × 28), batch 8, and a unit with a stride of 2 and 16 latent channels. The
 * lower bound is a model that holds nothing but the tail's convolutions, once forward and once backward. Rounds alternate
 * in one process; times are CPU time of one thread, which other work on the machine disturbs least.
 *
 * Usage: npm run build && node bench/train-step.mjs [--rounds 15] > results/train-step.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { createLocalSession } from '@featherwire/inference/node';
import { modelOfRecord, serializeModel } from '@featherwire/onnx';
import { createRandom } from '@featherwire/tensor';
import {
  createSeparableUnit,
  createTrainingStep,
  initialState,
  STEP_INPUT,
  targetName,
} from '@featherwire/train';
import { prepareModel } from '@featherwire/train/node';

const BATCH = 8;
const CHANNELS = 128;
const SIDE = 28;
const BLOCKS = 6;
const SHAPE = [BATCH, CHANNELS, SIDE, SIDE];

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const random = createRandom(1);
const normals = (shape, spread) => {
  const count = shape.reduce((product, length) => product * length, 1);
  return {
    dtype: 'float32',
    shape,
    data: Float32Array.from({ length: count }, () => spread * random.nextNormal()),
  };
};
const weight = () => normals([CHANNELS, CHANNELS, 3, 3], Math.sqrt(2 / (9 * CHANNELS)));
const conv = (input, w, output) => ({
  opType: 'Conv',
  name: output,
  inputs: [input, w],
  outputs: [output],
  attributes: { pads: [1, 1, 1, 1] },
});
const plain = (opType, inputs, output) => ({
  opType,
  name: output,
  inputs,
  outputs: [output],
  attributes: {},
});
const declared = [{ name: 'feature', dtype: 'float32', shape: SHAPE }];

const tail = await prepareModel(residualTail(), {});
const unit = createSeparableUnit({
  featureShape: SHAPE.slice(1),
  stride: 2,
  latentChannels: 16,
  width: 16,
  rectified: true,
});
const step = createTrainingStep({
  tail,
  cut: 'feature',
  unit,
  distortion: [{ kind: 'squared-error', tensor: 'out' }],
});
const bound = await open(convolutionsAlone());
const before = process.memoryUsage().rss;
const training = await open(step.model);
const boundFeeds = { feature: normals(SHAPE, 1) };
const stepFeeds = feedsOfStep();
const times = { step: [], convolutions: [] };
const rounds = Number(options.rounds);
for (let round = -2; round < rounds; round++) {
  const one = await cpuMs(() => training.run(stepFeeds));
  const other = await cpuMs(() => bound.run(boundFeeds));
  if (round < 0) continue; // the first runs allocate
  times.step.push(one);
  times.convolutions.push(other);
}
const memoryMiB = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const ratio = times.step.map((ms, i) => ms / times.convolutions[i]);
const result = {
  command: 'node bench/train-step.mjs',
  machine,
  batch: BATCH,
  rounds,
  parameters: initialState(step, 1).parameters.length,
  stepCpuMs: spread(times.step),
  convolutionsCpuMs: spread(times.convolutions),
  stepOverConvolutions: spread(ratio),
  stepMemoryMiB: memoryMiB,
};
process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);

function residualTail() {
  const nodes = [];
  const weights = new Map();
  let x = 'feature';
  for (let block = 0; block < BLOCKS; block++) {
    const [a, b] = [`w${block}a`, `w${block}b`];
    weights.set(a, weight()).set(b, weight());
    nodes.push(
      conv(x, a, `h${block}`),
      plain('Relu', [`h${block}`], `r${block}`),
      conv(`r${block}`, b, `g${block}`),
      plain('Add', [x, `g${block}`], `s${block}`),
      plain('Relu', [`s${block}`], block === BLOCKS - 1 ? 'out' : `x${block}`),
    );
    x = `x${block}`;
  }
  return modelOfRecord({ name: 'tail', opset: 18, inputs: declared, nodes, outputs: ['out'], weights });
}

function convolutionsAlone() {
  const count = 4 * BLOCKS;
  const names = Array.from({ length: count }, (_, i) => `w${i}`);
  const nodes = names.map((w, i) => conv(i === 0 ? 'feature' : `y${i - 1}`, w, `y${i}`));
  const weights = new Map(names.map((w) => [w, weight()]));
  const outputs = [`y${count - 1}`];
  return modelOfRecord({ name: 'convolutions', opset: 18, inputs: declared, nodes, outputs, weights });
}

function feedsOfStep() {
  const state = initialState(step, 1);
  const vector = (data) => ({ dtype: 'float32', shape: [data.length], data });
  const scalar = (value) => ({ dtype: 'float32', shape: [], data: Float32Array.of(value) });
  return {
    feature: normals(SHAPE, 1),
    [targetName('squared-error', 'out')]: normals(SHAPE, 1),
    [STEP_INPUT.parameters]: vector(state.parameters),
    [STEP_INPUT.firstMoment]: vector(state.firstMoment),
    [STEP_INPUT.secondMoment]: vector(state.secondMoment),
    [STEP_INPUT.noise]: normals(step.noiseShape, 0.2),
    [STEP_INPUT.learningRate]: scalar(1e-3),
    [STEP_INPUT.firstCorrection]: scalar(10),
    [STEP_INPUT.secondCorrection]: scalar(1000),
    [STEP_INPUT.hardness]: scalar(0),
    [STEP_INPUT.lambda]: scalar(1e-4),
    [STEP_INPUT.freeBits]: scalar(0),
  };
}

function open(model) {
  return createLocalSession(serializeModel(model), { intraOpThreads: 1 });
}

async function cpuMs(run) {
  const start = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => Number(sorted[Math.round(share * (sorted.length - 1))].toPrecision(4));
  return { median: at(0.5), p10: at(0.1), p90: at(0.9) };
}
