/** The model that computes the targets of a training step: the tail without a unit. */

import type { ModelProto } from '@featherwire/onnx';
import type { Value } from '../graph/graph.js';
import { createGraph, importModel } from '../graph/import-model.js';
import type { StepOptions, TrainingStep } from './step.js';

/**
 * From the cut tensor to the step's target inputs, under their names. Labels are targets that it does not compute.
 * @returns undefined if the step has no targets to compute
 * @throws {TrainError} as `importModel`
 */
export function createTargetModel(tail: StepOptions['tail'], step: TrainingStep): ModelProto | undefined {
  const computed = step.targets.filter(({ kind }) => kind !== 'labels');
  if (computed.length === 0) return undefined;
  const g = createGraph(tail.model);
  const values = importModel(g, tail.model, { shapes: tail.shapes });
  return g.toModel(
    computed.map(({ name, tensor }) => g.named(values.get(tensor) as Value, name)),
    'targets',
  );
}
