/**
 * What passes between a worker session and its thread. Tensors go by transfer: the sender of feeds copies
 * them first, since they are the caller's; outputs belong to the worker and are given away.
 */

import type { InferenceErrorCode, RunResult, SessionOptions, TensorMap, ValueSpec } from '../session.js';
import type { ExitGuard } from './exit-guard.js';

/** Handed to the thread at its start. */
export interface WorkerStart {
  readonly model: Uint8Array | string;
  readonly options: SessionOptions;
  readonly exitGuard: ExitGuard['words'];
}

/** To the thread. */
export type WorkerRequest =
  | { readonly kind: 'run'; readonly id: number; readonly feeds: TensorMap }
  | { readonly kind: 'close' };

/** From the thread. */
export type WorkerReply =
  | { readonly kind: 'ready'; readonly inputs: readonly ValueSpec[]; readonly outputs: readonly ValueSpec[] }
  | { readonly kind: 'refused'; readonly code: InferenceErrorCode; readonly message: string }
  | { readonly kind: 'done'; readonly id: number; readonly result: RunResult }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: InferenceErrorCode;
      readonly message: string;
    };
