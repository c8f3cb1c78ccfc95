/**
 * The training step as one model: restored feature and frozen tail forward, distortion and rate, gradient, Adam. Its
 * inputs are the state, a batch and the scalars of the step; its outputs are the next state and what it measured.
 */

import type { ModelProto, ShapeTable } from '@featherwire/onnx';
import { elementCount, type Shape } from '@featherwire/tensor';
import { gradient } from '../autodiff/gradient.js';
import { TrainError } from '../errors.js';
import type { Graph, Value } from '../graph/graph.js';
import { createGraph, importModel } from '../graph/import-model.js';
import { add, concat, mul, relu, reshape, sub } from '../graph/operators.js';
import { crossEntropy, type DistortionKind, distortionOf, weightedSum } from '../losses/distortion.js';
import { hyperLatentShape, hyperpriorBits, hyperpriorParameters } from '../losses/hyperprior.js';
import { blend, straightThrough, withNoise } from '../losses/quantization.js';
import { absoluteSum, priorBits, priorParameters } from '../losses/rate.js';
import { type ParameterSpec, type Parameters, parameterCount, splitParameters } from '../units/parameters.js';
import type { Unit } from '../units/unit.js';
import { type AdamState, adamStep } from './adam.js';

/** One term of the distortion, at a tensor of the tail: an output, one inside, or the cut itself. */
export interface DistortionTerm {
  readonly kind: DistortionKind | 'labels';
  readonly tensor: string;
  /** Factor in the sum; 1 by default. */
  readonly weight?: number;
}

/** Estimates of the rate. */
export type RateKind = 'factorized-prior' | 'hyperprior' | 'absolute-sum';

/** What is trained against what. */
export interface StepOptions {
  /** From the cut to the outputs, with static shapes; see `prepareModel`. */
  readonly tail: { readonly model: ModelProto; readonly shapes: ShapeTable };
  /** The cut tensor, the tail's input. */
  readonly cut: string;
  readonly unit: Unit;
  readonly distortion: readonly DistortionTerm[];
  /**
   * The rate's estimate: bits of the factorized prior (default), bits of a hyperprior, which is for latents [C, H, W], or
   * the latent's absolute sum.
   */
  readonly rate?: RateKind;
  /** Longest gradient; longer ones are scaled down. 1 by default. */
  readonly maxGradientNorm?: number;
  /**
   * Where targets other than labels come from: `given` with each batch (default), or `computed` by the step, which then
   * runs the tail without the unit as far as the terms reach: more time, and no memory for targets.
   */
  readonly targets?: 'given' | 'computed';
  /**
   * Steps of the latent's quantization: `one` (default), or `by-item`, sizes that each item of a batch is given, so that
   * one unit learns to serve a range of rates.
   */
  readonly latentSteps?: 'one' | 'by-item';
}

/** Names of the step's inputs beside the targets. */
export const STEP_INPUT = {
  parameters: 'parameters',
  firstMoment: 'firstMoment',
  secondMoment: 'secondMoment',
  noise: 'noise',
  hyperNoise: 'hyperNoise',
  stepSize: 'stepSize',
  learningRate: 'learningRate',
  firstCorrection: 'firstCorrection',
  secondCorrection: 'secondCorrection',
  hardness: 'hardness',
  lambda: 'lambda',
  freeBits: 'freeBits',
} as const;

/** Names of the step's outputs. */
export const STEP_OUTPUT = {
  parameters: 'nextParameters',
  firstMoment: 'nextFirstMoment',
  secondMoment: 'nextSecondMoment',
  loss: 'loss',
  distortion: 'distortion',
  rate: 'rate',
} as const;

/** An input of the step that holds what a tensor of the tail is to be. */
export interface TargetInput {
  readonly name: string;
  readonly kind: DistortionTerm['kind'];
  readonly tensor: string;
  readonly shape: Shape;
}

/** A training step, ready for a session. */
export interface TrainingStep {
  readonly model: ModelProto;
  readonly parameters: readonly ParameterSpec[];
  readonly batchSize: number;
  /** The cut tensor's name; the step has an input of that name. */
  readonly cut: string;
  /** The step's inputs that hold targets, in the order of the distortion's terms, each once. */
  readonly targets: readonly TargetInput[];
  readonly noiseShape: Shape;
  /** Of the noise for the hyperprior's second latent; none with another rate. */
  readonly hyperNoiseShape?: Shape;
  /** Of the sizes that items are given for the steps of their latent; none if these are of 1. */
  readonly stepSizeShape?: Shape;
}

/**
 * Builds a training step. The batch is that of the tail's shapes.
 * @throws {TrainError} `no-gradient` names an operator that cannot be differentiated; as `importModel`
 * @throws {RangeError} if the unit does not fit the cut, a tensor is not in the tail, or a hyperprior's latent is no map
 */
export function createTrainingStep(options: StepOptions): TrainingStep {
  const { tail, cut, unit } = options;
  const specs = [...unit.parameters, ...rateParameters(options)];
  const g = createGraph(tail.model);
  const feature = g.input(cut, shapeOfCut(options));
  const vector = (name: string): Value => g.input(name, [parameterCount(specs)]);
  const state = {
    parameters: vector(STEP_INPUT.parameters),
    firstMoment: vector(STEP_INPUT.firstMoment),
    secondMoment: vector(STEP_INPUT.secondMoment),
  };
  const parameters = splitParameters(g, state.parameters, specs);
  const latent = unit.reduce(g, feature, parameters);
  const stepSize = stepSizeOf(g, latent, options);
  const { seen, noisy } = quantizedLatent(g, latent, stepSize);
  const values = importModel(g, tail.model, {
    shapes: tail.shapes,
    bindings: new Map([[cut, unit.restore(g, seen, parameters)]]),
  });
  const { terms, targets } = distortionTerms(g, options, values, knownTargets(g, options, feature));
  const distortion = weightedSum(g, terms);
  const { bits, hyperNoise } = estimatedBits(g, { latent, noisy, stepSize }, parameters, options);
  const excess = relu(g, sub(g, bits, g.input(STEP_INPUT.freeBits, [])));
  const loss = add(g, distortion, mul(g, g.input(STEP_INPUT.lambda, []), excess));
  const next = nextState(g, state, flatGradient(g, loss, [...parameters.values()]), options.maxGradientNorm);
  const outputs: Readonly<Record<keyof typeof STEP_OUTPUT, Value>> = {
    ...next,
    loss,
    distortion,
    rate: bits,
  };
  const named = Object.entries(outputs).map(([key, value]) =>
    g.named(value, STEP_OUTPUT[key as keyof typeof STEP_OUTPUT]),
  );
  return {
    model: g.toModel(named, 'training-step'),
    parameters: specs,
    batchSize: feature.shape[0],
    cut,
    targets,
    noiseShape: latent.shape,
    ...(hyperNoise && { hyperNoiseShape: hyperNoise.shape }),
    ...(stepSize && { stepSizeShape: stepSize.shape }),
  };
}

/** One size for each item, over all axes of its latent. */
function stepSizeOf(g: Graph, latent: Value, { latentSteps = 'one' }: StepOptions): Value | undefined {
  if (latentSteps === 'one') return undefined;
  return g.input(
    STEP_INPUT.stepSize,
    latent.shape.map((length, axis) => (axis === 0 ? length : 1)),
  );
}

/** What the rate's estimate learns. */
function rateParameters({ unit, rate = 'factorized-prior' }: StepOptions): ParameterSpec[] {
  const channels = unit.latentShape[unit.latentChannelAxis];
  switch (rate) {
    case 'factorized-prior':
      return priorParameters(channels);
    case 'hyperprior':
      return hyperpriorParameters(channels);
    case 'absolute-sum':
      return [];
    default:
      return rate satisfies never;
  }
}

/** The rate's estimate, with the noise that a hyperprior is given. */
function estimatedBits(
  g: Graph,
  { latent, noisy, stepSize }: { readonly latent: Value; readonly noisy: Value; readonly stepSize?: Value },
  parameters: Parameters,
  { unit, rate = 'factorized-prior' }: StepOptions,
): { bits: Value; hyperNoise?: Value } {
  switch (rate) {
    case 'factorized-prior':
      return { bits: priorBits(g, noisy, unit, parameters, stepSize) };
    case 'hyperprior': {
      const hyperNoise = g.input(STEP_INPUT.hyperNoise, [latent.shape[0], ...hyperLatentShape(unit)]);
      return { bits: hyperpriorBits(g, { latent, noisy, hyperNoise, stepSize }, parameters), hyperNoise };
    }
    case 'absolute-sum':
      return { bits: absoluteSum(g, noisy, stepSize) };
    default:
      return rate satisfies never;
  }
}

/** The latent with noise for the rate, and as the restoration sees it. */
function quantizedLatent(g: Graph, latent: Value, stepSize?: Value): { noisy: Value; seen: Value } {
  const noisy = withNoise(g, latent, g.input(STEP_INPUT.noise, latent.shape), stepSize);
  const rounded = straightThrough(g, latent, stepSize);
  return { noisy, seen: blend(g, noisy, rounded, g.input(STEP_INPUT.hardness, [])) };
}

function nextState(g: Graph, state: AdamState, gradients: Value, maxNorm = 1): AdamState {
  const scalars = {
    learningRate: g.input(STEP_INPUT.learningRate, []),
    firstCorrection: g.input(STEP_INPUT.firstCorrection, []),
    secondCorrection: g.input(STEP_INPUT.secondCorrection, []),
  };
  return adamStep(g, state, gradients, scalars, maxNorm);
}

function shapeOfCut({ tail, cut, unit }: StepOptions): number[] {
  const shape = tail.shapes.get(cut)?.shape;
  const expected = `[N, ${unit.featureShape.join(', ')}]`;
  const fits =
    shape?.length === unit.featureShape.length + 1 &&
    unit.featureShape.every((dimension, axis) => dimension === shape[axis + 1]);
  if (!fits || typeof shape[0] !== 'number') {
    throw new RangeError(`cut '${cut}' expected shape ${expected}, got [${shape?.join(', ') ?? 'unknown'}]`);
  }
  return shape as number[];
}

interface Terms {
  readonly terms: { value: Value; weight: number }[];
  readonly targets: readonly TargetInput[];
}

/** What tensors are without the unit, by name: the cut, whose feature is given anyway, or all. */
function knownTargets(
  g: Graph,
  { tail, cut, targets = 'given' }: StepOptions,
  feature: Value,
): ReadonlyMap<string, Value> {
  const bindings = new Map([[cut, feature]]);
  return targets === 'given' ? bindings : importModel(g, tail.model, { shapes: tail.shapes, bindings });
}

function distortionTerms(
  g: Graph,
  { distortion }: StepOptions,
  values: ReadonlyMap<string, Value>,
  withoutUnit: ReadonlyMap<string, Value>,
): Terms {
  const inputs = new Map<string, Value>();
  const targets: TargetInput[] = [];
  const terms = distortion.map(({ kind, tensor, weight = 1 }) => {
    const output = values.get(tensor);
    if (!output) throw new RangeError(`tensor expected one of the tail's, got '${tensor}'`);
    const name = targetName(kind, tensor);
    const known = (kind === 'labels' ? undefined : withoutUnit.get(tensor)) ?? inputs.get(name);
    const target = known ?? g.input(name, output.shape);
    if (!known) targets.push({ name, kind, tensor, shape: output.shape });
    inputs.set(name, target);
    const value = kind === 'labels' ? crossEntropy(g, output, target) : distortionOf(g, kind, output, target);
    return { value, weight };
  });
  return { terms, targets };
}

/** The step's input that holds the target of a term. */
export function targetName(kind: DistortionTerm['kind'], tensor: string): string {
  return kind === 'labels' ? `labels.${tensor}` : `target.${tensor}`;
}

/** Gradients of the parameters as one vector. */
function flatGradient(g: Graph, loss: Value, parameters: readonly Value[]): Value {
  const parts = gradient(g, loss, parameters);
  return concat(
    g,
    parts.map((part) => reshape(g, part, [elementCount(part.shape)])),
    0,
  );
}

/** The error for a loss that is no number any more. */
export function divergedAt(step: number): TrainError {
  return new TrainError('diverged', `the loss of step ${step} is not finite`);
}
