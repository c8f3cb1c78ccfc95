/**
 * What changes from step to step: learning rate, hardness of quantization, order of items, noise. All of it follows from
 * the step's number and a seed, so that a run that is taken up again goes on as if it had not stopped.
 */

import { createRandom } from '@featherwire/tensor';

/** The plan of a training run. */
export interface Schedule {
  readonly stepCount: number;
  /** Highest learning rate. */
  readonly learningRate: number;
  /** Steps over which the learning rate rises from 0. */
  readonly warmUpSteps: number;
  /** Share of the steps, at the end, in which the restoration sees rounded latents in place of noisy ones. */
  readonly roundedShare: number;
  /** Share of the steps, at the end, over which parameters are averaged; 0, the default, for no average. */
  readonly averagedShare?: number;
}

/** Learning rate at the end over the highest. */
const FINAL_SHARE = 0.01;

/** Rises linearly, then falls along half a cosine (Loshchilov and Hutter, 2017). @param step - from 0 */
export function learningRateAt({ stepCount, learningRate, warmUpSteps }: Schedule, step: number): number {
  if (step < warmUpSteps) return (learningRate * (step + 1)) / warmUpSteps;
  const progress = (step - warmUpSteps) / Math.max(1, stepCount - warmUpSteps);
  return learningRate * (FINAL_SHARE + ((1 - FINAL_SHARE) * (1 + Math.cos(Math.PI * progress))) / 2);
}

/** 0 while the restoration sees noise, 1 once it sees rounded latents. */
export function hardnessAt({ stepCount, roundedShare }: Schedule, step: number): number {
  return step >= stepCount * (1 - roundedShare) ? 1 : 0;
}

/**
 * How many parameter vectors the average holds once a step is done, its own among them; 0 before the first.
 * @param step - from 0
 */
export function averagedAt({ stepCount, averagedShare = 0 }: Schedule, step: number): number {
  return Math.max(0, step + 1 - Math.floor(stepCount * (1 - averagedShare)));
}

/** Numbers of streams that one seed gives. */
const STREAM = { order: 1, noise: 2, stepSizes: 3, hyperNoise: 4 } as const;

function seedOf(seed: number, stream: number, position: number): number {
  return Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b) ^ Math.imul(position + 1, 0xc2b2ae35);
}

/**
 * Items of a step: each item once in an epoch, in an order of its own; what is left of an epoch is dropped.
 * @param count - items in all, at least `batchSize`
 */
export function batchAt(count: number, batchSize: number, seed: number): (step: number) => Uint32Array {
  const stepsPerEpoch = Math.floor(count / batchSize);
  if (stepsPerEpoch < 1) throw new RangeError(`count expected at least ${batchSize}, got ${count}`);
  let known = -1;
  let order = new Uint32Array(0);
  return (step) => {
    const epoch = Math.floor(step / stepsPerEpoch);
    if (epoch !== known) {
      order = permutation(count, seedOf(seed, STREAM.order, epoch));
      known = epoch;
    }
    const at = (step % stepsPerEpoch) * batchSize;
    return order.subarray(at, at + batchSize);
  };
}

function permutation(count: number, seed: number): Uint32Array<ArrayBuffer> {
  const random = createRandom(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const other = random.nextInteger(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** What noise is for: a latent, or the second latent of a hyperprior. */
export type NoiseStream = 'noise' | 'hyperNoise';

/** Uniform numbers in [-0.5, 0.5) for a step. */
export function noiseAt(
  count: number,
  seed: number,
  step: number,
  stream: NoiseStream = 'noise',
): Float32Array<ArrayBuffer> {
  const random = createRandom(seedOf(seed, STREAM[stream], step));
  return Float32Array.from({ length: count }, () => random.nextUniform() - 0.5);
}

/** Sizes of the latent's quantization steps that training draws from. */
export interface StepSizeRange {
  readonly smallest: number;
  readonly largest: number;
}

/** Sizes for the items of a step, drawn evenly by their logarithm. */
export function stepSizesAt(
  count: number,
  { smallest, largest }: StepSizeRange,
  seed: number,
  step: number,
): Float32Array<ArrayBuffer> {
  const random = createRandom(seedOf(seed, STREAM.stepSizes, step));
  return Float32Array.from({ length: count }, () => smallest * (largest / smallest) ** random.nextUniform());
}
