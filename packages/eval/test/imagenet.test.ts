/** Pictures from a folder to a known accuracy: short side 256, center 224, as ImageNet networks are measured. */

import path from 'node:path';
import type { ImagePreprocessing } from '@featherwire/bundle';
import { createWorkerSession } from '@featherwire/inference/node';
import { expect, test } from 'vitest';
import { EVAL_DIRECTORY, hasEvalAssets } from '../../../test-support/eval-assets.js';
import { openDataSet } from '../src/data/open-data-set.js';
import { tensorOfInput } from '../src/data/preparation.js';
import { topKHits } from '../src/metrics/accuracy.js';
import { pooledRatio, type Ratio } from '../src/metrics/ratio.js';

const present = hasEvalAssets('imagenet', 'models/squeezenet1_1.onnx');

const preprocessing: ImagePreprocessing = {
  kind: 'image',
  input: 'input',
  channelOrder: 'RGB',
  height: 224,
  width: 224,
  fit: 'center-crop',
  resizeShortSide: 256,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

test.skipIf(!present)('SqueezeNet has its stated accuracy on 500 pictures', async () => {
  const data = await openDataSet(path.join(EVAL_DIRECTORY, 'imagenet'));
  const session = await createWorkerSession(path.join(EVAL_DIRECTORY, 'models', 'squeezenet1_1.onnx'));
  const top1: Ratio[] = [];
  const top5: Ratio[] = [];
  try {
    for (let i = 0; i < data.length; i++) {
      const { input, label } = await data.sample(i);
      const { outputs } = await session.run({ input: await tensorOfInput(input, preprocessing) });
      top1.push(...topKHits(outputs.logits, [label as number], 1));
      top5.push(...topKHits(outputs.logits, [label as number], 5));
    }
  } finally {
    await session.close();
  }
  expect([data.length, pooledRatio(top1), pooledRatio(top5)]).toEqual([500, 0.604, 0.83]);
});
