/** What the exit of a bundle does to the ways of its cut, on the samples that these are measured on. */

import { EXIT_CONFIDENCE } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import type { Ratio, TaskScore } from '@featherwire/eval';
import { type Quantiles, quantiles, type TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import type { MeasuredExit } from './measured-way.js';
import { judge } from './task-score.js';

/** The exit of a bundle, open. */
export interface OpenExit {
  /** @param features - what the head gave. @returns outputs of the network, and whether they are taken for the answer */
  ask(features: TensorMap): Promise<{ readonly outputs: TensorMap; readonly isSure: boolean }>;
  close(): Promise<void>;
}

/** The exit's answer to one sample. */
export interface ExitAnswer {
  readonly isSure: boolean;
  readonly ratio: Ratio;
}

/** One sample at one point. */
export interface CodedSample {
  readonly ratio: Ratio;
  /** Of its frames. */
  readonly bytes: number;
}

/** Opens the exit at its own threshold; undefined where the bundle has none. @throws {InferenceError} `model-rejected` */
export async function openExit(bundle: NodeBundle): Promise<OpenExit | undefined> {
  const { exit } = bundle.manifest;
  if (!exit) return undefined;
  const session = await createWorkerSession(bundle.exitPath());
  const names = session.inputs.map(({ name }) => name);
  return {
    async ask(features) {
      const { outputs } = await session.run(Object.fromEntries(names.map((name) => [name, features[name]])));
      const { [EXIT_CONFIDENCE]: confidence, ...answer } = outputs;
      return { outputs: answer, isSure: Number(confidence.data[0]) >= exit.threshold };
    },
    close: () => session.close(),
  };
}

/**
 * The exit before one point.
 * @param answers - of the exit, sample by sample, like `coded` and `reference`
 * @param exitMs - of the exit alone
 */
export function exitBefore(
  answers: readonly ExitAnswer[],
  coded: readonly CodedSample[],
  exitMs: Quantiles,
  { reference, better }: { readonly reference: readonly Ratio[] } & Pick<TaskScore, 'better'>,
): MeasuredExit {
  const sent = coded.filter((_, i) => !answers[i].isSure).map(({ bytes }) => bytes);
  const ratios = coded.map(({ ratio }, i) => (answers[i].isSure ? answers[i].ratio : ratio));
  return {
    answeredShare: 1 - sent.length / coded.length,
    exitMs,
    sentBytes: sent.length > 0 ? quantiles(sent) : null,
    bytesPerDecision: sent.reduce((sum, bytes) => sum + bytes, 0) / coded.length,
    ...judge(ratios, reference, better),
  };
}
