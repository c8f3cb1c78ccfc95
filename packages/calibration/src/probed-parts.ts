/** Sensitivities of all tensors of a cut, within a budget of tail runs. */

import type { BlockSize } from '@featherwire/codec';
import { deviationOf, type TensorSamples } from './families.js';
import { isGraded } from './output-distance.js';
import { type ProbedSample, probeChannels, probeFrequencies } from './sensitivity.js';
import type { SplitSamples } from './split-samples.js';

/** Damage by squared error of the parts of one tensor. */
export interface ProbedParts {
  readonly channels: Float64Array;
  /** By block size, frequencies row by row. */
  readonly frequencies: ReadonlyMap<BlockSize, Float64Array>;
}

/** Runs of the tail in all, about, and elements of outputs that are compared in them. */
const RUN_BUDGET = 4_096;
const OUTPUT_BUDGET = 2 ** 28;
const MIN_SAMPLES = 2;
const MAX_SAMPLES = 24;

/**
 * Measures them on design samples.
 * @param blockSizes - of the frequencies; none for tensors that are no maps
 * @returns null if the network's outputs are not graded, so that they do not tell small errors
 */
export async function probeParts(
  samples: SplitSamples,
  cut: readonly TensorSamples[],
  blockSizes: readonly BlockSize[],
  options: {
    /** Whether channels are probed too; their damage is 0 without. */
    readonly channels?: 'probed' | 'unprobed';
    readonly seed?: number;
    readonly progress?: { progress(done: number, total: number): void };
  },
): Promise<ProbedParts[] | null> {
  const { bench, parts, task } = samples;
  const [first] = await bench.reference(parts.design.slice(0, 1));
  if (!isGraded(first, task)) return null;
  const outputElements = Object.values(first).reduce((sum, { data }) => sum + data.length, 0);
  const isProbed = (options.channels ?? 'probed') === 'probed';
  const partCount = cut.reduce(
    (sum, { samples: [{ shape }] }) =>
      sum +
      (isProbed ? shape[channelAxisOf(shape)] : 0) +
      blockSizes.reduce((all, size) => all + size * size, 0),
    0,
  );
  const count = Math.min(
    MAX_SAMPLES,
    parts.design.length,
    Math.max(MIN_SAMPLES, Math.floor(Math.min(RUN_BUDGET, OUTPUT_BUDGET / outputElements) / partCount)),
  );
  const probed = await probedSamples(samples, parts.design.slice(0, count));
  const total = count * cut.length * ((isProbed ? 1 : 0) + blockSizes.length);
  let done = 0;
  const results: ProbedParts[] = [];
  for (const [i, tensor] of cut.entries()) {
    const probing = {
      samples: probed,
      tensor: bench.tensorNames[i],
      deviation: deviationOf(tensor),
      isRectified: tensor.statistics.low >= 0,
      run: bench.run,
      distance: bench.distance,
      seed: options.seed ?? 1,
      onDone: () => {
        bench.signal.throwIfAborted();
        options.progress?.progress(++done, total);
      },
    };
    const frequencies = new Map<BlockSize, Float64Array>();
    for (const size of blockSizes) frequencies.set(size, await probeFrequencies(probing, size));
    const axis = channelAxisOf(tensor.samples[0].shape);
    const channels = isProbed
      ? await probeChannels(probing, axis)
      : new Float64Array(tensor.samples[0].shape[axis]);
    results.push({ channels, frequencies });
  }
  return results;
}

async function probedSamples({ bench }: SplitSamples, numbers: readonly number[]): Promise<ProbedSample[]> {
  const references = await bench.reference(numbers);
  const probed: ProbedSample[] = [];
  for (const [i, number] of numbers.entries()) {
    const feature = await bench.features(number);
    const feeds = Object.fromEntries(bench.tensorNames.map((name, k) => [name, feature[k]]));
    probed.push({ feeds, reference: references[i] });
  }
  return probed;
}

/** Channels are the second dimension of maps [N, C, H, W] and vectors [N, C], else the last one. */
export function channelAxisOf(shape: readonly number[]): number {
  return shape.length === 4 || shape.length === 2 ? 1 : shape.length - 1;
}
