/**
 * The work of a tail worker on several feature requests at once: each is decoded by itself, those of one shape share a run
 * of the tail, and each gets the frames of its own rows. What is wrong with one is told to that one alone.
 */

import type { TensorMap } from '@featherwire/inference';
import { RemoteModelError } from '../open-inference/remote-model-error.js';
import { rowCount, rowKey, stackRows, unstackRows } from './rows.js';
import { encodeOutputs, featuresOf, type JobContext, outcomeOf, runJob } from './run-job.js';
import type { JobOutcome, TailJob } from './worker-messages.js';

/** Jobs that may share a run. */
type FeatureJob = Extract<TailJob, { kind: 'feature' }>;

/** A request that was decoded, with its place among the jobs. */
interface DecodedJob {
  /** By the names of the cut, restored where a unit had reduced them. */
  readonly features: TensorMap;
  readonly point: number | null;
  readonly position: number;
  readonly isCompact: boolean | undefined;
  readonly rows: number;
  readonly decodeMs: number;
}

/**
 * Does jobs; every failure becomes the outcome of its own job. To be called when the last ones are done: they share memory.
 * @param jobs - feature jobs, or a single job of any kind
 * @returns an outcome for each, in their order
 */
export async function runJobs(jobs: readonly TailJob[], context: JobContext): Promise<JobOutcome[]> {
  context.memory.reset(); // batches follow each other
  if (!isBatch(jobs)) return Promise.all(jobs.map((job) => runJob(job, context)));
  const outcomes = new Array<JobOutcome>(jobs.length);
  for (const group of groupsOf(await decodeAll(jobs, context, outcomes))) {
    const runs = context.sharesRows ? [group] : group.map((job) => [job]);
    for (const together of runs) await runTogether(together, context, outcomes);
  }
  return outcomes;
}

function isBatch(jobs: readonly TailJob[]): jobs is FeatureJob[] {
  return jobs.length > 1 && jobs.every(({ kind }) => kind === 'feature');
}

async function decodeAll(
  jobs: readonly FeatureJob[],
  context: JobContext,
  outcomes: JobOutcome[],
): Promise<DecodedJob[]> {
  const decoded: DecodedJob[] = [];
  for (const [position, { frames, isCompact }] of jobs.entries()) {
    const start = performance.now();
    try {
      const { feeds: features, point } = await featuresOf(frames, context);
      const decodeMs = performance.now() - start;
      decoded.push({ features, point, position, isCompact, decodeMs, rows: rowCount(features) ?? 0 });
    } catch (error) {
      outcomes[position] = outcomeOf(error);
    }
  }
  return decoded;
}

/** Requests without a number of rows are groups by themselves. */
function groupsOf(jobs: readonly DecodedJob[]): readonly DecodedJob[][] {
  const groups = new Map<string, DecodedJob[]>();
  for (const job of jobs) {
    const key = job.rows > 0 ? rowKey(job.features) : `alone ${job.position}`;
    const group = groups.get(key);
    if (group) group.push(job);
    else groups.set(key, [job]);
  }
  return [...groups.values()];
}

async function runTogether(
  group: readonly DecodedJob[],
  context: JobContext,
  outcomes: JobOutcome[],
): Promise<void> {
  const start = performance.now();
  let results: TensorMap[] | undefined;
  try {
    const feeds =
      group.length === 1
        ? group[0].features
        : stackRows(
            group.map(({ features }) => features),
            context.memory,
          );
    const { outputs } = await context.tail.run(feeds);
    results =
      group.length === 1
        ? [outputs]
        : unstackRows(
            outputs,
            group.map(({ rows }) => rows),
          );
    if (!results) throw new RangeError('outputs expected the rows of the inputs');
  } catch (error) {
    // The values of one may be what the network cannot run on; that a remote tail is away concerns all.
    if (group.length > 1 && !isAway(error)) {
      for (const job of group) await runTogether([job], context, outcomes);
    } else {
      for (const { position } of group) outcomes[position] = outcomeOf(error);
    }
    return;
  }
  const tailMs = performance.now() - start;
  for (const [i, { position, decodeMs, point, isCompact }] of group.entries()) {
    const encodeStart = performance.now();
    try {
      const frames = encodeOutputs(results[i], context, { isCompact });
      const times = { decodeMs, tailMs, respondMs: performance.now() - encodeStart };
      outcomes[position] = { kind: 'done', frames, times, point, runSize: group.length };
    } catch (error) {
      outcomes[position] = outcomeOf(error);
    }
  }
}

function isAway(error: unknown): boolean {
  return error instanceof RemoteModelError && error.code !== 'refused' && error.code !== 'bad-reply';
}
