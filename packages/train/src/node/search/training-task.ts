/**
 * What all units of a search are trained on: the tail with static shapes, the features that the head gave once, and what
 * the tail made of them. No label is needed; where the data have classes, they can be a part of the loss.
 */

import { createHash } from 'node:crypto';
import type { SplitSamples } from '@featherwire/calibration';
import type { Label } from '@featherwire/eval';
import { createWorkerSession } from '@featherwire/inference/node';
import { declaredShapes, type ModelProto, serializeModel } from '@featherwire/onnx';
import { bytesOfData, elementCount, type Tensor, type TensorOf, tensor } from '@featherwire/tensor';
import { TrainError } from '../../errors.js';
import { createUnit, type FeatureKind, listArchitectures } from '../../search/architecture.js';
import { comparedTensors, scoresOf } from '../../search/compared-tensors.js';
import { addMoments, newMoments, varianceOf } from '../../search/moments.js';
import { cacheLayoutOf, createFeatureCache, type FeatureCache } from '../../training/feature-cache.js';
import {
  createTrainingStep,
  type DistortionTerm,
  type RateKind,
  type TrainingStep,
} from '../../training/step.js';
import { createTargetModel } from '../../training/target-model.js';
import type { Unit } from '../../units/unit.js';
import { type PreparedModel, prepareModel } from '../prepare-model.js';

/** What units are trained on. */
export interface TrainingTask {
  readonly feature: FeatureKind;
  /** Items that are trained on. */
  readonly training: FeatureCache;
  /** Items that losses are compared on. */
  readonly heldOut: FeatureCache;
  /** SHA-256 of all features and labels in order: which task this is. */
  readonly sha256: string;
  /** The training step of a unit. */
  stepOf(unit: Unit): TrainingStep;
}

/** What a task is made of. */
export interface TaskOptions {
  readonly tail: ModelProto;
  /** The one tensor of the cut. */
  readonly cut: string;
  /** Those for design are trained on, with their copies. */
  readonly samples: SplitSamples;
  /** Cross-entropy of the labels beside the answers of the tail; for classification. False by default. */
  readonly labels?: boolean;
  /** As in `StepOptions`; a hyperprior is for units with latents [C, H, W]. */
  readonly rate?: RateKind;
  readonly progress?: { stage(label: string): void; progress(done: number, total: number): void };
  readonly signal: AbortSignal;
}

/** Items in a step where the tail leaves the number open. */
const BATCH = 16;
/** Items that losses are compared on, at most. */
const MAX_HELD_OUT = 256;
/** Weight of the cut tensor itself beside the compared ones: it leads the way while a unit is still far from any answer. */
const CUT_WEIGHT = 0.1;
/** Weight of the cross-entropy of labels, in nats, beside relative distances that sum to 1. */
const LABELS_WEIGHT = 1;

/**
 * Fills the caches.
 * @throws {TrainError} `open-shape` if features differ in shape or hold several samples; as `createTrainingStep`
 * @throws {RangeError} if there are fewer items than a step takes, labels that are no classes of the scores, or a hyperprior
 *   is asked for where units have latents of another form
 */
export async function createTrainingTask(options: TaskOptions): Promise<TrainingTask> {
  const { samples, cut, tail, rate } = options;
  const [first] = await samples.bench.features(samples.parts.design[0]);
  const shape = first.shape.slice(1);
  if (first.shape[0] !== 1)
    throw new TrainError('open-shape', `feature expected one sample, got [${first.shape.join(', ')}]`);
  const prepared = await prepareForBatch(tail, cut, shape);
  const batch = prepared.shapes.get(cut)!.shape![0] as number;
  const names = comparedTensors(prepared.model, prepared.shapes);
  const probe = createUnit(listArchitectures({ shape, rectified: false }, Number.POSITIVE_INFINITY)[0], {
    shape,
    rectified: false,
  });
  const labelsTerm = options.labels ? [labelsTermOf(prepared.model, samples.task)] : [];
  const terms: DistortionTerm[] = [
    ...names.map((name) => ({ kind: 'squared-error', tensor: name }) as const),
    ...labelsTerm,
  ];
  const plain = createTrainingStep({ tail: prepared, cut, unit: probe, distortion: terms, rate });
  const teacher = await createWorkerSession(serializeModel(createTargetModel(prepared, plain)!));
  try {
    const layout = cacheLayoutOf(plain, shape);
    const hash = createHash('sha256');
    const answers = plain.targets.filter(({ kind }) => kind !== 'labels');
    const statistics = new Map(answers.map(({ name }) => [name, newMoments()] as const));
    const cutMoments = newMoments();
    const fill = async (numbers: readonly number[]): Promise<FeatureCache> => {
      if (numbers.length < batch)
        throw new RangeError(`samples expected at least ${batch} to train on, got ${numbers.length}`);
      const cache = createFeatureCache(layout, numbers.length);
      for (let from = 0; from < numbers.length; from += batch) {
        options.signal.throwIfAborted();
        // The last batch begins where it is whole.
        const start = Math.min(from, numbers.length - batch);
        const features: TensorOf<'float32'>[] = [];
        for (const number of numbers.slice(start, start + batch))
          features.push(featureOf(await samples.bench.features(number), shape));
        const { outputs } = await teacher.run({ [cut]: joined(features, shape) });
        for (const [row, feature] of features.entries()) {
          if (start + row < from) continue;
          const targets = Object.entries(outputs).map(([name, value]) => [name, rowOf(value, row, batch)]);
          const labels = labelTargets(plain, samples.labelOf(numbers[start + row]));
          cache.set(start + row, { [cut]: feature, ...Object.fromEntries(targets), ...labels });
          hash.update(bytesOfData(feature.data));
          for (const { data } of Object.values(labels)) hash.update(bytesOfData(data));
          addMoments(cutMoments, feature.data);
          for (const [name, value] of targets)
            addMoments(statistics.get(name as string)!, (value as Tensor).data as Float32Array);
        }
        options.progress?.progress(Math.min(numbers.length, from + batch), numbers.length);
      }
      return cache;
    };
    options.progress?.stage('run the tail for its answers');
    const training = await fill([...samples.parts.design, ...samples.copies]);
    const distortion: DistortionTerm[] = [
      ...answers.map(({ name, tensor: target }) => ({
        kind: 'squared-error' as const,
        tensor: target,
        weight: 1 / (answers.length * varianceOf(statistics.get(name)!)),
      })),
      ...labelsTerm,
      { kind: 'squared-error', tensor: cut, weight: CUT_WEIGHT / varianceOf(cutMoments) },
    ];
    const heldOut = await fill(samples.parts.selection.slice(0, MAX_HELD_OUT));
    return {
      feature: { shape, rectified: cutMoments.least >= 0 },
      training,
      heldOut,
      sha256: hash.digest('hex'),
      stepOf: (unit) => createTrainingStep({ tail: prepared, cut, unit, distortion, rate }),
    };
  } finally {
    await teacher.close();
  }
}

/** @throws {TypeError} if the bundle's task has no classes */
function labelsTermOf(tail: ModelProto, task: SplitSamples['task']): DistortionTerm {
  if (task?.kind !== 'classification')
    throw new TypeError(`labels expected a bundle for classification, got ${task?.kind ?? 'no task'}`);
  return { kind: 'labels', tensor: scoresOf(tail, task.output), weight: LABELS_WEIGHT };
}

/** The label of an item as shares of the classes, for the input of the step that takes it. */
function labelTargets({ targets }: TrainingStep, label: Label): Record<string, Tensor> {
  const wanted = targets.filter(({ kind }) => kind === 'labels');
  return Object.fromEntries(
    wanted.map(({ name, shape }) => {
      const classes = elementCount(shape.slice(1));
      if (typeof label !== 'number' || !(label >= 0 && label < classes))
        throw new RangeError(`labels expected classes from 0 to ${classes - 1}, got ${String(label)}`);
      const shares = Float32Array.from({ length: classes }, (_, i) => Number(i === label));
      return [name, tensor('float32', [1, ...shape.slice(1)], shares)];
    }),
  );
}

/** Static shapes for a batch, or for one item where the tail fixes that. */
async function prepareForBatch(
  tail: ModelProto,
  cut: string,
  shape: readonly number[],
): Promise<PreparedModel> {
  const isOpen = typeof declaredShapes(tail).get(cut)?.shape?.[0] !== 'number';
  return prepareModel(tail, { [cut]: [isOpen ? BATCH : 1, ...shape] });
}

function featureOf([feature]: readonly Tensor[], shape: readonly number[]): TensorOf<'float32'> {
  if (feature.dtype === 'float32' && feature.shape.join() === [1, ...shape].join()) return feature;
  const expected = [1, ...shape].join(', ');
  throw new TrainError(
    'open-shape',
    `feature expected [${expected}] as that of the first sample, got [${feature.shape.join(', ')}]`,
  );
}

function joined(features: readonly TensorOf<'float32'>[], shape: readonly number[]): Tensor {
  const size = elementCount(shape);
  const data = new Float32Array(features.length * size);
  for (const [row, feature] of features.entries()) data.set(feature.data, row * size);
  return tensor('float32', [features.length, ...shape], data);
}

function rowOf({ shape, data }: Tensor, row: number, count: number): Tensor {
  const size = data.length / count;
  return tensor(
    'float32',
    [1, ...shape.slice(1)],
    (data as Float32Array).slice(row * size, (row + 1) * size),
  );
}
