/** What `bench/train-units.mjs` trains, and how the latents are coded. */

const LABELS = (weight) => ({ kind: 'labels', tensor: 'logits', weight });
const LOGITS = (weight) => ({ kind: 'squared-error', tensor: 'logits', weight });
const SAME = (tensor, weight) => ({ kind: 'squared-error', tensor, weight });

const STAGE2 = {
  network: 'resnet56_cifar10',
  tensor: 'stage2',
  unit: { levels: [{ stride: 2, width: 80, blocks: 2 }], latentChannels: 12, rectified: true },
};
/** Nothing is lost before the pointwise convolutions, and restoration is wider and deeper than the reduction. */
const STAGE2_WIDE = {
  network: 'resnet56_cifar10',
  tensor: 'stage2',
  unit: {
    levels: [{ stride: 2, width: 80, blocks: 2, filters: 4, restoring: { width: 128, blocks: 3 } }],
    latentChannels: 12,
    rectified: true,
    outerDepthwise: 'linear',
  },
};
/** From `stage2-wide` to lower rates: by wider steps alone, trained for a range of them, or for one rate. */
const STAGE2_LOWER = {
  ...STAGE2_WIDE,
  start: 'stage2-wide',
  seed: 3,
  copies: 4,
  distortion: [LABELS(10), LOGITS(0.1)],
};
const LOWER_SCHEDULE = { learningRate: 3e-3, warmUpSteps: 30, roundedShare: 1, averagedShare: 0.2 };
/** Short runs that differ in the rate's estimate, or in what it weighs. */
const STAGE2_RATES = {
  ...STAGE2,
  copies: 1,
  schedule: { stepCount: 600, learningRate: 3e-3, warmUpSteps: 100, roundedShare: 0.2 },
  lambda: 1.5e-3,
  freeBits: 0,
  distortion: [SAME('/layer3/layer3.2/Relu_1_output_0', 10)],
  codings: ['plain'],
};
const STAGE1 = {
  network: 'resnet56_cifar10',
  tensor: 'stage1',
  unit: {
    levels: [
      { stride: 2, width: 32, blocks: 1 },
      { stride: 2, width: 80, blocks: 1 },
    ],
    latentChannels: 16,
    rectified: true,
  },
};
const STAGE1_WIDE = {
  network: 'resnet56_cifar10',
  tensor: 'stage1',
  unit: {
    levels: [{ stride: 2, width: 64, blocks: 2, filters: 4, restoring: { width: 96, blocks: 3 } }],
    latentChannels: 8,
    rectified: true,
    outerDepthwise: 'linear',
  },
};
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
const LINES = {
  network: 'ppocr_rec',
  tensor: 'p2o.AveragePool.1',
  unit: { levels: [{ stride: 1, width: 128, blocks: 1 }], latentChannels: 32, rectified: false },
  batch: 10,
  copies: 1,
};

const DEFAULTS = { lambda: 5e-3, seed: 1, copies: 6, batch: 16, codings: ['contexts'] };

/**
 * Runs in order. `start` is a run before it, whose parameters it begins with; `isStart` is such a run, which is not measured;
 * `until` ends a run within its schedule. `freeSteps` are points without a unit. `stepSizes` are drawn for each item, for one
 * unit that serves a range of rates.
 */
export const PLAN = [
  {
    id: 'stage3',
    network: 'resnet56_cifar10',
    tensor: 'stage3',
    unit: { latentChannels: 4, width: 64, levelCount: 4, rectified: true },
    schedule: { stepCount: 3000, learningRate: 3e-3, warmUpSteps: 100, roundedShare: 0.5 },
    distortion: [LABELS(1), LOGITS(0.03)],
    lambda: 0,
    copies: 2,
    codings: ['packed'],
  },
  { ...STAGE2, id: 'stage2-free', freeSteps: [0.08, 0.1, 0.125, 0.18] },
  {
    ...STAGE2,
    id: 'stage2-shallow',
    isStart: true,
    batch: 32,
    schedule: { stepCount: 1500, learningRate: 3e-3, warmUpSteps: 100, roundedShare: 0.2 },
    until: 800,
    freeBits: 1600,
    distortion: [SAME('/layer3/layer3.2/Relu_1_output_0', 10)],
    targets: 'computed',
  },
  {
    ...STAGE2,
    id: 'stage2-labels',
    start: 'stage2-shallow',
    isStart: true,
    schedule: { stepCount: 6000, learningRate: 1.5e-3, warmUpSteps: 100, roundedShare: 0.35 },
    freeBits: 1350,
    distortion: [LABELS(10), LOGITS(0.1)],
  },
  {
    ...STAGE2,
    id: 'stage2',
    start: 'stage2-labels',
    seed: 2,
    schedule: { stepCount: 7000, learningRate: 1.5e-3, warmUpSteps: 100, roundedShare: 0.5 },
    freeBits: 1500,
    distortion: [LABELS(10), LOGITS(0.1)],
    codings: ['contexts', 'steps'],
  },
  {
    ...STAGE2,
    id: 'stage2-distilled',
    start: 'stage2',
    seed: 3,
    schedule: { stepCount: 4000, learningRate: 1e-3, warmUpSteps: 100, roundedShare: 1 },
    freeBits: 1540,
    distortion: [LABELS(3), { kind: 'divergence', tensor: 'logits', weight: 10 }, LOGITS(0.1)],
  },
  {
    ...STAGE2,
    id: 'stage2-longer',
    start: 'stage2',
    seed: 4,
    schedule: { stepCount: 3500, learningRate: 8e-4, warmUpSteps: 100, roundedShare: 0.6 },
    freeBits: 1570,
    distortion: [LABELS(10), LOGITS(0.1)],
    codings: ['contexts', 'steps'],
  },
  {
    ...STAGE2,
    id: 'stage2-features',
    start: 'stage2-longer',
    seed: 5,
    schedule: { stepCount: 1200, learningRate: 8e-4, warmUpSteps: 50, roundedShare: 1 },
    freeBits: 1570,
    distortion: [LABELS(10), LOGITS(0.3), SAME('stage3', 3)],
    targets: 'computed',
    codings: ['contexts', 'steps'],
  },
  {
    ...STAGE2_WIDE,
    id: 'stage2-wide-shallow',
    isStart: true,
    schedule: { stepCount: 1600, learningRate: 3e-3, warmUpSteps: 100, roundedShare: 0.2 },
    copies: 2,
    freeBits: 1700,
    distortion: [SAME('/layer3/layer3.2/Relu_1_output_0', 10)],
    targets: 'computed',
  },
  {
    ...STAGE2_WIDE,
    id: 'stage2-wide',
    start: 'stage2-wide-shallow',
    seed: 2,
    schedule: {
      stepCount: 7000,
      learningRate: 2e-3,
      warmUpSteps: 100,
      roundedShare: 0.5,
      averagedShare: 0.2,
    },
    copies: 4,
    freeBits: 1620,
    distortion: [LABELS(10), LOGITS(0.1)],
    codings: ['contexts', 'steps'],
  },
  {
    ...STAGE2_LOWER,
    id: 'stage2-coarser',
    schedule: { ...LOWER_SCHEDULE, stepCount: 0 },
    freeBits: 0,
    codings: ['range'],
  },
  {
    ...STAGE2_LOWER,
    id: 'stage2-range',
    schedule: { ...LOWER_SCHEDULE, stepCount: 600 },
    stepSizes: { smallest: 1, largest: 2.5 },
    freeBits: 1180,
    codings: ['range'],
  },
  {
    ...STAGE2_LOWER,
    id: 'stage2-lower',
    schedule: { ...LOWER_SCHEDULE, stepCount: 300 },
    freeBits: 950,
  },
  { ...STAGE2_RATES, id: 'stage2-factorized' },
  { ...STAGE2_RATES, id: 'stage2-factorized-lower', lambda: 2.5e-3 },
  { ...STAGE2_RATES, id: 'stage2-hyperprior', rate: 'hyperprior' },
  { ...STAGE1, id: 'stage1-free', copies: 1, freeSteps: [0.1, 0.14] },
  {
    ...STAGE1,
    id: 'stage1-shallow',
    isStart: true,
    schedule: { stepCount: 700, learningRate: 3e-3, warmUpSteps: 100, roundedShare: 0.2 },
    freeBits: 3000,
    distortion: [SAME('/layer2/layer2.2/Relu_1_output_0', 10)],
    targets: 'computed',
  },
  {
    ...STAGE1,
    id: 'stage1',
    start: 'stage1-shallow',
    schedule: { stepCount: 1600, learningRate: 1.5e-3, warmUpSteps: 100, roundedShare: 0.4 },
    freeBits: 2800,
    distortion: [LABELS(10), LOGITS(0.1)],
  },
  {
    ...STAGE1_WIDE,
    id: 'stage1-wide-shallow',
    isStart: true,
    schedule: { stepCount: 900, learningRate: 3e-3, warmUpSteps: 100, roundedShare: 0.2 },
    copies: 1,
    freeBits: 3300,
    distortion: [SAME('/layer2/layer2.2/Relu_1_output_0', 10)],
    targets: 'computed',
  },
  {
    ...STAGE1_WIDE,
    id: 'stage1-wide',
    start: 'stage1-wide-shallow',
    seed: 2,
    schedule: {
      stepCount: 4000,
      learningRate: 2e-3,
      warmUpSteps: 100,
      roundedShare: 0.5,
      averagedShare: 0.2,
    },
    copies: 3,
    freeBits: 3250,
    distortion: [LABELS(10), LOGITS(0.1)],
    codings: ['contexts', 'steps'],
  },
  { ...ADD36, id: 'add36-free', freeSteps: [0.06, 0.08, 0.09, 0.1, 0.11] },
  {
    ...ADD36,
    id: 'add36-shallow',
    isStart: true,
    schedule: { stepCount: 800, learningRate: 3e-3, warmUpSteps: 50, roundedShare: 0.2 },
    freeBits: 16_000,
    distortion: [SAME('conv39', 10), SAME('add36', 3)],
    targets: 'computed',
  },
  {
    ...ADD36,
    id: 'add36',
    start: 'add36-shallow',
    schedule: { stepCount: 900, learningRate: 1.5e-3, warmUpSteps: 50, roundedShare: 0.4 },
    freeBits: 16_000,
    distortion: [LOGITS(1), { kind: 'divergence', tensor: 'logits', weight: 10 }],
    codings: ['contexts', 'table'],
  },
  {
    ...ADD36,
    id: 'add36-deeper',
    start: 'add36-shallow',
    seed: 2,
    schedule: { stepCount: 900, learningRate: 2e-3, warmUpSteps: 50, roundedShare: 0.4 },
    freeBits: 24_000,
    distortion: [SAME('conv39', 3), SAME('add47', 10), SAME('add58', 10), LOGITS(0.3)],
    targets: 'computed',
    codings: ['contexts', 'table'],
  },
  {
    ...ADD36_WIDE,
    id: 'add36-wide-shallow',
    isStart: true,
    schedule: { stepCount: 1500, learningRate: 3e-3, warmUpSteps: 50, roundedShare: 0.2 },
    freeBits: 16_000,
    distortion: [SAME('conv39', 10), SAME('add36', 3)],
    targets: 'computed',
  },
  {
    ...ADD36_WIDE,
    id: 'add36-wide',
    start: 'add36-wide-shallow',
    seed: 2,
    schedule: { stepCount: 1500, learningRate: 2e-3, warmUpSteps: 50, roundedShare: 0.5 },
    freeBits: 15_000,
    distortion: [SAME('conv39', 3), SAME('add47', 10), SAME('add58', 10), LOGITS(0.3)],
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
    distortion: [SAME('conv39', 3), SAME('add47', 10), SAME('add58', 10), LOGITS(0.6)],
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
    distortion: [SAME('add47', 5), SAME('add58', 20)],
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
    distortion: [
      SAME('add47', 3),
      SAME('add58', 12),
      LOGITS(8),
      { kind: 'divergence', tensor: 'logits', weight: 8 },
    ],
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
    distortion: [
      SAME('add47', 3),
      SAME('add58', 12),
      LOGITS(8),
      { kind: 'divergence', tensor: 'logits', weight: 8 },
    ],
    codings: ['contexts', 'finer'],
  },
  {
    ...LINES,
    id: 'lines-shallow',
    isStart: true,
    schedule: { stepCount: 600, learningRate: 3e-3, warmUpSteps: 50, roundedShare: 0.2 },
    freeBits: 3000,
    distortion: [SAME('squeeze_0.tmp_0', 30), SAME('p2o.AveragePool.1', 1)],
    targets: 'computed',
  },
  {
    ...LINES,
    id: 'lines',
    start: 'lines-shallow',
    schedule: { stepCount: 800, learningRate: 1.5e-3, warmUpSteps: 50, roundedShare: 0.4 },
    freeBits: 2700,
    distortion: [SAME('squeeze_0.tmp_0', 10), { kind: 'divergence', tensor: 'p2o.Add.277', weight: 30 }],
    targets: 'computed',
  },
  {
    ...LINES,
    id: 'lines-longer',
    start: 'lines',
    copies: 4,
    seed: 2,
    schedule: { stepCount: 1600, learningRate: 1.2e-3, warmUpSteps: 50, roundedShare: 0.6 },
    freeBits: 3300,
    distortion: [SAME('squeeze_0.tmp_0', 10), { kind: 'divergence', tensor: 'p2o.Add.277', weight: 30 }],
    targets: 'computed',
  },
].map((run) => ({ ...DEFAULTS, ...run }));

/** Steps that units for a range of rates are compared at. */
const RANGE_STEPS = [1, 1.25, 1.5, 1.75, 2, 2.25, 2.5];

/** The codings of a run's latent, `lambda` being that of rate-distortion optimized quantization. */
export function codingsOf({ codings }) {
  return codings.flatMap((kind) => {
    switch (kind) {
      case 'packed':
        return [
          { name: 'packed', coder: 'packed', design: { coder: 'rans' } },
          {
            name: 'packed, 2 items a frame',
            coder: 'packed',
            together: 2,
            design: { coder: 'rans', variesInCount: true },
          },
        ];
      case 'contexts':
        return [0, 0.1, 0.2].map((lambda) => contexts(lambda, 1));
      case 'table':
        return [{ name: 'one table', lambda: 0, design: { coder: 'rans', maxLevels: 64 } }];
      case 'steps':
        return [1.2, 1.4].flatMap((stepSize) => [0, 0.1].map((lambda) => contexts(lambda, stepSize)));
      case 'finer':
        return [0.9, 0.8].map((stepSize) => contexts(0, stepSize));
      case 'plain':
        return [contexts(0, 1)];
      case 'range':
        return RANGE_STEPS.map((stepSize) => contexts(0, stepSize));
      default:
        throw new RangeError(
          `codings expected packed, contexts, table, steps, finer, plain or range, got ${kind}`,
        );
    }
  });
}

function contexts(lambda, stepSize) {
  return {
    name: `contexts, lambda ${lambda}${stepSize === 1 ? '' : `, steps of ${stepSize}`}`,
    lambda,
    design: { coder: 'rans-contexts', lambda, stepSize },
  };
}
