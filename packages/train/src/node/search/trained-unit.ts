/** A trained unit with both halves running, and its coding measured like any other. */

import type { UnitSource } from '@featherwire/bundle/node';
import type { UnitRuns } from '@featherwire/calibration';
import type { ModelSession } from '@featherwire/inference';
import { createLocalSession, createWorkerSession } from '@featherwire/inference/node';
import { inferShapes, type ModelProto, modelCost, serializeModel } from '@featherwire/onnx';
import type { Tensor, TensorOf } from '@featherwire/tensor';
import { exportUnit, LATENT_NAME } from '../../units/export-unit.js';
import type { Unit } from '../../units/unit.js';

/** A unit with its sessions. */
export interface OpenUnit extends UnitRuns {
  /** As a bundle takes it. */
  readonly source: UnitSource;
  /** The latent of a feature. */
  readonly latentOf: (features: readonly Tensor[]) => Promise<TensorOf<'float32'>>;
  close(): Promise<void>;
}

/**
 * Exports a unit and opens both halves, each in a worker thread.
 * @param parameters - starts with those of the unit
 * @param cut - the cut tensor's name
 * @param id - of the unit in a bundle
 */
export async function openUnit(
  unit: Unit,
  parameters: Float32Array,
  { cut, id }: { readonly cut: string; readonly id: string },
): Promise<OpenUnit> {
  const { reduction, restoration } = exportUnit(unit, parameters, cut);
  const source: UnitSource = {
    id,
    latent: [{ name: LATENT_NAME, dtype: 'float32', shape: [1, ...unit.latentShape] }],
    reduction: await partOf(reduction),
    restoration: await partOf(restoration),
  };
  const reducing = await createWorkerSession(source.reduction.model);
  let restoring: ModelSession;
  try {
    restoring = await createWorkerSession(source.restoration.model);
  } catch (error) {
    await reducing.close();
    throw error;
  }
  const latentOf = async ([feature]: readonly Tensor[]): Promise<TensorOf<'float32'>> =>
    (await reducing.run({ [cut]: feature })).outputs[LATENT_NAME] as TensorOf<'float32'>;
  return {
    source,
    latentOf,
    reduce: async (features) => [await latentOf(features)],
    restore: async ([latent]) => [(await restoring.run({ [LATENT_NAME]: latent })).outputs[cut]],
    async close() {
      await Promise.all([reducing.close(), restoring.close()]);
    },
  };
}

async function partOf(model: ModelProto): Promise<UnitSource['reduction']> {
  const shapes = await inferShapes(model, { sessions: createLocalSession });
  const { parameters, macs } = modelCost(model, shapes);
  return { model: serializeModel(model), parameters, macs };
}
