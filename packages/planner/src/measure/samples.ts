/** Samples as ways are measured on: read once, with the input tensor and, for pictures, the pixels of the network's size. */

import { createHash } from 'node:crypto';
import type { ImagePreprocessing } from '@featherwire/bundle';
import { type DataSet, type PreparedInput, prepareInput, type Sample } from '@featherwire/eval';
import { bytesOfData } from '@featherwire/tensor';

/** One sample, ready for the network. */
export interface PreparedSample extends PreparedInput {
  readonly sample: Sample;
}

/** Samples of one data set. */
export interface PreparedSamples {
  /** One line that says which data these are. */
  readonly description: string;
  /** SHA-256 of all inputs and labels. */
  readonly sha256: string;
  /** What everything is measured on. */
  readonly list: readonly PreparedSample[];
  /** What is designed from samples is designed on these, and never measured on them. */
  readonly design: readonly PreparedSample[];
}

/** Of so many samples one is for design. */
const DESIGN_EVERY = 4;

/** How samples are made ready. */
export interface SampleOptions {
  /** Name of the network's only input. */
  readonly input: string;
  readonly preprocessing?: ImagePreprocessing | undefined;
  /** At most as many as the data has are taken, spread evenly over it; a quarter of them for design. */
  readonly count: number;
}

/**
 * Reads samples.
 * @throws {RangeError} if there are fewer than two samples, {DataSetError} as the data set; {TypeError} if pictures come without preprocessing
 */
export async function prepareSamples(data: DataSet, options: SampleOptions): Promise<PreparedSamples> {
  const { input, preprocessing, count } = options;
  const taken = Math.min(count, data.length);
  if (taken < 2) throw new RangeError(`samples expected at least 2, got ${taken}`);
  const hash = createHash('sha256');
  const list: PreparedSample[] = [];
  const design: PreparedSample[] = [];
  for (let i = 0; i < taken; i++) {
    const sample = await data.sample(Math.floor((i * data.length) / taken));
    const prepared = await prepareInput(sample.input, { input, preprocessing });
    const tensor = prepared.feeds[input];
    hash.update(JSON.stringify([sample.label, tensor.dtype, tensor.shape]));
    hash.update(bytesOfData(tensor.data));
    (i % DESIGN_EVERY === 0 ? design : list).push({ sample, ...prepared });
  }
  const part = `, ${list.length} of them measured`;
  return { description: data.description + part, sha256: hash.digest('hex'), list, design };
}
