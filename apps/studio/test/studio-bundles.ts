/** A network that says which color a picture has most of, cut in two places. */

import path from 'node:path';
import { EXIT_CONFIDENCE, type Measurement } from '@featherwire/bundle';
import { type NodeBundle, setExit, writeBundle } from '@featherwire/bundle/node';
import { designTensorProfile, referenceBackend, writeProfile } from '@featherwire/codec';
import { createRandom, tensor } from '@featherwire/tensor';
import { PLAIN_PREPROCESSING } from '../../../test-support/pictures.js';
import { type TinyValue, tinyOnnx } from '../../../test-support/tiny-onnx.js';

/** Side of the pictures that the network takes. */
export const SIDE = 16;
const SHAPE = [1, 3, SIDE, SIDE] as const;
const value = (name: string, shape: readonly (number | string)[] = SHAPE): TinyValue => ({
  ...{ name, dtype: 'float32' },
  shape,
});
const [pixels, bright, squared, means, scores] = [
  value('pixels'),
  value('bright'),
  value('squared'),
  value('means', [1, 3, 1, 1]),
  value('scores', [1, 3]),
];

/** Operators in order: relu, square, mean of each channel, one row of scores. */
const NODES = [
  { op: 'Relu', inputs: ['pixels'], outputs: ['bright'] },
  { op: 'Mul', inputs: ['bright', 'bright'], outputs: ['squared'] },
  { op: 'GlobalAveragePool', inputs: ['squared'], outputs: ['means'] },
  { op: 'Flatten', inputs: ['means'], outputs: ['scores'] },
];
/** Cuts with the number of operators before them. */
const CUTS = { bright: [bright, 1], squared: [squared, 2], means: [means, 3] } as const;

/** Writes the bundle of one cut, with the whole network and points of two rates. */
export async function writeColorBundle(root: string, cut: keyof typeof CUTS): Promise<NodeBundle> {
  const [feature, before] = CUTS[cut];
  const spec = { name: feature.name, dtype: 'float32' as const, shape: feature.shape };
  return writeBundle(path.join(root, cut), {
    manifest: {
      model: { name: 'colors', sha256: '0'.repeat(64), bytes: 1 },
      inputs: [{ name: 'pixels', dtype: 'float32', shape: SHAPE }],
      cut: [spec],
      outputs: [{ name: 'scores', dtype: 'float32', shape: scores.shape }],
      preprocessing: { ...PLAIN_PREPROCESSING, input: 'pixels', height: SIDE, width: SIDE },
      task: { kind: 'classification', output: 'scores', classes: ['red', 'green', 'blue'] },
      operatingPoints: [
        { id: 'fine', kind: 'profiled', profile: profileOf(spec.shape, 16), measured: measured(500, 0.9) },
        { id: 'coarse', kind: 'profiled', profile: profileOf(spec.shape, 3), measured: measured(150, 0.8) },
      ],
      verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
    },
    parts: {
      head: part(tinyOnnx([pixels], [feature], NODES.slice(0, before))),
      tail: part(tinyOnnx([feature], [scores], NODES.slice(before))),
      whole: part(tinyOnnx([pixels], [scores], NODES)),
    },
  });
}

/** Confidence from which the exit of a bundle answers: between those of noise and of a light picture. */
export const EXIT_THRESHOLD = 0.5;

/** The bundle of the cut `means` with an exit: the tail itself, as sure as the strongest color is bright. */
export async function writeExitBundle(root: string): Promise<NodeBundle> {
  const { directory } = await writeColorBundle(root, 'means');
  const [feature, before] = CUTS.means;
  const model = tinyOnnx(
    [feature],
    [scores, value(EXIT_CONFIDENCE, [1, 1])],
    [...NODES.slice(before), { op: 'ReduceMax', inputs: ['scores'], outputs: [EXIT_CONFIDENCE] }],
  );
  return setExit(directory, { ...part(model), macs: 0, threshold: EXIT_THRESHOLD });
}

/** Made up: what the page draws must come from somewhere. */
function measured(bytesPerSample: number, accuracy: number): Measurement {
  return {
    ...{ bytesPerSample, data: 'colors', sampleCount: 4, reference: 0.95 },
    metric: { name: 'top-1 accuracy', value: accuracy },
    loss: { value: 100 * (0.95 - accuracy), interval: [0, 20], confidence: 0.95 },
  };
}

function profileOf(shape: readonly (number | string)[], levelCount: number): Uint8Array {
  const sizes = shape.map(Number);
  const random = createRandom(3);
  const data = Float32Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, () => random.nextUniform());
  const designed = designTensorProfile([tensor('float32', sizes, data)], {
    quantizer: { kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high: 1 } },
    backend: referenceBackend,
  });
  return writeProfile({ tensors: [designed] });
}

function part(model: Uint8Array): { model: Uint8Array; parameters: number; macs: null } {
  return { model, parameters: 0, macs: null };
}
