/** Runs at a cut of the text recognizer, in order. */

import { divergence, same } from './terms.mjs';

const LINES = {
  network: 'ppocr_rec',
  tensor: 'p2o.AveragePool.1',
  unit: { levels: [{ stride: 1, width: 128, blocks: 1 }], latentChannels: 32, rectified: false },
  batch: 10,
  copies: 1,
};

export const TEXT_LINE_RUNS = [
  {
    ...LINES,
    id: 'lines-shallow',
    isStart: true,
    schedule: { stepCount: 600, learningRate: 3e-3, warmUpSteps: 50, roundedShare: 0.2 },
    freeBits: 3000,
    distortion: [same('squeeze_0.tmp_0', 30), same('p2o.AveragePool.1', 1)],
    targets: 'computed',
  },
  {
    ...LINES,
    id: 'lines',
    start: 'lines-shallow',
    schedule: { stepCount: 800, learningRate: 1.5e-3, warmUpSteps: 50, roundedShare: 0.4 },
    freeBits: 2700,
    distortion: [same('squeeze_0.tmp_0', 10), divergence('p2o.Add.277', 30)],
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
    distortion: [same('squeeze_0.tmp_0', 10), divergence('p2o.Add.277', 30)],
    targets: 'computed',
  },
];
