/** Runs at `add36` of MobileNetV2, in order. */

import { divergence, logits, same } from './terms.mjs';

const ADD36 = {
  network: 'mobilenetv2_qat',
  tensor: 'add36',
  unit: {
    levels: [{ stride: 1, width: 128, blocks: 1 }],
    latentChannels: 32,
    rectified: false,
    outerDepthwise: 'linear',
  },
  batch: 10,
};
/** Restoration is wider and deeper than the reduction, and there is no more latent than two thirds of the feature. */
const ADD36_WIDE = {
  ...ADD36,
  unit: {
    levels: [{ stride: 1, width: 128, blocks: 1, filters: 2, restoring: { width: 160, blocks: 3 } }],
    latentChannels: 40,
    rectified: false,
    outerDepthwise: 'linear',
  },
};
/** More pictures, each copy another part of one, and about half of the bytes that the training-free point takes. */
const ADD36_CROPS = { ...ADD36_WIDE, variety: 'crops', copies: 12, freeBits: 18_400 };
const INSIDE_AND_ANSWERS = [same('add47', 3), same('add58', 12), logits(8), divergence('logits', 8)];

export const IMAGENET_RUNS = [
  { ...ADD36, id: 'add36-free', freeSteps: [0.06, 0.08, 0.09, 0.1, 0.11] },
  {
    ...ADD36,
    id: 'add36-shallow',
    isStart: true,
    schedule: { stepCount: 800, learningRate: 3e-3, warmUpSteps: 50, roundedShare: 0.2 },
    freeBits: 16_000,
    distortion: [same('conv39', 10), same('add36', 3)],
    targets: 'computed',
  },
  {
    ...ADD36,
    id: 'add36',
    start: 'add36-shallow',
    schedule: { stepCount: 900, learningRate: 1.5e-3, warmUpSteps: 50, roundedShare: 0.4 },
    freeBits: 16_000,
    distortion: [logits(1), divergence('logits', 10)],
    codings: ['contexts', 'table'],
  },
  {
    ...ADD36,
    id: 'add36-deeper',
    start: 'add36-shallow',
    seed: 2,
    schedule: { stepCount: 900, learningRate: 2e-3, warmUpSteps: 50, roundedShare: 0.4 },
    freeBits: 24_000,
    distortion: [same('conv39', 3), same('add47', 10), same('add58', 10), logits(0.3)],
    targets: 'computed',
    codings: ['contexts', 'table'],
  },
  {
    ...ADD36_WIDE,
    id: 'add36-wide-shallow',
    isStart: true,
    schedule: { stepCount: 1500, learningRate: 3e-3, warmUpSteps: 50, roundedShare: 0.2 },
    freeBits: 16_000,
    distortion: [same('conv39', 10), same('add36', 3)],
    targets: 'computed',
  },
  {
    ...ADD36_WIDE,
    id: 'add36-wide',
    start: 'add36-wide-shallow',
    seed: 2,
    schedule: { stepCount: 1500, learningRate: 2e-3, warmUpSteps: 50, roundedShare: 0.5 },
    freeBits: 15_000,
    distortion: [same('conv39', 3), same('add47', 10), same('add58', 10), logits(0.3)],
    targets: 'computed',
  },
  {
    ...ADD36_WIDE,
    id: 'add36-longer',
    start: 'add36-wide',
    seed: 3,
    schedule: {
      stepCount: 2400,
      learningRate: 2e-3,
      warmUpSteps: 50,
      roundedShare: 0.5,
      averagedShare: 0.2,
    },
    freeBits: 15_500,
    distortion: [same('conv39', 3), same('add47', 10), same('add58', 10), logits(0.6)],
    targets: 'computed',
  },
  {
    ...ADD36_CROPS,
    id: 'add36-crops-features',
    start: 'add36-longer',
    isStart: true,
    seed: 4,
    schedule: { stepCount: 2600, learningRate: 2e-3, warmUpSteps: 50, roundedShare: 1 },
    until: 1800,
    distortion: [same('add47', 5), same('add58', 20)],
  },
  {
    ...ADD36_CROPS,
    id: 'add36-crops',
    start: 'add36-crops-features',
    seed: 5,
    schedule: {
      stepCount: 800,
      learningRate: 7e-4,
      warmUpSteps: 20,
      roundedShare: 1,
      averagedShare: 0.15,
    },
    distortion: INSIDE_AND_ANSWERS,
    codings: ['contexts', 'finer'],
  },
  {
    ...ADD36_CROPS,
    id: 'add36-hyperprior',
    start: 'add36-crops',
    seed: 6,
    rate: 'hyperprior',
    schedule: {
      stepCount: 700,
      learningRate: 8e-4,
      warmUpSteps: 20,
      roundedShare: 1,
      averagedShare: 0.15,
    },
    freeBits: 18_000,
    distortion: INSIDE_AND_ANSWERS,
    codings: ['contexts', 'finer'],
  },
];
