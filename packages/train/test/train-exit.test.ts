/** Exits of networks whose answers are known: one that a linear map of means gives, and one that it cannot. */

import type { BundleManifest } from '@featherwire/bundle';
import { openSamples, type SplitSamples } from '@featherwire/calibration';
import { createCodingProfile, referenceBackend } from '@featherwire/codec';
import type { ModelSession } from '@featherwire/inference';
import { createLocalSession } from '@featherwire/inference/node';
import { modelOfRecord, type NodeRecord, serializeModel } from '@featherwire/onnx';
import { createRandom, type Tensor, tensor } from '@featherwire/tensor';
import { afterEach, describe, expect, test } from 'vitest';
import { trainExit } from '../src/node/exit/train-exit.js';
import { node } from './check-gradient.js';

const CUT = { name: 'feature', dtype: 'float32', shape: ['N', 3, 4, 4] } as const;
const SCORES = { name: 'scores', dtype: 'float32', shape: ['N', 3] } as const;
const INPUT = { ...CUT, name: 'x' };
const SAMPLES = 480;
const MAX_LOSS = 5;

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** Scores are what `tail` makes of the feature. */
async function openTask(
  tail: readonly NodeRecord[],
  weights: readonly [string, Tensor][] = [],
): Promise<SplitSamples> {
  const session = async (
    inputs: readonly (typeof INPUT)[],
    nodes: readonly NodeRecord[],
    output: typeof CUT | typeof SCORES,
  ): Promise<ModelSession> => {
    const own = new Map(nodes === tail ? weights : []);
    const record = { name: 'part', opset: 13, inputs, nodes, outputs: [output], weights: own };
    const created = await createLocalSession(serializeModel(modelOfRecord(record)));
    opened.push(created);
    return created;
  };
  const samples = await openSamples({
    source: {
      manifest: { inputs: [INPUT], cut: [CUT], task: MANIFEST.task! },
      head: await session([INPUT], [node('Identity', ['x'], CUT.name)], CUT),
      tail: await session([{ ...CUT, name: CUT.name } as unknown as typeof INPUT], tail, SCORES),
      data: {
        name: 'noise',
        description: 'noise with means',
        length: SAMPLES,
        async sample(i) {
          return { id: `${i}`, input: { kind: 'tensor', tensor: featureOf(i) }, label: 0 };
        },
      },
      truth: 'agreement',
    },
    backend: referenceBackend,
    designShare: 0.5,
  });
  opened.unshift(samples);
  return samples;
}

const MANIFEST: Pick<BundleManifest, 'cut' | 'outputs' | 'task'> = {
  cut: [CUT],
  outputs: [SCORES],
  task: { kind: 'classification', output: 'scores' },
};

/** Noise around a mean for each channel. */
function featureOf(seed: number): Tensor {
  const random = createRandom(seed + 1);
  const data = new Float32Array(3 * 16);
  for (let channel = 0; channel < 3; channel++) {
    const mean = random.nextNormal();
    for (let place = 0; place < 16; place++) data[channel * 16 + place] = mean + 0.3 * random.nextNormal();
  }
  return tensor('float32', [1, 3, 4, 4], data);
}

const MEANS = [node('GlobalAveragePool', [CUT.name], 'places'), node('Flatten', ['places'], 'means')];

describe('an exit', () => {
  test('answers most of what a linear map of means tells, and keeps to the loss', async () => {
    const samples = await openTask(
      [...MEANS, node('Mul', ['means', 'factor'], 'scores')],
      [['factor', tensor('float32', [1], Float32Array.of(4))]],
    );
    const affine = { levelCount: 16, offset: -4, step: 0.5, zeroPoint: 8 };
    const profile = createCodingProfile([
      {
        ...{ dtype: 'float32', shape: [1, 3, 4, 4], quantizer: { kind: 'affine', affine } },
        ...{ thresholds: null, coder: null },
      },
    ]);
    const points = [{ id: 'coarse', coding: { profile, lambda: 0 } }];
    const trained = await trainExit({ manifest: MANIFEST, samples, points, maxLoss: MAX_LOSS });
    expect(trained).not.toBeNull();
    const { source, measured, selection, heldOut, points: effects, answered, lost } = trained!;
    expect(heldOut.value).toBeGreaterThan(0.9);
    expect(measured.answeredShare).toBeGreaterThan(0.5);
    expect(measured.answeredShare).toBe(answered / samples.parts.claim.length);
    expect(measured.loss?.value).toBeCloseTo((100 * lost) / samples.parts.claim.length, 9);
    expect(100 * (selection.lost / samples.parts.selection.length)).toBeLessThan(MAX_LOSS);
    const [{ bytesPerDecision, bytesPerSample, bytesPerSent }] = effects;
    expect(bytesPerDecision).toBeCloseTo((1 - measured.answeredShare) * (bytesPerSent ?? 0), 6);
    expect(bytesPerDecision).toBeLessThan(bytesPerSample);
    // What is written is what was measured: sure of a plain case, with the scores under the network's name.
    const session = await createLocalSession(source.model);
    opened.push(session);
    const plain = Float32Array.from({ length: 48 }, (_, i) => (i >= 16 && i < 32 ? 3 : 0));
    const { outputs } = await session.run({ feature: tensor('float32', [1, 3, 4, 4], plain) });
    expect(outputs.exit_confidence.data[0]).toBeGreaterThanOrEqual(source.threshold);
    expect(outputs.scores.data.indexOf(Math.max(...(outputs.scores.data as Float32Array)) as never)).toBe(1);
  });

  test('gives probabilities where the network does', async () => {
    const samples = await openTask(
      [
        ...MEANS,
        node('Mul', ['means', 'factor'], 'logits'),
        node('Softmax', ['logits'], 'scores', { axis: 1 }),
      ],
      [['factor', tensor('float32', [1], Float32Array.of(4))]],
    );
    const trained = await trainExit({ manifest: MANIFEST, samples, maxLoss: MAX_LOSS });
    const session = await createLocalSession(trained!.source.model);
    opened.push(session);
    const { outputs } = await session.run({ feature: featureOf(9) });
    const sum = (outputs.scores.data as Float32Array).reduce((total, value) => total + value, 0);
    expect(sum).toBeCloseTo(1, 5);
    expect(Math.max(...(outputs.scores.data as Float32Array))).toBe(outputs.exit_confidence.data[0]);
  });

  test('answers next to nothing where means tell nothing of the answer', async () => {
    // Squares of deviations from the mean hold nothing of the mean itself.
    const samples = await openTask([
      ...MEANS,
      node('Sub', [CUT.name, 'places'], 'deviation'),
      node('Mul', ['deviation', 'deviation'], 'squares'),
      node('ReduceMean', ['squares'], 'scores', { axes: [2, 3], keepdims: 0 }),
    ]);
    const trained = await trainExit({ manifest: MANIFEST, samples, maxLoss: MAX_LOSS });
    expect(trained?.measured.answeredShare ?? 0).toBeLessThan(0.1);
  });

  test('wants a classifier, a loss that can be kept to, and samples enough', async () => {
    const samples = await openTask([...MEANS, node('Identity', ['means'], 'scores')]);
    const { task: _, ...without } = MANIFEST;
    await expect(trainExit({ manifest: without, samples, maxLoss: MAX_LOSS })).rejects.toThrow(
      'task expected classification, got none',
    );
    await expect(trainExit({ manifest: MANIFEST, samples, maxLoss: 0.5 })).rejects.toThrow(
      'samples expected at least 598',
    );
    for (const maxLoss of [0, 100, Number.NaN]) {
      await expect(trainExit({ manifest: MANIFEST, samples, maxLoss })).rejects.toThrow(
        `maxLoss expected a number above 0 and below 100, got ${maxLoss}`,
      );
    }
  });
});
