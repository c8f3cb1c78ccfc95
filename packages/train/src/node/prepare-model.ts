/**
 * Getting a model ready for import: the engine folds constants and shape arithmetic, fuses frozen normalization into
 * convolutions, and says every shape.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalSession } from '@featherwire/inference/node';
import {
  type InputShapes,
  inferShapes,
  type ModelProto,
  parseModel,
  type ShapeTable,
  serializeModel,
  withInputShapes,
} from '@featherwire/onnx';

/** A model with static shapes and nothing to fold, and what is known of its tensors. */
export interface PreparedModel {
  readonly model: ModelProto;
  readonly shapes: ShapeTable;
}

/**
 * Simplifies a model for one set of input shapes and infers all others.
 * @param inputShapes - for every input with open dimensions
 * @throws {OnnxError} as `withInputShapes` and `inferShapes`
 * @throws {InferenceError} `model-rejected`
 */
export async function prepareModel(model: ModelProto, inputShapes: InputShapes): Promise<PreparedModel> {
  const directory = await mkdtemp(path.join(tmpdir(), 'featherwire-train-'));
  try {
    const file = path.join(directory, 'simplified.onnx');
    const session = await createLocalSession(serializeModel(withInputShapes(model, inputShapes)), {
      graphOptimization: 'basic',
      saveOptimizedTo: file,
    });
    await session.close();
    const simplified = parseModel(await readFile(file));
    return { model: simplified, shapes: await inferShapes(simplified, { sessions: createLocalSession }) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
