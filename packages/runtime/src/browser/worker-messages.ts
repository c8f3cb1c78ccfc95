/** What passes between a page and the worker that is its edge side. Tensors are copied to the worker and moved back. */

import type { BundleManifest } from '@featherwire/bundle';
import { BundleError, type BundleErrorCode } from '@featherwire/bundle';
import { InferenceError, type InferenceErrorCode } from '@featherwire/inference';
import type { WebProvider } from '@featherwire/inference/browser';
import type { BudgetedClient } from '../client/budgeted-client.js';
import type { CodecName } from '../client/cut-encoder.js';
import type { EdgeClient } from '../client/edge-client.js';
import { RemoteError, TransportError, type TransportErrorCode } from '../client/errors.js';
import type { RemoteErrorCode } from '../protocol/index.js';
import type { InferWithExit } from './edge-exit.js';
import type { EdgeOptions } from './open-edge.js';

/** The methods of a client that are run in the worker. */
export interface WorkerMethods {
  readonly infer: EdgeClient['infer'];
  readonly inferFeature: EdgeClient['inferFeature'];
  readonly sendPicture: EdgeClient['sendPicture'];
  readonly inferWithinBudget: BudgetedClient['infer'];
  readonly inferWithExit: InferWithExit;
}

/** To the worker. */
export type EdgeRequest =
  | { readonly kind: 'open'; readonly options: EdgeOptions }
  /** `args` without the signal, which the page watches itself. */
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly method: keyof WorkerMethods;
      readonly args: readonly unknown[];
    }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'close' };

/** What the page is told of the edge side. */
export interface EdgeDescription {
  readonly manifest: BundleManifest;
  readonly digest: string;
  /** What the head runs on. */
  readonly provider: WebProvider;
  /** Name of the codec's backend on the host. */
  readonly backend: string;
  /** What codes the cuts that it can: the codec on WebGPU, or that backend. `InferResult.codec` says what coded one. */
  readonly codec: CodecName;
}

/** From the worker. */
export type EdgeReply =
  | { readonly kind: 'opened'; readonly edge: EdgeDescription }
  | { readonly kind: 'refused'; readonly error: PlainError }
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PlainError }
  | { readonly kind: 'closed' };

/** An error as it travels: structured cloning keeps neither the class nor the fields of an error. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

/** The fields of an error. */
export function plainError(error: unknown): PlainError {
  const { name, message, code, retryable, retryAfterMs } = error as PlainError;
  return {
    name: name ?? 'Error',
    message: message ?? String(error),
    ...(code !== undefined && { code }),
    ...(retryable !== undefined && { retryable }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** An error of the class that it had. */
export function errorOf({ name, message, code, retryable = false, retryAfterMs }: PlainError): Error {
  switch (name) {
    case 'TransportError':
      return new TransportError(code as TransportErrorCode, message);
    case 'RemoteError':
      return new RemoteError(code as RemoteErrorCode, retryable, message, { retryAfterMs });
    case 'InferenceError':
      return new InferenceError(code as InferenceErrorCode, message);
    case 'BundleError':
      return new BundleError(code as BundleErrorCode, message);
    case 'RangeError':
      return new RangeError(message);
    case 'TypeError':
      return new TypeError(message);
    default:
      return new Error(message);
  }
}
