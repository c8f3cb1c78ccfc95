/**
 * Data sets in NumPy files: one `.npz` with inputs and labels, or a `.npy` with inputs and another with labels.
 * The first dimension counts the samples.
 */

import { basename } from 'node:path';
import type { Pixels } from '@featherwire/bundle';
import { NpyError, readNpy, sampleOf, type Tensor } from '@featherwire/tensor';
import {
  checkSampleIndex,
  type DataSet,
  DataSetError,
  type Label,
  type LabelUse,
  NO_LABEL,
  type SampleInput,
} from './data-set.js';
import { readNpz } from './npz.js';
import { readLimited } from './read-limited.js';

/** Largest file that is read, as it is held in memory. */
const MAX_FILE_BYTES = 2 ** 31;
/** Names under which an archive may hold its arrays, the first found is taken. */
const INPUT_NAMES = ['inputs', 'x'] as const;
const LABEL_NAMES = ['labels', 'y'] as const;

/** Options of `openArrayFile`. */
export interface ArrayFileOptions {
  /** `unread`: files need none, and samples have `NO_LABEL`; by default they must be there. */
  readonly labels?: LabelUse;
  /** The labels of a `.npy`; by default the file beside it that ends in `.labels.npy` instead of `.npy`. */
  readonly labelsPath?: string;
  /**
   * What the inputs are. By default uint8 arrays of shape [N, H, W], [N, H, W, 1], [N, H, W, 3] or [N, H, W, 4]
   * are pictures and all others tensors, which go to the network as they are.
   */
  readonly content?: 'pictures' | 'tensors';
}

/**
 * Reads a data set of arrays into memory.
 * @param path - a `.npz` with `inputs` (or `x`) and `labels` (or `y`), or a `.npy` with inputs
 * @throws {DataSetError} `not-found`; `invalid-data` if a file is damaged, arrays are missing, counts differ or
 *   labels are not whole numbers; `over-limit` above 2 GiB
 */
export async function openArrayFile(path: string, options: ArrayFileOptions = {}): Promise<DataSet> {
  const { inputs, labels } = path.endsWith('.npz')
    ? await readArchive(path, options)
    : await readPair(path, options);
  const length = inputs.shape[0] ?? 0;
  const classes = labels ? labelsOf(labels) : new Array<Label>(length).fill(NO_LABEL);
  if (length === 0 || classes.length !== length) {
    throw new DataSetError(
      'invalid-data',
      `${basename(path)} expected as many labels as inputs and at least one, got ${classes.length} and ${length}`,
    );
  }
  const pictures = (options.content ?? (holdsPictures(inputs) ? 'pictures' : 'tensors')) === 'pictures';
  if (pictures && !holdsPictures(inputs)) {
    throw new DataSetError(
      'invalid-data',
      `pictures expected uint8 [N, H, W] or [N, H, W, 1 | 3 | 4] with pixels, got ${inputs.dtype} [${inputs.shape.join(', ')}]`,
    );
  }
  const name = basename(path);
  return {
    name,
    length,
    description: `${length} ${pictures ? 'pictures' : 'tensors'} of ${name}`,
    sample: async (index) => {
      checkSampleIndex(index, length);
      const row = sampleOf(inputs, index);
      const input: SampleInput = pictures
        ? { kind: 'pixels', pixels: pixelsOf(row) }
        : { kind: 'tensor', tensor: row };
      return { id: `${name}[${index}]`, input, label: classes[index] };
    },
  };
}

interface Arrays {
  readonly inputs: Tensor;
  /** Null where they are not asked for. */
  readonly labels: Tensor | null;
}

async function readArchive(path: string, { labels = 'needed' }: ArrayFileOptions): Promise<Arrays> {
  const tensors = readNpz(await readLimited(path, MAX_FILE_BYTES), { maxBytes: MAX_FILE_BYTES });
  const find = (names: readonly string[]): Tensor => {
    const name = names.find((candidate) => tensors.has(candidate));
    if (name === undefined) {
      const present = [...tensors.keys()].join(', ').slice(0, 200);
      throw new DataSetError(
        'invalid-data',
        `${basename(path)} expected ${names.join(' or ')}, got ${present}`,
      );
    }
    return tensors.get(name)!;
  };
  return { inputs: find(INPUT_NAMES), labels: labels === 'needed' ? find(LABEL_NAMES) : null };
}

async function readPair(path: string, options: ArrayFileOptions): Promise<Arrays> {
  if (options.labels === 'unread') return { inputs: await readArray(path), labels: null };
  const labelsPath = options.labelsPath ?? path.replace(/\.npy$/, '.labels.npy');
  return { inputs: await readArray(path), labels: await readArray(labelsPath) };
}

async function readArray(path: string): Promise<Tensor> {
  const bytes = await readLimited(path, MAX_FILE_BYTES);
  try {
    return readNpy(bytes);
  } catch (cause) {
    if (!(cause instanceof NpyError)) throw cause;
    throw new DataSetError('invalid-data', `${basename(path)}: ${cause.message}`, { cause });
  }
}

function labelsOf(labels: Tensor): number[] {
  const values = Array.from(labels.data, Number);
  if (labels.shape.length !== 1 || !values.every((value) => Number.isSafeInteger(value) && value >= 0)) {
    throw new DataSetError(
      'invalid-data',
      `labels expected class numbers of shape [N], got ${labels.dtype} [${labels.shape.join(', ')}]`,
    );
  }
  return values;
}

function holdsPictures({ dtype, shape }: Tensor): boolean {
  const isPicture = shape.length === 3 || (shape.length === 4 && [1, 3, 4].includes(shape[3]));
  return dtype === 'uint8' && isPicture && shape[1] > 0 && shape[2] > 0;
}

/** A row of shape [1, H, W] or [1, H, W, C] as a picture. */
function pixelsOf({ shape, data }: Tensor): Pixels {
  const [, height, width, channels = 1] = shape;
  return { data: data as Uint8Array, width, height, channels: channels as Pixels['channels'] };
}
