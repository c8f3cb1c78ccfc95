/** Runs a data set through the edge client, one sample after another, and sums up what came of it. */

import type { BundleManifest } from '@featherwire/bundle';
import type { ProgressReporter } from '@featherwire/demo';
import {
  bootstrapRatio,
  type DataSet,
  type Estimate,
  metricOfTask,
  type Ratio,
  tensorOfInput,
} from '@featherwire/eval';
import { type Quantiles, quantiles } from '@featherwire/inference';
import type { EdgeClient, FeatureRequestOptions, InferResult, RequestTimes } from '@featherwire/runtime';
import { CommandError } from '../terminal/errors.js';

/** What a run needs. */
export interface EdgeRun {
  readonly client: EdgeClient;
  readonly manifest: BundleManifest;
  readonly data: DataSet;
  /** Samples to run, at most as many as the data has. */
  readonly sampleCount: number;
  /** How each sample is sent. */
  readonly request: Omit<FeatureRequestOptions, 'signal'>;
  readonly progress: ProgressReporter;
  readonly signal: AbortSignal;
}

/** What a run gives. */
export interface EdgeRunSummary {
  readonly sampleCount: number;
  /** Null if the bundle declares no task. */
  readonly metric: ({ readonly name: string } & Estimate) | null;
  /** Means over the samples. */
  readonly bytesPerSample: { readonly sent: number; readonly received: number; readonly payload: number };
  readonly counted: InferResult['bytes']['counted'];
  /** Bits of all frames over elements of all cut tensors. */
  readonly bitsPerElement: number;
  readonly attempts: number;
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
  const { client, manifest, data, sampleCount, request, progress, signal } = run;
  const input = onlyInput(manifest);
  const metric = manifest.task && metricOfTask(manifest.task);
  const results: InferResult[] = [];
  const ratios: Ratio[] = [];
  for (let i = 0; i < sampleCount; i++) {
    signal.throwIfAborted();
    const sample = await data.sample(i);
    if (sample.input.kind !== 'tensor' && !manifest.preprocessing) {
      throw new CommandError('bundle expected preprocessing to take pictures, got none in its manifest');
    }
    const feeds = { [input]: await tensorOfInput(sample.input, manifest.preprocessing) };
    const result = await client.infer(feeds, { ...request, signal });
    results.push(result);
    if (metric) ratios.push(metric.score(result.outputs, sample));
    progress.progress(i + 1, sampleCount);
  }
  return summarize(results, metric ? { name: metric.name, ...bootstrapRatio(ratios) } : null);
}

function onlyInput({ inputs, preprocessing }: BundleManifest): string {
  if (inputs.length === 1) return preprocessing?.input ?? inputs[0].name;
  const names = inputs.map(({ name }) => name).join(', ');
  throw new CommandError(`bundle expected one input, as data has, got ${inputs.length}: ${names}`);
}

function summarize(results: readonly InferResult[], metric: EdgeRunSummary['metric']): EdgeRunSummary {
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
    counted: results[0].bytes.counted,
    bitsPerElement: elements === 0 ? 0 : (8 * frameBytes) / elements,
    attempts: results.reduce((sum, { attempts }) => sum + attempts, 0),
    times: Object.fromEntries(times) as EdgeRunSummary['times'],
  };
}
