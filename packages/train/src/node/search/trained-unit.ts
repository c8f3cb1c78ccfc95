/** A trained unit with both halves running, and its coding measured like any other. */

import type { UnitSource } from '@featherwire/bundle/node';
import type { UnitRuns } from '@featherwire/calibration';
import type { Tensor, TensorOf } from '@featherwire/tensor';
import { LATENT_NAME } from '../../units/export-unit.js';
import type { Unit } from '../../units/unit.js';
import { openUnitRuns } from '../unit-runs.js';
import { unitSourceOf } from '../unit-source.js';

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
  const source = await unitSourceOf(unit, parameters, { cut, id });
  const names = { cut: [cut], latent: [LATENT_NAME] };
  const models = { reduction: source.reduction.model, restoration: source.restoration.model };
  const { reduce, restore, close } = await openUnitRuns(models, names);
  const latentOf = async (features: readonly Tensor[]): Promise<TensorOf<'float32'>> => {
    const [latent] = await reduce(features);
    return latent as TensorOf<'float32'>;
  };
  return { source, latentOf, reduce, restore, close };
}
