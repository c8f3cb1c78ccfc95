/**
 * What errors in a part of a cut tensor do to the output, measured: noise is added to one frequency of all blocks, or to one
 * channel, of real features, and the tail runs on them. The damage grows with the square of small errors, so that damage over
 * squared error is a property of the part, and steps follow from it (`spectral-design.ts`).
 */

import type { BlockSize } from '@featherwire/codec';
import type { BatchRun } from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import { createRandom, type Tensor, type TensorOf } from '@featherwire/tensor';
import type { OutputDistance } from './output-distance.js';

/** A sample with what the unsplit network makes of it. */
export interface ProbedSample {
  /** What the tail takes. */
  readonly feeds: TensorMap;
  readonly reference: TensorMap;
}

/** What probing needs. */
export interface ProbeOptions {
  readonly samples: readonly ProbedSample[];
  /** Name of the tensor. */
  readonly tensor: string;
  /** Standard deviation of the tensor's elements. */
  readonly deviation: number;
  readonly isRectified: boolean;
  readonly run: BatchRun;
  readonly distance: OutputDistance;
  readonly seed: number;
  /** Called after each sample. */
  readonly onDone: () => void;
}

/** Noise of elements and coefficients, in standard deviations of the elements: about that of coarse steps. */
const NOISE = 0.35;
/** Probes that go to the tail in one call. */
const PROBES_PER_CALL = 32;

/** Adds the noise of a part to the values of a tensor. */
type Disturb = (values: Float32Array, shape: Tensor['shape'], normal: () => number) => void;

/** Damage by squared error for each channel of a tensor. @param axis - of the channels */
export function probeChannels(options: ProbeOptions, axis: number): Promise<Float64Array> {
  const { shape } = options.samples[0].feeds[options.tensor];
  const amplitude = NOISE * options.deviation;
  return probe(options, shape[axis], (channel) => (values, own, normal) => {
    const inner = own.slice(axis + 1).reduce((product, dimension) => product * dimension, 1);
    const channels = shape[axis];
    for (let i = channel * inner; i < values.length; i += channels * inner) {
      for (let k = 0; k < inner; k++) values[i + k] += amplitude * normal();
    }
  });
}

/** Damage by squared error for each frequency of a tensor's planes. */
export function probeFrequencies(options: ProbeOptions, blockSize: BlockSize): Promise<Float64Array> {
  const amplitude = NOISE * options.deviation;
  return probe(options, blockSize * blockSize, (frequency) => {
    const wave = waveOf(frequency, blockSize);
    return (values, shape, normal) => {
      const [rows, columns] = shape.slice(-2);
      for (let first = 0; first < values.length; first += rows * columns) {
        forEachBlock(rows, columns, blockSize, (row, column) => {
          const noise = amplitude * normal();
          for (let i = 0; i < blockSize && row + i < rows; i++) {
            for (let j = 0; j < blockSize && column + j < columns; j++)
              values[first + (row + i) * columns + column + j] += noise * wave[i * blockSize + j];
          }
        });
      }
    };
  });
}

async function probe(
  { samples, tensor, run, distance, isRectified, seed, onDone }: ProbeOptions,
  partCount: number,
  disturbOf: (part: number) => Disturb,
): Promise<Float64Array> {
  const random = createRandom(seed);
  const normal = (): number => random.nextNormal();
  const disturb = Array.from({ length: partCount }, (_, part) => disturbOf(part));
  const damage = new Float64Array(partCount);
  const errors = new Float64Array(partCount);
  for (const { feeds, reference } of samples) {
    const own = feeds[tensor] as TensorOf<'float32'>;
    for (let from = 0; from < partCount; from += PROBES_PER_CALL) {
      const parts = disturb.slice(from, from + PROBES_PER_CALL);
      const probes = parts.map((change) => disturbed(own, change, normal, isRectified));
      const outputs = await run(probes.map((changed) => ({ ...feeds, [tensor]: changed })));
      outputs.forEach((output, i) => {
        damage[from + i] += distance(reference, output);
        errors[from + i] += squaredError(own.data, probes[i].data);
      });
    }
    onDone();
  }
  return damage.map((sum, part) => (errors[part] > 0 ? sum / errors[part] : 0));
}

function disturbed(
  { shape, data }: TensorOf<'float32'>,
  change: Disturb,
  normal: () => number,
  isRectified: boolean,
): TensorOf<'float32'> {
  const values = data.slice();
  change(values, shape, normal);
  if (isRectified) for (let i = 0; i < values.length; i++) values[i] = Math.max(0, values[i]);
  return { dtype: 'float32', shape, data: values };
}

function squaredError(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** The orthonormal cosine of a frequency in a block. */
function waveOf(frequency: number, size: BlockSize): Float64Array {
  const cosine = (k: number, i: number): number =>
    Math.sqrt((k === 0 ? 1 : 2) / size) * Math.cos(((2 * i + 1) * k * Math.PI) / (2 * size));
  const [u, v] = [Math.floor(frequency / size), frequency % size];
  return Float64Array.from(
    { length: size * size },
    (_, at) => cosine(u, Math.floor(at / size)) * cosine(v, at % size),
  );
}

function forEachBlock(
  rows: number,
  columns: number,
  size: number,
  visit: (row: number, column: number) => void,
): void {
  for (let row = 0; row < rows; row += size)
    for (let column = 0; column < columns; column += size) visit(row, column);
}
