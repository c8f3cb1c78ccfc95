/** Pictures as plain bytes, one after the other, with one byte of label each: the form that CIFAR-10 is passed around in. */

import { basename } from 'node:path';
import { checkSampleIndex, type DataSet, DataSetError } from './data-set.js';
import { readUnpacked } from './read-limited.js';

/** Largest file that is read, and most bytes that a compressed one may become. */
const MAX_FILE_BYTES = 2 ** 30;

/** Where the bytes are and what they are. */
export interface RawPicturesOptions {
  /** Pixels of all pictures, row by row, channels together; of a name that ends in `.gz` compressed. */
  readonly images: string;
  /** One byte a picture. */
  readonly labels: string;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/**
 * Reads pictures and labels into memory.
 * @throws {DataSetError} `not-found`; `invalid-data` if there are not as many labels as pictures, or none; `over-limit` above 1 GiB
 */
export async function openRawPictures(options: RawPicturesOptions): Promise<DataSet<number>> {
  const { width, height, channels } = options;
  const [images, labels] = [
    await readUnpacked(options.images, MAX_FILE_BYTES),
    await readUnpacked(options.labels, MAX_FILE_BYTES),
  ];
  const size = width * height * channels;
  if (labels.length === 0 || images.length !== labels.length * size) {
    throw new DataSetError(
      'invalid-data',
      `${basename(options.images)} expected ${labels.length} pictures of ${size} bytes, at least one, got ${images.length} bytes`,
    );
  }
  const name = basename(options.images);
  return {
    name,
    length: labels.length,
    description: `${labels.length} pictures of ${name}`,
    async sample(index) {
      checkSampleIndex(index, labels.length);
      const data = Uint8Array.from(images.subarray(index * size, (index + 1) * size));
      const pixels = { data, width, height, channels };
      return { id: `${name}[${index}]`, input: { kind: 'pixels', pixels }, label: labels[index] };
    },
  };
}
