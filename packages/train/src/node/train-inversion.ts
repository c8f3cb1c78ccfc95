/** Trains a decoder from features to pictures: what somebody rebuilds who has pictures of the same kind and the head. */

import type { Pixels } from '@featherwire/bundle';
import type { FittedInversion, PicturedFeature } from '@featherwire/eval';
import { createWorkerSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import { createRandom, type Tensor, tensor } from '@featherwire/tensor';
import {
  INVERSION_TENSOR,
  type InversionDecoderShape,
  inversionModel,
  inversionParameters,
  inversionStep,
} from '../inversion/inversion-decoder.js';
import { adamCorrections } from '../training/adam.js';
import { divergedAt, STEP_INPUT, STEP_OUTPUT } from '../training/step.js';
import { initialParameters } from '../units/parameters.js';

/** How to train. */
export interface InversionTraining {
  readonly stepCount: number;
  readonly seed: number;
  /** Channels between the convolutions; 64 by default. */
  readonly width?: number;
  readonly onStep?: (step: number, loss: number) => void;
  readonly signal?: AbortSignal;
}

const DEFAULT_WIDTH = 64;
const BATCH_SIZE = 32;
/** Falls to 0 along half a cosine. */
const LEARNING_RATE = 2e-3;
const BYTE_RANGE = 255;

/**
 * Trains on all samples, in the order of a seed. Features are standardized by their own mean and deviation, pictures are differences
 * from the mean one.
 * @param samples - at least one, of one shape
 * @returns a decoder in a thread of its own; to be closed
 * @throws {RangeError} if cells do not divide the picture; {TrainError} `diverged`; what `signal` was aborted with
 */
export async function trainInversion(
  samples: readonly PicturedFeature[],
  { stepCount, seed, width = DEFAULT_WIDTH, onStep, signal }: InversionTraining,
): Promise<FittedInversion> {
  const [{ feature, picture }] = samples;
  const shape: InversionDecoderShape = {
    feature: feature.shape.slice(1),
    picture: [picture.channels, picture.height, picture.width],
    width,
  };
  const scale = scaleOf(samples);
  const meanPicture = meanPictureOf(samples);
  const inputs = samples.map((sample) => scaled(sample.feature.data, scale));
  const targets = samples.map((sample) => planesOf(sample.picture, meanPicture));
  let state: Record<string, Tensor> = {};
  const vectors = [
    [STEP_INPUT.parameters, STEP_OUTPUT.parameters],
    [STEP_INPUT.firstMoment, STEP_OUTPUT.firstMoment],
    [STEP_INPUT.secondMoment, STEP_OUTPUT.secondMoment],
  ] as const;
  const first = initialParameters(inversionParameters(shape), seed);
  for (const [name] of vectors) {
    const data = name === STEP_INPUT.parameters ? first : new Float32Array(first.length);
    state[name] = tensor('float32', [first.length], data);
  }
  const random = createRandom(seed);
  const session = await createWorkerSession(serializeModel(inversionStep(shape, BATCH_SIZE)));
  try {
    for (let step = 0; step < stepCount; step++) {
      signal?.throwIfAborted();
      const drawn = Array.from({ length: BATCH_SIZE }, () => random.nextInteger(samples.length));
      const { outputs } = await session.run({
        ...state,
        [INVERSION_TENSOR.feature]: joined(
          drawn.map((i) => inputs[i]),
          shape.feature,
        ),
        [INVERSION_TENSOR.target]: joined(
          drawn.map((i) => targets[i]),
          shape.picture,
        ),
        ...scalarsOf(step, stepCount),
      });
      const loss = Number(outputs[STEP_OUTPUT.loss].data[0]);
      if (!Number.isFinite(loss)) throw divergedAt(step + 1);
      state = Object.fromEntries(vectors.map(([input, output]) => [input, outputs[output]]));
      onStep?.(step + 1, loss);
    }
  } finally {
    await session.close();
  }
  const model = inversionModel(shape, state[STEP_INPUT.parameters].data as Float32Array);
  const decoder = await createWorkerSession(serializeModel(model));
  return {
    meanPicture: pixelsOf(new Float32Array(meanPicture.length), meanPicture, picture),
    async rebuild(each) {
      const input = tensor('float32', [1, ...shape.feature], scaled(each.data, scale));
      const { outputs } = await decoder.run({ [INVERSION_TENSOR.feature]: input });
      return pixelsOf(outputs[INVERSION_TENSOR.picture].data as Float32Array, meanPicture, picture);
    },
    close: () => decoder.close(),
  };
}

function scalarsOf(step: number, stepCount: number): Record<string, Tensor> {
  const scalar = (value: number): Tensor => tensor('float32', [], Float32Array.of(value));
  const { first, second } = adamCorrections(step);
  return {
    [STEP_INPUT.learningRate]: scalar((LEARNING_RATE * (1 + Math.cos((Math.PI * step) / stepCount))) / 2),
    [STEP_INPUT.firstCorrection]: scalar(first),
    [STEP_INPUT.secondCorrection]: scalar(second),
  };
}

interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

function scaleOf(samples: readonly PicturedFeature[]): Scale {
  let [count, sum, squares] = [0, 0, 0];
  for (const { feature } of samples) {
    for (const value of feature.data) {
      sum += value;
      squares += value * value;
    }
    count += feature.data.length;
  }
  const mean = sum / count;
  return { mean, deviation: Math.sqrt(Math.max(squares / count - mean * mean, 0)) || 1 };
}

function scaled(values: Float32Array, { mean, deviation }: Scale): Float32Array {
  return values.map((value) => (value - mean) / deviation);
}

/** Bytes in the order of pixels. */
function meanPictureOf(samples: readonly PicturedFeature[]): Float64Array {
  const sums = new Float64Array(samples[0].picture.data.length);
  for (const { picture } of samples) for (let i = 0; i < sums.length; i++) sums[i] += picture.data[i];
  return sums.map((sum) => sum / samples.length);
}

/** Differences from the mean, plane by plane, 1 for the range of a byte. */
function planesOf({ data, channels }: Pixels, mean: Float64Array): Float32Array {
  const size = data.length / channels;
  return Float32Array.from({ length: data.length }, (_, i) => {
    const at = (i % size) * channels + Math.floor(i / size);
    return (data[at] - mean[at]) / BYTE_RANGE;
  });
}

function pixelsOf(planes: Float32Array, mean: Float64Array, like: Pixels): Pixels {
  const { channels } = like;
  const size = planes.length / channels;
  const data = new Uint8ClampedArray(planes.length);
  for (let i = 0; i < planes.length; i++) {
    const at = (i % size) * channels + Math.floor(i / size);
    data[at] = mean[at] + BYTE_RANGE * planes[i];
  }
  return { ...like, data };
}

function joined(list: readonly Float32Array[], shape: readonly number[]): Tensor {
  const data = new Float32Array(list.length * list[0].length);
  for (const [i, each] of list.entries()) data.set(each, i * each.length);
  return tensor('float32', [list.length, ...shape], data);
}
