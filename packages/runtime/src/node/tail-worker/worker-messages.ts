/** What passes between the server and a tail worker. All bytes go by transfer: the sender gives them away. */

import type { BundleManifest, PartName } from '@featherwire/bundle';
import type { BackendPreference, CodingProfile } from '@featherwire/codec';
import type { ModelProfile } from '@featherwire/inference';
import type { ExitGuard } from '@featherwire/inference/node';
import type { RemoteErrorCode } from '../../protocol/index.js';
import type { RemoteTail } from '../open-inference/remote-tail.js';

/** Handed to a worker at its start. */
export interface TailWorkerStart {
  readonly manifest: BundleManifest;
  /** Of the profiled points, by their positions in the manifest. */
  readonly profiles: ReadonlyMap<number, CodingProfile>;
  readonly tailPath: string;
  /** Runs the tail in the place of the file; undefined if the file is run. */
  readonly remoteTail: RemoteTail | undefined;
  /** Restorations of the bundle's units by their ids; all are opened at the start, so that no request waits for one. */
  readonly restorationPaths: ReadonlyMap<string, string>;
  /** Undefined if the bundle has no whole model. */
  readonly wholePath: string | undefined;
  readonly threads: number;
  readonly backend: BackendPreference;
  /** Bound of tensors whose shape the bundle leaves open, and of pictures after resizing. */
  readonly maxElementsPerTensor: number;
  /** Bound of `width * height` of an encoded picture. */
  readonly maxImagePixels: number;
  readonly exitGuard: ExitGuard['words'];
}

/** What a worker is asked for. */
export type TailJob =
  /** Measure a part; takes as long as the worker's bound of it. */
  | { readonly kind: 'profile'; readonly part: ProfiledPart }
  | ({ readonly kind: 'feature'; readonly frames: readonly Uint8Array[] } & OutputCoding)
  | ({ readonly kind: 'picture'; readonly image: Uint8Array } & OutputCoding);

/** How outputs are to come. */
export interface OutputCoding {
  /** Without a loss where that is smaller, instead of as they are; false by default. */
  readonly isCompact?: boolean | undefined;
}

/** Times measured in the worker, in milliseconds. */
export interface WorkerTimes {
  readonly decodeMs: number;
  readonly tailMs: number;
  readonly respondMs: number;
}

/** Parts of a bundle that a server measures. */
export type ProfiledPart = Exclude<PartName, 'head'>;

/** How a job ended. */
export type JobOutcome =
  | { readonly kind: 'profiled'; readonly profile: ModelProfile }
  | {
      readonly kind: 'done';
      readonly frames: readonly Uint8Array[];
      readonly times: WorkerTimes;
      /** Position of the profiled point that the request came by, null for other requests. */
      readonly point: number | null;
      /** Requests that shared the run of the network, from 1. */
      readonly runSize: number;
    }
  | {
      readonly kind: 'failed';
      readonly code: RemoteErrorCode;
      readonly text: string;
      /** What a remote tail said of when to try again. */
      readonly retryAfterMs?: number | undefined;
    };

/** From a worker: ready once, then the outcomes of each batch, in the order of its jobs. */
export type TailWorkerReply =
  | {
      readonly kind: 'ready';
      /** Whether several requests may share a run of the tail. */
      readonly sharesRows: boolean;
    }
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly JobOutcome[] };

/** To a worker: jobs when the last are answered, or the end. */
export type TailWorkerRequest =
  | { readonly kind: 'jobs'; readonly jobs: readonly TailJob[] }
  | { readonly kind: 'close' };

/** A job that cannot be done, with the code that the client gets. */
export class JobError extends Error {
  override readonly name = 'JobError';
  readonly code: RemoteErrorCode;

  constructor(code: RemoteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
