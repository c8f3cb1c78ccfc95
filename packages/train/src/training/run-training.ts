/** The loop over training steps. Works with any session; files and threads are the caller's. */

import type { ModelSession } from '@featherwire/inference';
import { elementCount, type Shape, type Tensor, tensor } from '@featherwire/tensor';
import { initialParameters } from '../units/parameters.js';
import { adamCorrections } from './adam.js';
import {
  averagedAt,
  batchAt,
  hardnessAt,
  learningRateAt,
  type NoiseStream,
  noiseAt,
  type Schedule,
  type StepSizeRange,
  stepSizesAt,
} from './schedule.js';
import { divergedAt, STEP_INPUT, STEP_OUTPUT, type TrainingStep } from './step.js';

const STEPS_OF_ONE: StepSizeRange = { smallest: 1, largest: 1 };

/** Items to train on. */
export interface TrainingData {
  readonly count: number;
  /** The step's batch inputs (the cut tensor and the targets) for some items. */
  batch(items: Uint32Array): Readonly<Record<string, Tensor>>;
}

/** Settings of a run. */
export interface TrainingSettings {
  readonly schedule: Schedule;
  /** Weight of the rate in loss = distortion + lambda · max(0, rate - freeBits); rate in bits per item. */
  readonly lambda: number;
  /** Rate that costs nothing: with a large lambda the rate that the unit is to have. 0 by default. */
  readonly freeBits?: number;
  /** For a step with `latentSteps` by item; 1 alone by default. The rate is then a mean over the sizes drawn. */
  readonly stepSizes?: StepSizeRange;
  /** Seed of the first parameters, the order of items, noise, and sizes of steps. */
  readonly seed: number;
}

/** Where a run stands; all that a run needs to go on. */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  readonly parameters: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Mean of the parameters over the steps that the schedule averages, once there is one. */
  readonly average?: Float32Array;
}

/** What a step measured on its batch, before it changed the parameters. */
export interface StepReport {
  /** Steps done, from 1. */
  readonly step: number;
  readonly stepCount: number;
  readonly loss: number;
  readonly distortion: number;
  /** Estimated bits per item. */
  readonly rate: number;
}

/** A run. */
export interface TrainingRun extends TrainingSettings {
  readonly step: TrainingStep;
  /** Of `step.model`. */
  readonly session: ModelSession;
  readonly data: TrainingData;
  /** Where to go on; by default a run begins. */
  readonly from?: TrainingState;
  /** Called after each step; what it returns is waited for. The state is the caller's to keep. */
  readonly onStep?: (report: StepReport, state: TrainingState) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** The state before the first step. */
export function initialState({ parameters }: TrainingStep, seed: number): TrainingState {
  const vector = initialParameters(parameters, seed);
  return {
    step: 0,
    parameters: vector,
    firstMoment: new Float32Array(vector.length),
    secondMoment: new Float32Array(vector.length),
  };
}

/**
 * Runs the steps of a schedule that are left.
 * @returns the last state
 * @throws {TrainError} `diverged`
 * @throws {RangeError} if there are `stepSizes` for a step that takes none, or they are no range above 0
 * @throws what `signal` was aborted with
 */
export async function runTraining(run: TrainingRun): Promise<TrainingState> {
  const { step, session, data, schedule, seed } = run;
  checkStepSizes(run);
  const itemsAt = batchAt(data.count, step.batchSize, seed);
  let state = run.from ?? initialState(step, seed);
  while (state.step < schedule.stepCount) {
    run.signal?.throwIfAborted();
    const position = state.step;
    const { outputs } = await session.run({
      ...data.batch(itemsAt(position)),
      ...stateInputs(state),
      ...scalarInputs(run, position),
      ...noiseInputs(run, position),
      ...stepSizeInput(run, position),
    });
    const report: StepReport = {
      step: position + 1,
      stepCount: schedule.stepCount,
      loss: numberOf(outputs[STEP_OUTPUT.loss]),
      distortion: numberOf(outputs[STEP_OUTPUT.distortion]),
      rate: numberOf(outputs[STEP_OUTPUT.rate]),
    };
    if (!Number.isFinite(report.loss)) throw divergedAt(report.step);
    const parameters = outputs[STEP_OUTPUT.parameters].data as Float32Array;
    state = {
      step: report.step,
      parameters,
      firstMoment: outputs[STEP_OUTPUT.firstMoment].data as Float32Array,
      secondMoment: outputs[STEP_OUTPUT.secondMoment].data as Float32Array,
      average: averageWith(state.average, parameters, averagedAt(schedule, position)),
    };
    await run.onStep?.(report, state);
  }
  return state;
}

/** Parameters that a run has come to: their average where its schedule asks for one. */
export function trainedParameters({ parameters, average }: TrainingState): Float32Array {
  return average ?? parameters;
}

/**
 * The running mean with one more vector; a state is never changed in place.
 * @param count - vectors that it then holds; 0 if there is to be none
 */
function averageWith(
  average: Float32Array | undefined,
  parameters: Float32Array,
  count: number,
): Float32Array | undefined {
  if (count === 0) return undefined;
  return average ? average.map((mean, i) => mean + (parameters[i] - mean) / count) : parameters;
}

function stateInputs({ parameters, firstMoment, secondMoment }: TrainingState): Record<string, Tensor> {
  const vector = (data: Float32Array): Tensor => tensor('float32', [data.length], data);
  return {
    [STEP_INPUT.parameters]: vector(parameters),
    [STEP_INPUT.firstMoment]: vector(firstMoment),
    [STEP_INPUT.secondMoment]: vector(secondMoment),
  };
}

/** Noise for the latent and, where the step has one, for the hyperprior's second latent. */
function noiseInputs({ step, seed }: TrainingRun, position: number): Record<string, Tensor> {
  const { noiseShape, hyperNoiseShape } = step;
  const noise = (shape: Shape, stream: NoiseStream): Tensor =>
    tensor('float32', shape, noiseAt(elementCount(shape), seed, position, stream));
  return {
    [STEP_INPUT.noise]: noise(noiseShape, 'noise'),
    ...(hyperNoiseShape && { [STEP_INPUT.hyperNoise]: noise(hyperNoiseShape, 'hyperNoise') }),
  };
}

/** Sizes for the items of a step's batch, where it takes some. */
function stepSizeInput(
  { step: { stepSizeShape }, stepSizes = STEPS_OF_ONE, seed }: TrainingRun,
  position: number,
): Record<string, Tensor> {
  if (!stepSizeShape) return {};
  const sizes = stepSizesAt(elementCount(stepSizeShape), stepSizes, seed, position);
  return { [STEP_INPUT.stepSize]: tensor('float32', stepSizeShape, sizes) };
}

function checkStepSizes({ step, stepSizes }: TrainingRun): void {
  if (!stepSizes) return;
  if (!step.stepSizeShape) throw new RangeError('stepSizes expected a step with latent steps by item');
  const { smallest, largest } = stepSizes;
  if (!(smallest > 0 && largest >= smallest && Number.isFinite(largest)))
    throw new RangeError(`stepSizes expected a range above 0, got ${smallest} to ${largest}`);
}

function scalarInputs(
  { schedule, lambda, freeBits = 0 }: TrainingSettings,
  step: number,
): Record<string, Tensor> {
  const { first, second } = adamCorrections(step);
  const scalar = (value: number): Tensor => tensor('float32', [], Float32Array.of(value));
  return {
    [STEP_INPUT.learningRate]: scalar(learningRateAt(schedule, step)),
    [STEP_INPUT.firstCorrection]: scalar(first),
    [STEP_INPUT.secondCorrection]: scalar(second),
    [STEP_INPUT.hardness]: scalar(hardnessAt(schedule, step)),
    [STEP_INPUT.lambda]: scalar(lambda),
    [STEP_INPUT.freeBits]: scalar(freeBits),
  };
}

function numberOf(value: Tensor): number {
  return Number(value.data[0]);
}
