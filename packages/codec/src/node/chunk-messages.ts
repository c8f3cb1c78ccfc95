/** What a pool and its worker threads tell each other. */

import type { BackendPreference } from '../backend/load.js';
import type { ChunkJob, ChunkResult } from '../frame/chunk-jobs.js';

/** What a thread is started with. */
export interface ChunkWorkerStart {
  readonly backend: BackendPreference;
}

/** A job for a thread. */
export interface ChunkRequest {
  readonly id: number;
  readonly job: ChunkJob;
}

/** Its result, null if it threw; the first message of a thread, without a number, says that it takes jobs. */
export interface ChunkReply {
  readonly id: number | null;
  readonly result: ChunkResult | null;
}
