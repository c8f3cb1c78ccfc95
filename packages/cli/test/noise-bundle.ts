/** A bundle of the PP-OCR orientation classifier with operating points, and noise with labels to run it on. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurement } from '@featherwire/bundle';
import { addOperatingPoints } from '@featherwire/bundle/node';
import { type CodingProfile, designTensorProfile, referenceBackend, writeProfile } from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { createRandom, type Tensor, tensor, writeNpy } from '@featherwire/tensor';
import { expect } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel } from './command.js';

const SEED = 3;
export const SAMPLE_COUNT = 24;
export const INPUT_SHAPE = [1, 3, 48, 192];
export const CUT = 'p2o.Add.25'; // [1, 16, 3, 96]
export const SHAPE = ['--shape', 'x=1,3,48,192'];
export const LEVELS = 5;
export const QUANTIZER = { kind: 'uniform', levelCount: LEVELS, range: { kind: 'minmax' } } as const;
/** Made up: only `inspect` reads it. */
export const MEASURED: Measurement = {
  bytesPerSample: 1234.5,
  metric: { name: 'top-1 accuracy', value: 0.75 },
  data: 'noise',
  sampleCount: 24,
  reference: 0.76,
  loss: { value: 1, interval: [-0.5, 2.25], confidence: 0.95 },
  bytes: { p50: 1200, p95: 1300, max: 1400 },
  encodeMs: 0.123,
  bands: [
    {
      tensor: CUT,
      saturated: { mean: 0.01, low: 0, high: 0.02 },
      background: { mean: 0.5, low: 0.4, high: 0.6 },
    },
  ],
};

/** A directory with `bundle`, `inputs.npy` and their labels, and `one.npy`. */
export interface NoiseBundle {
  readonly path: string;
  readonly inputs: readonly Float32Array[];
  /** A file of the directory. */
  file(name: string): string;
  /** Runs a command in it. */
  run(...args: string[]): ReturnType<typeof featherwire>;
  remove(): Promise<void>;
}

/** Splits the classifier and adds the points `coarse`, which describes itself, and `static`, which has a profile. */
export async function createNoiseBundle(): Promise<NoiseBundle> {
  const { path, remove } = await createWorkDirectory();
  const file = (name: string): string => join(path, name);
  const run = (...args: string[]) => featherwire(args, path);
  const inputs = writeData(file);
  const { status, errors } = await run(
    ...['split', orientationModel(), '--at', CUT, ...SHAPE, '-o', 'bundle', '--task', 'classification'],
    ...['--keep-whole', '--input', 'one.npy'],
  );
  expect(status, errors).toBe(0);
  const profile = writeProfile(await designProfile(file('bundle/head.onnx'), inputs));
  await addOperatingPoints(file('bundle'), [
    { id: 'coarse', kind: 'described', coding: [{ tensor: CUT, quantizer: QUANTIZER }] },
    { id: 'static', kind: 'profiled', profile, measured: MEASURED },
  ]);
  return { path, inputs, file, run, remove };
}

/** Low-frequency noise, so that answers are not all alike, each labelled with the other class in turn. */
function writeData(file: (name: string) => string): Float32Array[] {
  const random = createRandom(SEED);
  const size = INPUT_SHAPE.reduce((product, dimension) => product * dimension);
  const inputs = Array.from({ length: SAMPLE_COUNT }, () => {
    let value = 0;
    return Float32Array.from({ length: size }, () => {
      value = 0.9 * value + 0.3 * random.nextNormal();
      return value;
    });
  });
  const all = new Float32Array(SAMPLE_COUNT * size);
  for (const [i, input] of inputs.entries()) all.set(input, i * size);
  writeFileSync(
    file('inputs.npy'),
    writeNpy(tensor('float32', [SAMPLE_COUNT, ...INPUT_SHAPE.slice(1)], all)),
  );
  const labels = Int32Array.from({ length: SAMPLE_COUNT }, (_, i) => i % 2);
  writeFileSync(file('inputs.labels.npy'), writeNpy(tensor('int32', [SAMPLE_COUNT], labels)));
  writeFileSync(file('one.npy'), writeNpy(tensor('float32', INPUT_SHAPE, inputs[0])));
  return inputs;
}

/** A static coder for the features of the first inputs. */
async function designProfile(headFile: string, inputs: readonly Float32Array[]): Promise<CodingProfile> {
  const head = await createLocalSession(headFile);
  const samples: Tensor[] = [];
  for (const data of inputs.slice(0, 4)) {
    samples.push((await head.run({ x: tensor('float32', INPUT_SHAPE, data) })).outputs[CUT]);
  }
  await head.close();
  const options = { quantizer: QUANTIZER, coder: 'rans-contexts', backend: referenceBackend } as const;
  return { tensors: [designTensorProfile(samples, options)] };
}
