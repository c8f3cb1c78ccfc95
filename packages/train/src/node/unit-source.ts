/** A unit as a bundle takes it: two ONNX files with what they cost, and the latent between them. */

import type { UnitPartSource, UnitSource } from '@featherwire/bundle/node';
import { createLocalSession } from '@featherwire/inference/node';
import { inferShapes, type ModelProto, modelCost, serializeModel } from '@featherwire/onnx';
import { exportUnit, LATENT_NAME } from '../units/export-unit.js';
import type { Unit } from '../units/unit.js';

/** A unit for a bundle. @param parameters - starts with those of the unit */
export async function unitSourceOf(
  unit: Unit,
  parameters: Float32Array,
  { cut, id }: { readonly cut: string; readonly id: string },
): Promise<UnitSource> {
  const { reduction, restoration } = exportUnit(unit, parameters, cut);
  return {
    id,
    latent: [{ name: LATENT_NAME, dtype: 'float32', shape: [1, ...unit.latentShape] }],
    reduction: await modelSourceOf(reduction),
    restoration: await modelSourceOf(restoration),
  };
}

/**
 * A model as a bundle takes it, with what it costs.
 * @param sized - the same with the dimensions of one sample, where the model leaves them open
 */
export async function modelSourceOf(model: ModelProto, sized: ModelProto = model): Promise<UnitPartSource> {
  const shapes = await inferShapes(sized, { sessions: createLocalSession });
  const { parameters, macs } = modelCost(sized, shapes);
  return { model: serializeModel(model), parameters, macs };
}
