/**
 * An exit for a bundle: a linear classifier of the means of a tensor that crosses the cut, fitted to the answers of the network
 * itself, so that no labels are needed. It and its temperature are fitted to samples for design; the threshold is chosen on those
 * for selection, which nothing that it is tested on was fitted to; what is claimed is measured on samples that nothing was chosen by.
 */

import { type BundleManifest, EXIT_CONFIDENCE, indexOfLargest, type TensorSpec } from '@featherwire/bundle';
import type { ExitSource } from '@featherwire/bundle/node';
import { looksLikeProbabilities, type SplitSamples } from '@featherwire/calibration';
import { type Estimate, fitLinearProbe, type LinearProbe, type ProbeSample } from '@featherwire/eval';
import {
  type ExitOutputs,
  exitFeatures,
  type LinearMap,
  linearExit,
  type ModelProto,
} from '@featherwire/onnx';
import { type TensorOf, tensor } from '@featherwire/tensor';
import { modelSourceOf } from '../unit-source.js';
import { type ExitEffect, type ExitPoint, exitAnswers, isLost, measureExit } from './measure-exit.js';
import { CHUNK, runOnCut } from './run-on-cut.js';
import { fitTemperature, type LabeledScores } from './temperature.js';
import { type ChosenThreshold, checkDecisionCount, chooseThreshold } from './threshold.js';

/** What to train. */
export interface TrainExitOptions {
  readonly manifest: Pick<BundleManifest, 'cut' | 'outputs' | 'task'>;
  readonly samples: SplitSamples;
  /** Points at which bytes are told with and without the exit. */
  readonly points?: readonly ExitPoint[];
  /** Hundredths of the samples whose answers the exit may make worse, above 0 and below 100. */
  readonly maxLoss: number;
  /** Probability with which that holds, and of the intervals; 0.95 by default. */
  readonly confidence?: number;
  /** Of the intervals; 1 by default. */
  readonly seed?: number;
  readonly progress?: { stage(label: string): void; progress(done: number, total: number): void };
}

/** An exit with what was measured of it. */
export interface TrainedExit extends ExitEffect {
  readonly source: ExitSource;
  /** The tensor of the cut that it reads. */
  readonly tensor: string;
  /** Cells in a row and in a column that means are taken of. */
  readonly grid: number;
  readonly featureCount: number;
  readonly classCount: number;
  /** Agreement with the network on a fifth of the samples that the classifier is fitted to. */
  readonly heldOut: Estimate;
  readonly temperature: number;
  /** On the samples that the threshold was chosen on. */
  readonly selection: Omit<ChosenThreshold, 'threshold'>;
}

/** Grids that are tried, where they divide the map and the features are not too many to fit. */
const GRIDS = [1, 2, 4];
const MAX_FEATURES = 1024;
/** One of so many samples for design is the temperature's: on those that the classifier is fitted to it is too sure. */
const TEMPERATURE_STRIDE = 5;
/** Between the pooling and the matrix. */
const FEATURES = 'exit_features';

/**
 * Trains an exit.
 * @returns null if no threshold keeps to the loss
 * @throws {TypeError} if the task is no classification, or its scores are not float32 [1, classes]; {RangeError} if `maxLoss` is out of
 *   its range, there are too few samples, or no tensor of the cut can be read; {OnnxError} {InferenceError} of models; the signal's reason
 */
export async function trainExit(options: TrainExitOptions): Promise<TrainedExit | null> {
  const { manifest, samples, maxLoss, confidence = 0.95, progress } = options;
  if (!(maxLoss > 0 && maxLoss < 100))
    throw new RangeError(`maxLoss expected a number above 0 and below 100, got ${maxLoss}`);
  const limit = { maxLost: maxLoss / 100, confidence };
  const { parts, bench } = samples;
  const output = outputOf(manifest);
  const isOfTemperature = (_: number, i: number): boolean => i % TEMPERATURE_STRIDE === 0;
  const forTemperature = parts.design.filter(isOfTemperature);
  const forClassifier = parts.design.filter((number, i) => !isOfTemperature(number, i));
  checkDecisionCount(parts.selection.length, limit);
  progress?.stage('ask the network');
  const known = await answersOf(bench, output, parts.design);
  progress?.stage('fit the exit');
  const { spec, grid, probe } = await fitBest(options, forClassifier, known);
  const names = { answer: output, confidence: EXIT_CONFIDENCE };
  // The engine runs samples together where the first dimension is open.
  const features = featuresOf(spec, grid, 'N');
  const unscaled = linearExit(features, probe, { ...names, answers: 'scores' });
  const scored: LabeledScores[] = [];
  await runOnCut(unscaled, bench, forTemperature, (outputs, number) => {
    scored.push({ scores: outputs[output].data as Float32Array, label: known.labels.get(number)! });
  });
  const temperature = fitTemperature(scored);
  const map = scaled(probe, 1 / temperature);
  const model = linearExit(features, map, { ...names, answers: known.kind });
  const single = linearExit(featuresOf(spec, grid, 1), map, { ...names, answers: known.kind });
  progress?.stage('choose the threshold');
  const answers = await exitAnswers(model, samples, parts.selection);
  const decisions = answers.map((answer) => ({ confidence: answer.confidence, isLost: isLost(answer) }));
  const chosen = chooseThreshold(decisions, limit);
  if (!chosen) return null;
  progress?.stage('measure the exit');
  const { threshold, ...selection } = chosen;
  const effect = await measureExit(model, threshold, { ...options, confidence });
  return {
    ...effect,
    source: { ...(await modelSourceOf(model, single)), threshold, measured: effect.measured },
    ...{ tensor: spec.name, grid, temperature, selection, heldOut: probe.heldOut },
    featureCount: probe.weights.shape[0],
    classCount: probe.bias.shape[0],
  };
}

/** Name of the scores. */
function outputOf({ task, outputs }: TrainExitOptions['manifest']): string {
  if (task?.kind !== 'classification')
    throw new TypeError(`task expected classification, got ${task?.kind ?? 'none'}`);
  if (outputs.length === 1) return task.output;
  throw new TypeError(`outputs expected the scores alone, got ${outputs.length}`);
}

/** The network's own answers. */
interface KnownAnswers {
  /** Best classes by the numbers of samples. */
  readonly labels: ReadonlyMap<number, number>;
  readonly classCount: number;
  readonly kind: ExitOutputs['answers'];
}

async function answersOf(
  bench: SplitSamples['bench'],
  output: string,
  numbers: readonly number[],
): Promise<KnownAnswers> {
  const labels = new Map<number, number>();
  let classCount = 0;
  let areProbabilities = true;
  for (let from = 0; from < numbers.length; from += CHUNK) {
    bench.signal.throwIfAborted();
    const part = numbers.slice(from, from + CHUNK);
    for (const [i, outputs] of (await bench.reference(part)).entries()) {
      const { dtype, shape, data } = outputs[output];
      if (dtype !== 'float32' || shape.length !== 2 || shape[0] !== 1)
        throw new TypeError(`output expected float32 [1, classes], got ${dtype} [${shape.join(', ')}]`);
      classCount = shape[1];
      areProbabilities &&= looksLikeProbabilities(data, classCount, 1);
      labels.set(part[i], indexOfLargest(data, 0, classCount));
    }
  }
  return { labels, classCount, kind: areProbabilities ? 'probabilities' : 'scores' };
}

interface FittedExit {
  readonly spec: TensorSpec;
  readonly grid: number;
  readonly probe: LinearProbe;
}

/** Tensors and grids in turn; what agrees most on samples held out, and of equals the first, which is smaller. */
async function fitBest(
  { manifest: { cut }, samples: { bench }, seed = 1 }: TrainExitOptions,
  numbers: readonly number[],
  { labels, classCount }: KnownAnswers,
): Promise<FittedExit> {
  let best: FittedExit | undefined;
  for (const spec of cut) {
    for (const grid of gridsOf(spec)) {
      const features = featuresOf(spec, grid, 'N');
      const rows: ProbeSample[] = [];
      await runOnCut(features, bench, numbers, (outputs, number) => {
        rows.push({ features: outputs[FEATURES].data as Float32Array, label: labels.get(number)! });
      });
      const probe = fitLinearProbe(rows, classCount, { seed });
      if (!best || probe.heldOut.value > best.probe.heldOut.value) best = { spec, grid, probe };
    }
  }
  if (best) return best;
  throw new RangeError('cut expected a tensor of 2 to 4 dimensions with known channels, got none');
}

/** @param samples - the first dimension of what it reads */
function featuresOf(spec: TensorSpec, grid: number, samples: 'N' | 1): ModelProto {
  const input = { ...spec, shape: [samples, ...spec.shape.slice(1)] };
  return exitFeatures(input, { grid, features: FEATURES });
}

/** Grids that divide a tensor's map and leave few enough features; none if the tensor cannot be pooled. */
function gridsOf({ shape }: TensorSpec): number[] {
  const channels = shape[shape.length === 3 ? 2 : 1];
  if (shape.length < 2 || shape.length > 4 || typeof channels !== 'number') return [];
  const places = shape.length === 4 ? shape.slice(2) : [];
  return GRIDS.filter((grid) => {
    if (channels * grid * grid > MAX_FEATURES) return false;
    if (grid === 1) return true;
    return places.length === 2 && places.every((size) => typeof size === 'number' && size % grid === 0);
  });
}

function scaled({ weights, bias }: LinearProbe, factor: number): LinearMap {
  const by = ({ shape, data }: TensorOf<'float32'>): TensorOf<'float32'> =>
    tensor(
      'float32',
      shape,
      data.map((value) => value * factor),
    );
  return { weights: by(weights), bias: by(bias) };
}
