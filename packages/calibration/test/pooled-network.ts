/**
 * A split network in plain TypeScript whose tail is known: averages over the rows and columns of each channel, then a linear
 * map to scores. Of its cut only the averages matter, and of some channels nothing.
 */

import type { Sample } from '@featherwire/eval';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import { createRandom, type Tensor, type TensorOf } from '@featherwire/tensor';

const CHANNELS = 12;
const SIDE = 8;
const CLASSES = 5;
/** Channels from here on have no weight. */
const LIVE_CHANNELS = 9;

const CUT = { name: 'cut', dtype: 'float32', shape: ['N', CHANNELS, SIDE, SIDE] } as const;

/** What calibration asks of the manifest of a bundle with this network. */
export const pooledManifest = {
  inputs: [{ ...CUT, name: 'x' }],
  cut: [CUT],
  task: { kind: 'classification', output: 'scores' },
} as const;

const random = createRandom(11);
const WEIGHTS = Array.from({ length: CLASSES * CHANNELS }, (_, at) =>
  at % CHANNELS < LIVE_CHANNELS ? random.nextNormal() : 0,
);

function session(
  input: string,
  output: string,
  shapes: [number[], number[]],
  run: (x: Tensor) => Tensor,
): ModelSession {
  const spec = (name: string, shape: number[]) => ({
    name,
    dtype: 'float32' as const,
    shape: ['N', ...shape],
  });
  return {
    inputs: [spec(input, shapes[0])],
    outputs: [spec(output, shapes[1])],
    run: async (feeds: TensorMap) => ({ outputs: { [output]: run(feeds[input]) }, runMs: 0 }),
    close: async () => {},
  };
}

/** The head rectifies; the tail averages. */
export function pooledNetwork(): { head: ModelSession; tail: ModelSession } {
  const feature = [CHANNELS, SIDE, SIDE];
  return {
    head: session('x', 'cut', [feature, feature], ({ shape, data }) => ({
      dtype: 'float32',
      shape,
      data: (data as Float32Array).map((value) => Math.max(0, value)),
    })),
    tail: session('cut', 'scores', [feature, [CLASSES]], (x) => {
      const { shape, data } = x as TensorOf<'float32'>;
      const size = SIDE * SIDE;
      const scores = new Float32Array(shape[0] * CLASSES);
      for (let n = 0; n < shape[0]; n++) {
        for (let channel = 0; channel < CHANNELS; channel++) {
          let sum = 0;
          const start = (n * CHANNELS + channel) * size;
          for (let i = start; i < start + size; i++) sum += data[i];
          for (let k = 0; k < CLASSES; k++)
            scores[n * CLASSES + k] += (4 * WEIGHTS[k * CHANNELS + channel] * sum) / size;
        }
      }
      return { dtype: 'float32', shape: [shape[0], CLASSES], data: scores };
    }),
  };
}

/** Inputs: noise about a level of each channel, labelled at random unless the network's answers are asked for. */
export async function sampleOf(index: number): Promise<Sample> {
  const noise = createRandom(1000 + index);
  const levels = Array.from({ length: CHANNELS }, () => noise.nextNormal());
  const data = Float32Array.from(
    { length: CHANNELS * SIDE * SIDE },
    (_, i) => levels[Math.floor(i / (SIDE * SIDE))] + 0.5 * noise.nextNormal(),
  );
  const input = { dtype: 'float32', shape: [1, CHANNELS, SIDE, SIDE], data } as const;
  return { id: `${index}`, input: { kind: 'tensor', tensor: input }, label: index % CLASSES };
}

/** A data set of so many samples, the first of them number `from`. */
export const noises = (length: number, from = 0) => ({
  name: 'noise',
  length,
  description: `${length} noises`,
  sample: (index: number) => sampleOf(from + index),
});
