/** A model file with the shapes of its tensors, as listing cuts and splitting need it. */

import { createLocalSession } from '@featherwire/inference/node';
import {
  declaredShapes,
  fillRanks,
  graphOf,
  type InputShapes,
  type InputValues,
  inferShapes,
  inlineBranches,
  type ModelProto,
  type ShapeTable,
  withInputShapes,
  withInputValues,
} from '@featherwire/onnx';
import { readModel } from '@featherwire/onnx/node';

/** A model ready to be cut. */
export interface LoadedModel {
  readonly file: string;
  /** With the shapes and values asked for in its inputs, and with the branches that are taken in every run inlined. */
  readonly model: ModelProto;
  /** Types and shapes of its tensors; a number is fixed. */
  readonly shapes: ShapeTable;
  /** The same for one sample: an open first dimension of an input is 1. */
  readonly sizes: ShapeTable;
}

/**
 * Reads a model and infers its shapes.
 * @param inputShapes - shapes that inputs are fixed to
 * @param inputValues - values that inputs are fixed to; these are no inputs any more
 * @throws {OnnxError} as `readModel`, `withInputValues`, `withInputShapes`, `inlineBranches` and `inferShapes`;
 *   {Error} of the file system
 */
export async function loadModel(
  file: string,
  inputShapes: InputShapes = {},
  inputValues: InputValues = {},
): Promise<LoadedModel> {
  const sessions = createLocalSession;
  const given = withInputShapes(withInputValues(await readModel(file), inputValues), inputShapes);
  const model = await inlineBranches(given, { sessions });
  const open = await inferShapes(model, { sessions });
  const oneSample = oneSampleShapes(model);
  if (Object.keys(oneSample).length === 0) return { file, model, shapes: open, sizes: open };
  const sizes = await inferShapes(model, { sessions, inputShapes: oneSample });
  return { file, model, shapes: fillRanks(open, sizes), sizes };
}

/** Shapes with a first dimension of 1, for the inputs in which that one alone is open. */
function oneSampleShapes(model: ModelProto): InputShapes {
  const declared = declaredShapes(model);
  const shapes: Record<string, readonly number[]> = {};
  for (const { name } of graphOf(model).input) {
    const [first, ...rest] = declared.get(name)?.shape ?? [];
    if (typeof first !== 'string') continue;
    const fixed = rest.filter((dimension) => typeof dimension === 'number');
    if (fixed.length === rest.length) shapes[name] = [1, ...fixed];
  }
  return shapes;
}
