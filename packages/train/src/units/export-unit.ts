/** A trained unit as two models, and the coding of its latent. */

import type { ModelProto } from '@featherwire/onnx';
import { Graph } from '../graph/graph.js';
import { constantParameters } from './parameters.js';
import type { Unit } from './unit.js';

/** Name of the latent in both models. */
export const LATENT_NAME = 'latent';

/** The two halves of a unit. */
export interface UnitModels {
  /** From the cut tensor to the latent, which is to be quantized in steps of 1. */
  readonly reduction: ModelProto;
  /** From the dequantized latent to the cut tensor. */
  readonly restoration: ModelProto;
}

/**
 * Writes a unit with its parameters as weights.
 * @param parameters - starts with those of `unit.parameters`; what follows is not needed any more
 * @param cut - the cut tensor's name
 * @param batch - number of items in a run
 */
export function exportUnit(unit: Unit, parameters: Float32Array, cut: string, batch = 1): UnitModels {
  const reducing = new Graph();
  const latent = unit.reduce(
    reducing,
    reducing.input(cut, [batch, ...unit.featureShape]),
    constantParameters(reducing, parameters, unit.parameters),
  );
  const restoring = new Graph();
  const restored = unit.restore(
    restoring,
    restoring.input(LATENT_NAME, [batch, ...unit.latentShape]),
    constantParameters(restoring, parameters, unit.parameters),
  );
  return {
    reduction: reducing.toModel([reducing.named(latent, LATENT_NAME)], 'reduction'),
    restoration: restoring.toModel([restoring.named(restored, cut)], 'restoration'),
  };
}
