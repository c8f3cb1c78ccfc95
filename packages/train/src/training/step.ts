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
import { blend, straightThrough, withNoise } from '../losses/quantization.js';
import { absoluteSum, priorBits, priorParameters } from '../losses/rate.js';
import { type ParameterSpec, type Parameters, parameterCount, splitParameters } from '../units/parameters.js';
import type { Unit } from '../units/unit.js';
import { adamStep } from './adam.js';

/** One term of the distortion, at a tensor of the tail: an output, one inside, or the cut itself. */
export interface DistortionTerm {
  readonly kind: DistortionKind | 'labels';
  readonly tensor: string;
  /** Factor in the sum; 1 by default. */
  readonly weight?: number;
}

/** What is trained against what. */
export interface StepOptions {
  /** From the cut to the outputs, with static shapes; see `prepareModel`. */
  readonly tail: { readonly model: ModelProto; readonly shapes: ShapeTable };
  /** The cut tensor, the tail's input. */
  readonly cut: string;
  readonly unit: Unit;
  readonly distortion: readonly DistortionTerm[];
  /** The rate's estimate: bits of the factorized prior (default), or the latent's absolute sum. */
  readonly rate?: 'factorized-prior' | 'absolute-sum';
  /** Longest gradient; longer ones are scaled down. 1 by default. */
  readonly maxGradientNorm?: number;
}

/** Names of the step's inputs beside the targets. */
export const STEP_INPUT = {
  parameters: 'parameters',
  firstMoment: 'firstMoment',
  secondMoment: 'secondMoment',
  noise: 'noise',
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
}

/**
 * Builds a training step. The batch is that of the tail's shapes.
 * @throws {TrainError} `no-gradient` names an operator that cannot be differentiated; as `importModel`
 * @throws {RangeError} if the unit does not fit the cut, or a tensor is not in the tail
 */
export function createTrainingStep(options: StepOptions): TrainingStep {
  const { tail, cut, unit } = options;
  const specs = [...unit.parameters, ...priorParameters(unit)];
  const length = [parameterCount(specs)];
  const g = createGraph(tail.model);
  const cutShape = shapeOfCut(options);
  const feature = g.input(cut, cutShape);
  const state = {
    parameters: g.input(STEP_INPUT.parameters, length),
    firstMoment: g.input(STEP_INPUT.firstMoment, length),
    secondMoment: g.input(STEP_INPUT.secondMoment, length),
  };
  const scalar = (name: keyof typeof STEP_INPUT): Value => g.input(STEP_INPUT[name], []);
  const parameters = splitParameters(g, state.parameters, specs);
  const latent = unit.reduce(g, feature, parameters);
  const noisy = withNoise(g, latent, g.input(STEP_INPUT.noise, latent.shape));
  const seen = blend(g, noisy, straightThrough(g, latent), scalar('hardness'));
  const values = importModel(g, tail.model, {
    shapes: tail.shapes,
    bindings: new Map([[cut, unit.restore(g, seen, parameters)]]),
  });
  const { terms, targets } = distortionTerms(g, options, values, feature);
  const distortion = weightedSum(g, terms);
  const rate = rateOf(g, options, noisy, parameters);
  const excess = relu(g, sub(g, rate, scalar('freeBits')));
  const loss = add(g, distortion, mul(g, scalar('lambda'), excess));
  const trained = specs.map(({ name }) => parameters.get(name) as Value);
  const rateIsLearned = options.rate !== 'absolute-sum';
  const next = adamStep(
    g,
    state,
    flatGradient(g, loss, trained, rateIsLearned ? trained.length : unit.parameters.length),
    {
      learningRate: scalar('learningRate'),
      firstCorrection: scalar('firstCorrection'),
      secondCorrection: scalar('secondCorrection'),
    },
    options.maxGradientNorm ?? 1,
  );
  const outputs = [
    g.named(next.parameters, STEP_OUTPUT.parameters),
    g.named(next.firstMoment, STEP_OUTPUT.firstMoment),
    g.named(next.secondMoment, STEP_OUTPUT.secondMoment),
    g.named(loss, STEP_OUTPUT.loss),
    g.named(distortion, STEP_OUTPUT.distortion),
    g.named(rate, STEP_OUTPUT.rate),
  ];
  return {
    model: g.toModel(outputs, 'training-step'),
    parameters: specs,
    batchSize: cutShape[0],
    cut,
    targets,
    noiseShape: latent.shape,
  };
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

function distortionTerms(
  g: Graph,
  { distortion, cut }: StepOptions,
  values: ReadonlyMap<string, Value>,
  feature: Value,
): Terms {
  const inputs = new Map<string, Value>();
  const targets: TargetInput[] = [];
  const terms = distortion.map(({ kind, tensor, weight = 1 }) => {
    const output = values.get(tensor);
    if (!output) throw new RangeError(`tensor expected one of the tail's, got '${tensor}'`);
    const name = targetName(kind, tensor);
    // The cut's target is the feature that the step is given anyway.
    const known = tensor === cut ? feature : inputs.get(name);
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

function rateOf(
  g: Graph,
  { rate = 'factorized-prior', unit }: StepOptions,
  noisy: Value,
  p: Parameters,
): Value {
  switch (rate) {
    case 'factorized-prior':
      return priorBits(g, noisy, unit, p);
    case 'absolute-sum':
      return absoluteSum(g, noisy);
    default:
      return rate satisfies never;
  }
}

/** Gradients of the first `count` parameters as one vector, with zeros for the others. */
function flatGradient(g: Graph, loss: Value, trained: readonly Value[], count: number): Value {
  const parts = gradient(g, loss, trained.slice(0, count)).map((part) =>
    reshape(g, part, [elementCount(part.shape)]),
  );
  const rest = trained.slice(count).reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (rest > 0) {
    parts.push(g.constant({ dtype: 'float32', shape: [rest], data: new Float32Array(rest) }));
  }
  return concat(g, parts, 0);
}

/** The error for a loss that is no number any more. */
export function divergedAt(step: number): TrainError {
  return new TrainError('diverged', `the loss of step ${step} is not finite`);
}
