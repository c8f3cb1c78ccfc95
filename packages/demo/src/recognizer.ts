/**
 * The network of the demo: PP-OCRv4 text recognition, made to answer with the best character of each step instead
 * of a megabyte of scores, cut at a tensor, proven, and written as a bundle.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type NodeBundle, writeBundle } from '@featherwire/bundle/node';
import { findPpOcrFiles, PP_OCR_INPUT, ppOcrPreprocessing, readPpOcrAlphabet } from '@featherwire/eval';
import { createWorkerSession } from '@featherwire/inference/node';
import {
  appendArgMax,
  declaredOutputs,
  inferShapes,
  type ModelProto,
  modelCost,
  parseModel,
  type ShapeTable,
  serializeModel,
  splitModel,
  verifySplit,
  withInputShapes,
} from '@featherwire/onnx';
import { LINE_WIDTH, SCORES_AXIS } from './scenario.js';

/** The recognizer for lines of one width, with what is needed to cut and judge it. */
export interface Recognizer {
  /** Answers with characters, int32 [1, steps]. */
  readonly model: ModelProto;
  /** As published, with its input's shape fixed: answers with scores. */
  readonly scoring: ModelProto;
  readonly shapes: ShapeTable;
  readonly alphabet: readonly string[];
  /** Name of the output that holds the characters. */
  readonly output: string;
  readonly source: { readonly name: string; readonly sha256: string; readonly bytes: number };
}

/** Loads the recognizer from its npm package. @throws if the package is not installed as expected */
export async function loadRecognizer(): Promise<Recognizer> {
  const files = findPpOcrFiles();
  const bytes = await readFile(files.recognizer);
  const scoring = withInputShapes(parseModel(bytes), { [PP_OCR_INPUT]: [1, 3, 48, LINE_WIDTH] });
  const [scores] = declaredOutputs(scoring);
  const scoringShapes = await inferShapes(scoring, { sessions: createWorkerSession });
  const model = appendArgMax(scoring, scores.name, { axis: SCORES_AXIS, shapes: scoringShapes });
  return {
    model,
    scoring,
    shapes: await inferShapes(model, { sessions: createWorkerSession }),
    alphabet: await readPpOcrAlphabet(files.dictionary),
    output: declaredOutputs(model)[0].name,
    source: {
      name: 'PP-OCRv4 recognition',
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
    },
  };
}

/**
 * Cuts the recognizer at a tensor, proves on its scores that head and tail are the whole, and writes the bundle,
 * the uncut network included.
 */
export async function writeRecognizerBundle(
  recognizer: Recognizer,
  tensor: string,
  directory: string,
): Promise<NodeBundle> {
  const { model, scoring, shapes, alphabet, output, source } = recognizer;
  const scored = splitModel(scoring, [tensor], { shapes });
  const proof = await verifySplit(scoring, scored.head, scored.tail, {
    sessions: createWorkerSession,
    runs: 2,
  });
  const { head, tail, cut } = splitModel(model, [tensor], { shapes });
  const part = (side: ModelProto) => ({ model: serializeModel(side), ...costOf(side, shapes) });
  return writeBundle(directory, {
    manifest: {
      model: source,
      inputs: specsOf([PP_OCR_INPUT], shapes),
      cut: specsOf(
        cut.map(({ name }) => name),
        shapes,
      ),
      outputs: specsOf([output], shapes),
      preprocessing: ppOcrPreprocessing(LINE_WIDTH),
      task: { kind: 'ctc-text', output, alphabet },
      operatingPoints: [],
      verification: {
        runs: proof.runs,
        maxRelativeError: proof.maxRelativeError,
        tolerance: proof.tolerance,
      },
    },
    parts: { head: part(head), tail: part(tail), whole: part(model) },
  });
}

function costOf(model: ModelProto, shapes: ShapeTable): { macs: number | null; parameters: number } {
  const { macs, parameters } = modelCost(model, shapes);
  return { macs, parameters };
}

function specsOf(names: readonly string[], shapes: ShapeTable) {
  return names.map((name) => {
    const info = shapes.get(name);
    if (!info?.shape) throw new RangeError(`shapes expected one for ${name}, got none`);
    return { name, dtype: info.dtype, shape: info.shape };
  });
}
