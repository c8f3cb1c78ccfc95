/** What every data set looks like to the code that evaluates on it: numbered samples with labels. */

import type { Pixels } from '@featherwire/bundle';
import type { Tensor } from '@featherwire/tensor';
import type { ExpectedBox } from '../metrics/detection.js';

/** The truth about a sample: the number of its class, its text, the classes of its places, or its boxes. */
export type Label = number | string | ClassMap | readonly ExpectedBox[];

/** Classes of all places of a picture, row by row. */
export interface ClassMap {
  readonly width: number;
  readonly height: number;
  /** Below 255, or `IGNORED_CLASS`; length `width * height`. */
  readonly classes: Uint8Array;
}

/** In place of a class: the place is not judged. */
export const IGNORED_CLASS = 255;

/** The label of samples whose labels are not read; no class and no text of a line. */
export const NO_LABEL = '';

/** Whether labels are read. */
export type LabelUse = 'needed' | 'unread';

/** The input of a sample before preprocessing. */
export type SampleInput =
  /** An encoded picture as it came: PNG, JPEG, WebP, AVIF, TIFF or GIF bytes. */
  | { readonly kind: 'encoded'; readonly bytes: Uint8Array }
  /** A decoded picture. */
  | { readonly kind: 'pixels'; readonly pixels: Pixels }
  /** An input tensor, ready for the network; its first dimension is 1. */
  | { readonly kind: 'tensor'; readonly tensor: Tensor };

/** One input with its label. */
export interface Sample<L extends Label = Label> {
  /** Unique in its data set; says where the sample comes from. */
  readonly id: string;
  readonly input: SampleInput;
  readonly label: L;
}

/** A finite list of samples; reading one twice gives the same. */
export interface DataSet<L extends Label = Label> {
  /** Short name for tables. */
  readonly name: string;
  /** Number of samples. */
  readonly length: number;
  /** One line that says which data this is, with seeds and parameters: enough to make it again. */
  readonly description: string;
  /**
   * Reads one sample.
   * @param index - from 0 to `length`, exclusive
   * @throws {RangeError} if there is no such sample
   * @throws {DataSetError} if its file cannot be read
   */
  sample(index: number): Promise<Sample<L>>;
}

/** Why data was refused. */
export type DataSetErrorCode =
  /** A file or directory does not exist. */
  | 'not-found'
  /** A file is not of the format that it should have, or two files do not fit together. */
  | 'invalid-data'
  /** A file is over a stated limit. */
  | 'over-limit';

/** Data that cannot be read; the message says what was expected and what came. */
export class DataSetError extends Error {
  override readonly name = 'DataSetError';
  readonly code: DataSetErrorCode;

  constructor(code: DataSetErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** @throws {RangeError} if a data set of `length` samples has no sample `index` */
export function checkSampleIndex(index: number, length: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= length) {
    throw new RangeError(`index expected an integer from 0 to ${length - 1}, got ${index}`);
  }
}
