/** Training a unit in a worker thread, with checkpoints. */

import { createWorkerSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import {
  initialState,
  runTraining,
  type StepReport,
  type TrainingData,
  type TrainingSettings,
  type TrainingState,
} from '../training/run-training.js';
import type { TrainingStep } from '../training/step.js';
import { identityOfRun, readCheckpoint, writeCheckpoint } from './checkpoint.js';

/** Where a run keeps its state. */
export interface CheckpointPlan {
  readonly file: string;
  /** Steps between two checkpoints. */
  readonly everySteps: number;
}

/** What a run of training needs. */
export interface TrainUnitOptions extends TrainingSettings {
  readonly step: TrainingStep;
  readonly data: TrainingData;
  /** Parameters to begin with, those of a run of the same step; by default new ones from the seed. */
  readonly start?: Float32Array;
  /** If the file is there, the run goes on from it. */
  readonly checkpoint?: CheckpointPlan;
  /** Threads inside one operator; 1 by default. */
  readonly threads?: number;
  readonly onStep?: (report: StepReport) => void;
  readonly signal?: AbortSignal;
}

/**
 * Trains to the end of the schedule. A run that is killed and started again with the same settings and data ends in the
 * same parameters.
 * @throws {TrainError} `diverged`; `bad-checkpoint`
 * @throws {InferenceError} if the engine fails
 */
export async function trainUnit(options: TrainUnitOptions): Promise<TrainingState> {
  const { step, checkpoint } = options;
  const begin = { ...initialState(step, options.seed), ...(options.start && { parameters: options.start }) };
  const identity = checkpoint ? identityOfRun(step, options, begin) : '';
  const found = checkpoint && (await readCheckpoint(checkpoint.file, identity));
  const session = await createWorkerSession(serializeModel(step.model), {
    intraOpThreads: options.threads ?? 1,
  });
  try {
    return await runTraining({
      ...options,
      session,
      from: found ?? begin,
      async onStep(report, state) {
        const isDue =
          checkpoint && (report.step % checkpoint.everySteps === 0 || report.step === report.stepCount);
        if (isDue) await writeCheckpoint(checkpoint.file, identity, state);
        options.onStep?.(report);
      },
    });
  } finally {
    await session.close();
  }
}
