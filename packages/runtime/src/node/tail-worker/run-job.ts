/** One request's work in a tail worker: check and decode what came, run, encode the outputs. */

import type { PictureLimits } from '@featherwire/bundle';
import { PictureError, tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { encodeFrame } from '@featherwire/codec';
import { InferenceError, type ModelProfile, type ModelSession, type TensorMap } from '@featherwire/inference';
import type { RemoteErrorCode } from '../../protocol/index.js';
import { RemoteModelError, type RemoteModelErrorCode } from '../open-inference/remote-model-error.js';
import { type CutDecoding, decodeCut } from './decode-cut.js';
import type { RunMemory } from './run-memory.js';
import {
  JobError,
  type JobOutcome,
  type OutputCoding,
  type ProfiledPart,
  type TailJob,
} from './worker-messages.js';

/** What jobs run on. */
export interface JobContext extends CutDecoding {
  readonly limits: PictureLimits & CutDecoding['limits'];
  /** For one batch at a time. */
  readonly memory: RunMemory;
  readonly tail: ModelSession;
  /** Whether the tail may run several requests at once (`prove-rows.ts`). */
  readonly sharesRows: boolean;
  /** Of the bundle's units, by their ids. */
  readonly restorations: ReadonlyMap<string, ModelSession>;
  /** Loads the whole model when it is first asked for; undefined if the bundle has none. */
  readonly loadWhole: (() => Promise<ModelSession>) | undefined;
  /** Measures a part of the bundle in this thread. @throws {JobError} if the bundle has no such part */
  readonly profile: (part: ProfiledPart) => Promise<ModelProfile>;
}

/** Does one job; every failure becomes an outcome with a code for the client. */
export async function runJob(job: TailJob, context: JobContext): Promise<JobOutcome> {
  try {
    if (job.kind === 'profile') return { kind: 'profiled', profile: await context.profile(job.part) };
    return await decodeRunEncode(job, context);
  } catch (error) {
    return outcomeOf(error);
  }
}

/** The outcome of a job that failed. */
export function outcomeOf(error: unknown): JobOutcome {
  return { kind: 'failed', ...describeFailure(error) };
}

/** Below this a message is small beside what carries it. */
const MIN_COMPACT_BYTES = 1024;

/** Frames of a tail's outputs, in manifest order. */
export function encodeOutputs(
  outputs: TensorMap,
  { manifest, backend }: Pick<JobContext, 'manifest' | 'backend'>,
  { isCompact }: OutputCoding,
): Uint8Array[] {
  return manifest.outputs.map(({ name }) => {
    const isWorthIt = isCompact && outputs[name].data.byteLength >= MIN_COMPACT_BYTES;
    return encodeFrame(outputs[name], { quantizer: { kind: isWorthIt ? 'lossless' : 'none' }, backend });
  });
}

async function decodeRunEncode(
  job: Exclude<TailJob, { kind: 'profile' }>,
  context: JobContext,
): Promise<JobOutcome> {
  const session = job.kind === 'picture' ? await wholeModel(context) : context.tail;
  const start = performance.now(); // loading the whole model happens once and is no stage
  const { feeds, point } =
    job.kind === 'picture'
      ? { feeds: await pictureFeeds(job.image, context), point: null }
      : await featuresOf(job.frames, context);
  const decoded = performance.now();
  const { outputs } = await session.run(feeds);
  const ran = performance.now();
  const frames = encodeOutputs(outputs, context, job);
  const times = { decodeMs: decoded - start, tailMs: ran - decoded, respondMs: performance.now() - ran };
  return { kind: 'done', frames, times, point, runSize: 1 };
}

/**
 * Decodes the cut, and restores it where a unit had reduced it.
 * @throws {JobError} with the code that the client gets; {InferenceError} of the restoration
 */
export async function featuresOf(
  frames: readonly Uint8Array[],
  context: JobContext,
): Promise<{ readonly feeds: TensorMap; readonly point: number | null }> {
  const { tensors, unit, point } = decodeCut(frames, context);
  if (!unit) return { feeds: tensors, point };
  const { outputs } = await context.restorations.get(unit.id)!.run(tensors);
  return { feeds: outputs, point };
}

async function wholeModel({ loadWhole, manifest }: JobContext): Promise<ModelSession> {
  if (loadWhole && manifest.preprocessing) return loadWhole();
  const missing = loadWhole ? 'preprocessing' : 'whole model';
  throw new JobError('picture-unsupported', `bundle '${manifest.model.name}' has no ${missing} here`);
}

async function pictureFeeds(image: Uint8Array, { manifest, limits }: JobContext): Promise<TensorMap> {
  const preprocessing = manifest.preprocessing!; // checked by wholeModel
  return { [preprocessing.input]: await tensorOfPicture(image, preprocessing, limits) };
}

/** What clients are told of a remote tail that gave no result. */
const REMOTE_CODES: Readonly<Record<RemoteModelErrorCode, RemoteErrorCode>> = {
  unreachable: 'worker-lost',
  timeout: 'timeout',
  busy: 'overloaded',
  refused: 'run-failed',
  'bad-reply': 'run-failed',
};

function describeFailure(error: unknown): Omit<Extract<JobOutcome, { kind: 'failed' }>, 'kind'> {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof RemoteModelError) {
    return { code: REMOTE_CODES[error.code], text, retryAfterMs: error.retryAfterMs };
  }
  if (error instanceof JobError) return { code: error.code, text };
  if (error instanceof PictureError) return { code: 'bad-picture', text };
  if (!(error instanceof InferenceError)) return { code: 'internal', text };
  return { code: error.code === 'input-mismatch' ? 'input-mismatch' : 'run-failed', text };
}
