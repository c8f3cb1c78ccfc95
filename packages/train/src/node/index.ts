/** What training needs of Node: files, and the engine in threads. */

export { identityOfRun, readCheckpoint, writeCheckpoint } from './checkpoint.js';
export type { ExitEffect, ExitPoint, ExitPointEffect } from './exit/measure-exit.js';
export { type TrainExitOptions, type TrainedExit, trainExit } from './exit/train-exit.js';
export { type PreparedModel, prepareModel } from './prepare-model.js';
export {
  type ImportedUnit,
  importPublishedUnit,
  type PublishedFiles,
  type SymbolRates,
} from './published/import-unit.js';
export type { TrainedPoint } from './search/measure-ladder.js';
export {
  type TrainedLadder,
  type TrainingEvent,
  type TrainLadderOptions,
  trainLadder,
} from './search/train-ladder.js';
export { type InversionTraining, trainInversion } from './train-inversion.js';
export { type CheckpointPlan, type TrainUnitOptions, trainUnit } from './train-unit.js';
export { type OpenUnitRuns, openUnitRuns } from './unit-runs.js';
