/** Answers of the device itself where it is sure. */

export {
  type CutValues,
  createExitClient,
  type ExitAnswer,
  type ExitClient,
  type ExitClientOptions,
  type ExitOutcome,
  type ExitResult,
} from './exit-client.js';
