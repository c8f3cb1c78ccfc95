/**
 * What it means to run a network: declared values, tensor maps, the session interface and its errors.
 * Every implementation (onnxruntime in this thread, in a worker thread) keeps to the rules stated here;
 * the interface holds nothing of any engine, so code that takes a `ModelSession` runs anywhere.
 */

import type { DType, Tensor } from '@featherwire/tensor';

/**
 * A declared input or output of a network. A dimension is a number, or a string when it is symbolic
 * (`'?'` when it has no name). An empty shape is a scalar or a value whose rank is not declared: the engine
 * does not tell the two apart.
 */
export interface ValueSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** Tensors by the names of the values they feed or came from. */
export type TensorMap = Readonly<Record<string, Tensor>>;

/** What one run gives. */
export interface RunResult {
  /** One tensor for each declared output; the caller owns them. */
  readonly outputs: TensorMap;
  /** Wall time of the run alone in milliseconds, without waiting in the session's queue or between threads. */
  readonly runMs: number;
}

/** A loaded network. Runs are taken one after another, in the order of the calls. */
export interface ModelSession {
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  /**
   * Runs the network once.
   * @param feeds - one tensor for each declared input; only read, and free for reuse once the promise settles
   * @throws {InferenceError} `input-mismatch` before anything runs; `run-failed`, `closed` or `worker-lost`
   */
  run(feeds: TensorMap): Promise<RunResult>;
  /** Lets the runs that were asked for finish, then frees the network. Calling it again is allowed. */
  close(): Promise<void>;
}

/** How a network is loaded. */
export interface SessionOptions {
  /** Threads inside one operator, from 1; default 1. */
  readonly intraOpThreads?: number;
  /** Rewriting of the graph at loading; default `'all'`. */
  readonly graphOptimization?: 'disabled' | 'basic' | 'all';
  /** Contents of external data files when the model is given as bytes; `path` is as the model names it. */
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
  /** Path to which the rewritten graph is written while loading. */
  readonly saveOptimizedTo?: string;
}

/** Why a session failed. */
export type InferenceErrorCode =
  | 'model-rejected'
  | 'input-mismatch'
  | 'run-failed'
  | 'closed'
  | 'worker-lost';

/** The only error of sessions once their options are valid. */
export class InferenceError extends Error {
  override readonly name = 'InferenceError';
  readonly code: InferenceErrorCode;

  constructor(code: InferenceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
