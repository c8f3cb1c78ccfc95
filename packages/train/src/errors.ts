/** The one error type of this package and its closed set of codes. */

/**
 * Why a graph cannot be trained.
 *
 * - `unsupported-operator`: the graph holds an operator, or a form of one, that this package cannot import
 * - `no-gradient`: a gradient has to pass an operator, or a form of one, that has no rule
 * - `open-shape`: a tensor's shape is not static
 * - `not-constant`: an input that decides shapes (of Reshape, Slice, …) is no constant
 * - `no-path`: the loss does not depend on a value that its gradient was asked for
 * - `diverged`: the loss of a step is not finite
 * - `bad-weights`: a file of published weights or frequencies is damaged, holds more than plain data, or is no unit
 * - `bad-checkpoint`: the file is no checkpoint, is damaged, or belongs to other settings
 */
export type TrainErrorCode =
  | 'unsupported-operator'
  | 'no-gradient'
  | 'open-shape'
  | 'not-constant'
  | 'no-path'
  | 'diverged'
  | 'bad-weights'
  | 'bad-checkpoint';

/** Thrown for every failure that lies in a graph, in the course of training, or in files of weights. */
export class TrainError extends Error {
  override readonly name = 'TrainError';
  readonly code: TrainErrorCode;

  constructor(code: TrainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
