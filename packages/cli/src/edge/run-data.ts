/** Runs a data set through the edge client, one sample after another, and sums up what came of it. */

import type { BundleManifest } from '@featherwire/bundle';
import type { ProgressReporter } from '@featherwire/demo';
import {
  bootstrapRatio,
  type DataSet,
  type Estimate,
  type InputRecipe,
  metricOfTask,
  prepareInput,
  type Ratio,
  recipeOf,
  type SampleInput,
} from '@featherwire/eval';
import { type Quantiles, quantiles, type TensorMap } from '@featherwire/inference';
import type {
  ExitOutcome,
  FallbackResult,
  InferResult,
  RateChoice,
  RequestTimes,
} from '@featherwire/runtime';
import { CommandError } from '../terminal/errors.js';

/** What a run needs. */
export interface EdgeRun {
  /** Sends one sample; under a budget with the choice of its point. */
  readonly infer: (inputs: TensorMap, input: SampleInput) => Promise<SampleResult>;
  readonly manifest: BundleManifest;
  readonly data: DataSet;
  /** Samples to run, at most as many as the data has. */
  readonly sampleCount: number;
  /** Milliseconds that a sample may take; without it every sample goes at one point. */
  readonly budgetMs?: number;
  readonly progress: ProgressReporter;
  readonly signal: AbortSignal;
}

/** What comes of one sample. */
export type SampleResult = InferResult & {
  readonly choice?: RateChoice;
  readonly way?: FallbackResult<InferResult>['way'] | 'exit';
  /** Where the bundle's exit was asked first. */
  readonly exit?: ExitOutcome;
};

/** What the exit did. */
export interface ExitSummary {
  /** Of the samples, those that it answered. */
  readonly answeredShare: number;
  /** Mean bytes sent for a sample that it did not answer; null if it answered all. */
  readonly bytesPerSent: number | null;
  /** Of the exit itself. */
  readonly exitMs: Quantiles;
}

/** How a budget was kept. */
export interface BudgetSummary {
  readonly budgetMs: number;
  /** Share of the samples whose total time was within it. */
  readonly keptShare: number;
  /** How often each point was chosen. */
  readonly choices: Readonly<Record<string, number>>;
}

/** What a run gives. */
export interface EdgeRunSummary {
  readonly sampleCount: number;
  /** Null if the bundle declares no task. */
  readonly metric: ({ readonly name: string } & Estimate) | null;
  /** Means over the samples, those that were answered here included: bytes of a decision. */
  readonly bytesPerSample: { readonly sent: number; readonly received: number; readonly payload: number };
  readonly counted: InferResult['bytes']['counted'];
  /** Bits of all frames over elements of all cut tensors. */
  readonly bitsPerElement: number;
  readonly attempts: number;
  /** Null without a budget. */
  readonly budget: BudgetSummary | null;
  /** How many samples were answered in each way; null without a fallback and an exit. */
  readonly ways: Readonly<Record<string, number>> | null;
  /** Null without an exit. */
  readonly exit: ExitSummary | null;
  /** Medians and 95th percentiles over the samples. */
  readonly times: Readonly<Record<keyof RequestTimes, Quantiles>>;
}

/** The stages in the order in which they happen, the total last. */
export const STAGES: readonly (keyof RequestTimes)[] = [
  'headMs',
  'encodeMs',
  'linkMs',
  'queueMs',
  'decodeMs',
  'tailMs',
  'respondMs',
  'totalMs',
];

/**
 * Runs the samples in order.
 * @throws {TransportError | RemoteError | InferenceError | DataSetError} at the first sample without a result
 * @throws {CommandError} if data and bundle do not fit together
 */
export async function runData(run: EdgeRun): Promise<EdgeRunSummary> {
  const { infer, manifest, data, sampleCount, budgetMs, progress, signal } = run;
  const recipe = recipeFor(manifest);
  const metric = manifest.task && metricOfTask(manifest.task);
  const results: SampleResult[] = [];
  const ratios: Ratio[] = [];
  for (let i = 0; i < sampleCount; i++) {
    signal.throwIfAborted();
    const sample = await data.sample(i);
    if (sample.input.kind !== 'tensor' && !manifest.preprocessing) {
      throw new CommandError('bundle expected preprocessing to take pictures, got none in its manifest');
    }
    const { feeds } = await prepareInput(sample.input, recipe);
    const result = await infer(feeds, sample.input);
    results.push(result);
    if (metric) ratios.push(metric.score(result.outputs, sample));
    progress.progress(i + 1, sampleCount);
  }
  const estimate = metric ? { name: metric.name, ...bootstrapRatio(ratios) } : null;
  return summarize(results, estimate, budgetMs === undefined ? null : summarizeBudget(results, budgetMs));
}

function recipeFor(manifest: BundleManifest): InputRecipe {
  try {
    return recipeOf(manifest);
  } catch (cause) {
    throw new CommandError(`bundle: ${(cause as Error).message}`, { cause });
  }
}

function summarizeBudget(results: readonly SampleResult[], budgetMs: number): BudgetSummary {
  const choices = countsOf(results.map(({ choice }) => choice?.point));
  const kept = results.filter(({ times }) => times.totalMs <= budgetMs).length;
  return { budgetMs, keptShare: kept / results.length, choices };
}

/** False for answers of this side, for which nothing crossed the link. */
function isSent({ way }: SampleResult): boolean {
  return way !== 'local' && way !== 'exit';
}

function countWays(results: readonly SampleResult[]): EdgeRunSummary['ways'] {
  const ways = results.map(({ way, exit }) => way ?? (exit && 'split'));
  return ways.some((way) => way) ? countsOf(ways) : null;
}

function summarizeExit(results: readonly SampleResult[]): ExitSummary | null {
  const outcomes = results.flatMap(({ exit }) => exit ?? []);
  if (outcomes.length === 0) return null;
  const sent = results.filter(({ way }) => way !== 'exit');
  const sentBytes = sent.reduce((sum, { bytes }) => sum + bytes.sent, 0);
  return {
    answeredShare: 1 - sent.length / results.length,
    bytesPerSent: sent.length > 0 ? sentBytes / sent.length : null,
    exitMs: quantiles(outcomes.map(({ exitMs }) => exitMs)),
  };
}

/** How often each word comes. */
function countsOf(words: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) if (word !== undefined) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function summarize(
  results: readonly SampleResult[],
  metric: EdgeRunSummary['metric'],
  budget: BudgetSummary | null,
): EdgeRunSummary {
  const mean = (measure: (result: InferResult) => number): number =>
    results.reduce((sum, result) => sum + measure(result), 0) / results.length;
  const tensors = results.flatMap(({ bytes }) => bytes.perTensor);
  const elements = tensors.reduce((sum, tensor) => sum + tensor.elements, 0);
  const frameBytes = results.reduce((sum, { bytes }) => sum + bytes.payload, 0);
  const times = STAGES.map((stage) => [stage, quantiles(results.map((result) => result.times[stage]))]);
  return {
    sampleCount: results.length,
    metric,
    bytesPerSample: {
      sent: mean(({ bytes }) => bytes.sent),
      received: mean(({ bytes }) => bytes.received),
      payload: mean(({ bytes }) => bytes.payload),
    },
    // Answers of this side count no bytes.
    counted: (results.find(isSent) ?? results[0]).bytes.counted,
    bitsPerElement: elements === 0 ? 0 : (8 * frameBytes) / elements,
    attempts: results.reduce((sum, { attempts }) => sum + attempts, 0),
    budget,
    ways: countWays(results),
    exit: summarizeExit(results),
    times: Object.fromEntries(times) as EdgeRunSummary['times'],
  };
}
