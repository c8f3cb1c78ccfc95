/** A task that trains in a second: a small convolutional tail, smooth features, distillation at its output. */

import type { SplitSource } from '@featherwire/calibration';
import { createLocalSession } from '@featherwire/inference/node';
import { type ModelProto, modelOfRecord, type NodeRecord, serializeModel } from '@featherwire/onnx';
import { createRandom, tensor } from '@featherwire/tensor';
import { prepareModel } from '../src/node/prepare-model.js';
import { cacheLayoutOf, createFeatureCache, type FeatureCache } from '../src/training/feature-cache.js';
import type { TrainingSettings } from '../src/training/run-training.js';
import { createTrainingStep, type StepOptions, type TrainingStep } from '../src/training/step.js';
import { createTargetModel } from '../src/training/target-model.js';
import { createSeparableUnit } from '../src/units/separable-unit.js';
import type { Unit } from '../src/units/unit.js';
import { node, normals } from './check-gradient.js';

/** Name of the cut tensor. */
export const CUT = 'feature';
const FEATURE_SHAPE = [4, 8, 8] as const;
const BATCH = 8;
const ITEMS = 64;

export interface TinyTask {
  readonly unit: Unit;
  readonly step: TrainingStep;
  readonly data: FeatureCache;
  readonly cut: string;
}

/** Settings of a short run. */
export function settingsOf(overrides: Partial<Omit<TrainingSettings, 'schedule'>>): TrainingSettings {
  const schedule = {
    stepCount: 150,
    learningRate: 0.02,
    warmUpSteps: 10,
    roundedShare: 0.3,
    averagedShare: 0.2,
  };
  return { schedule, lambda: 0.01, seed: 1, ...overrides };
}

/** From the feature to five scores. */
export function tinyTail(): ModelProto {
  const weights = new Map([
    ['w1', normals('float32', [6, 4, 3, 3], 1, 0, 0.3)],
    ['w2', normals('float32', [6, 5], 2, 0, 0.6)],
  ]);
  const nodes: NodeRecord[] = [
    node('Conv', [CUT, 'w1'], 'h', { pads: [1, 1, 1, 1] }),
    node('Relu', ['h'], 'r'),
    node('GlobalAveragePool', ['r'], 'p'),
    node('Flatten', ['p'], 'f'),
    node('Gemm', ['f', 'w2'], 'scores'),
  ];
  const inputs = [{ name: CUT, dtype: 'float32' as const, shape: ['N', ...FEATURE_SHAPE] }];
  return modelOfRecord({ name: 'tail', opset: 13, inputs, nodes, outputs: ['scores'], weights });
}

/** A head that gives its input as the feature. */
export function tinyHead(): ModelProto {
  const inputs = [{ name: 'x', dtype: 'float32' as const, shape: ['N', ...FEATURE_SHAPE] }];
  return modelOfRecord({
    name: 'head',
    opset: 13,
    inputs,
    nodes: [node('Identity', ['x'], CUT)],
    outputs: [{ ...inputs[0], name: CUT }],
    weights: new Map(),
  });
}

/** Inputs of `tinyHead`. */
export function smoothSamples(length: number): SplitSource['data'] {
  return {
    name: 'waves',
    description: `${length} smooth features`,
    length,
    async sample(i) {
      const feature = tensor('float32', [1, ...FEATURE_SHAPE], smoothFeature(i));
      return { id: String(i), input: { kind: 'tensor', tensor: feature }, label: i % 5 };
    },
  };
}

/** Tail, unit, step and data. */
export async function tinyTask(overrides: Partial<StepOptions> = {}): Promise<TinyTask> {
  const tail = await prepareModel(tinyTail(), { [CUT]: [BATCH, ...FEATURE_SHAPE] });
  const unit = createSeparableUnit({
    featureShape: FEATURE_SHAPE,
    stride: 2,
    latentChannels: 3,
    width: 8,
    rectified: true,
  });
  const distortion = [{ kind: 'squared-error' as const, tensor: 'scores', weight: 10 }];
  const step = createTrainingStep({ tail, cut: CUT, unit, distortion, ...overrides });
  const data = createFeatureCache(cacheLayoutOf(step, FEATURE_SHAPE), ITEMS);
  const targetModel = createTargetModel(tail, step);
  const session = targetModel && (await createLocalSession(serializeModel(targetModel)));
  for (let from = 0; from < ITEMS; from += BATCH) {
    const features = Array.from({ length: BATCH }, (_, i) => smoothFeature(from + i));
    const batch = new Float32Array(features.flatMap((feature) => [...feature]));
    const feeds = { [CUT]: tensor('float32', [BATCH, ...FEATURE_SHAPE], batch) };
    const outputs = session ? (await session.run(feeds)).outputs : {};
    for (const [i, feature] of features.entries()) {
      const row = (name: string): Float32Array =>
        (outputs[name].data as Float32Array).slice(5 * i, 5 * i + 5);
      const targets = step.targets.map(({ name, kind }) => {
        const content = kind === 'labels' ? oneHot((from + i) % 5) : row(name);
        return [name, tensor('float32', [1, 5], content)];
      });
      data.set(from + i, {
        [CUT]: tensor('float32', [1, ...FEATURE_SHAPE], feature),
        ...Object.fromEntries(targets),
      });
    }
  }
  await session?.close();
  return { unit, step, data, cut: CUT };
}

function oneHot(label: number): Float32Array {
  return Float32Array.from({ length: 5 }, (_, i) => Number(i === label));
}

/** Rectified waves of a random direction and phase in each channel. */
function smoothFeature(item: number): Float32Array {
  const random = createRandom(item + 1);
  const [channels, height, width] = FEATURE_SHAPE;
  const feature = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    const [u, v, phase] = [random.nextNormal(), random.nextNormal(), 6 * random.nextUniform()];
    for (let i = 0; i < height * width; i++) {
      const wave = Math.sin((u * Math.floor(i / width) + v * (i % width)) / 3 + phase);
      feature[c * height * width + i] = Math.max(0, 2 * wave);
    }
  }
  return feature;
}
