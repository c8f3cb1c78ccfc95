/**
 * Gray pictures with classes in IDX files, the form of MNIST (http://yann.lecun.com/exdb/mnist): a magic number, the sizes as
 * big-endian integers, then bytes. Fashion-MNIST as Debian's package `dataset-fashion-mnist` installs it has its own opener.
 */

import { basename, join } from 'node:path';
import { checkSampleIndex, type DataSet, DataSetError } from './data-set.js';
import { readUnpacked } from './read-limited.js';

/** Largest file that is read, and most bytes that a compressed one may become. */
const MAX_FILE_BYTES = 2 ** 30;
/** Unsigned bytes; the fourth byte of the magic number counts the dimensions. */
const IDX_BYTES = 0x08_00;

/** Where the files are; those whose names end in `.gz` are compressed. */
export interface IdxPicturesOptions {
  /** Unsigned bytes [N, H, W]. */
  readonly images: string;
  /** Unsigned bytes [N]. */
  readonly labels: string;
  /** Short name for tables; that of the file of images by default. */
  readonly name?: string;
}

/**
 * Reads pictures and labels into memory.
 * @throws {DataSetError} `not-found`; `invalid-data` on other files, without pixels, or if there are not as many labels as
 *   pictures; `over-limit` above 1 GiB
 */
export async function openIdxPictures(options: IdxPicturesOptions): Promise<DataSet<number>> {
  const images = await readIdx(options.images, 3);
  const labels = await readIdx(options.labels, 1);
  const { name = basename(options.images) } = options;
  const [length, height, width] = images.shape;
  const size = height * width;
  if (length !== labels.shape[0] || images.bytes.length === 0) {
    throw new DataSetError(
      'invalid-data',
      `${name} expected as many labels as pictures and at least one, got ${labels.shape[0]} and ${length} of ${size} pixels`,
    );
  }
  return {
    name,
    length,
    description: `${length} pictures of ${name}`,
    async sample(index) {
      checkSampleIndex(index, length);
      const data = Uint8Array.from(images.bytes.subarray(index * size, (index + 1) * size));
      const pixels = { data, width, height, channels: 1 as const };
      return { id: `${name}[${index}]`, input: { kind: 'pixels', pixels }, label: labels.bytes[index] };
    },
  };
}

/** Where Debian's package `dataset-fashion-mnist` puts its files. */
export const FASHION_MNIST_DIRECTORY = '/usr/share/datasets/fashion-mnist';

/** First part of the names of the files of each part: 60,000 and 10,000 pictures. */
const FASHION_MNIST_FILES = { calibration: 'train', test: 't10k' } as const;

/**
 * Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): 28 × 28 gray pictures of ten kinds of clothes.
 * @param part - `calibration` is the published training part
 * @throws {DataSetError} `not-found` where the package is not installed, and as `openIdxPictures`
 */
export async function openFashionMnist(
  part: keyof typeof FASHION_MNIST_FILES,
  directory: string = FASHION_MNIST_DIRECTORY,
): Promise<DataSet<number>> {
  const file = (kind: string): string => join(directory, `${FASHION_MNIST_FILES[part]}-${kind}-ubyte.gz`);
  const name = `Fashion-MNIST (${part})`;
  try {
    return await openIdxPictures({ images: file('images-idx3'), labels: file('labels-idx1'), name });
  } catch (cause) {
    if (!(cause instanceof DataSetError && cause.code === 'not-found')) throw cause;
    throw new DataSetError('not-found', `Debian's package dataset-fashion-mnist: ${cause.message}`, {
      cause,
    });
  }
}

async function readIdx(file: string, rank: number): Promise<{ shape: number[]; bytes: Uint8Array }> {
  const content = await readUnpacked(file, MAX_FILE_BYTES);
  const start = 4 * (rank + 1);
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const magic = content.length < 4 ? null : view.getUint32(0);
  if (magic !== IDX_BYTES + rank || content.length < start) {
    const got = magic === null ? `${content.length} bytes` : `magic number ${magic}, ${content.length} bytes`;
    throw new DataSetError(
      'invalid-data',
      `${basename(file)} expected IDX bytes of ${rank} dimensions, got ${got}`,
    );
  }
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 * (i + 1)));
  const bytes = content.subarray(start);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  if (bytes.length !== count) {
    throw new DataSetError('invalid-data', `${basename(file)} expected ${count} bytes, got ${bytes.length}`);
  }
  return { shape, bytes };
}
