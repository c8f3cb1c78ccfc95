/** The exit of a bundle beside its head and tail: which samples it answers, and what. */

import { EXIT_CONFIDENCE } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import type { TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import type { Ratio } from '../metrics/ratio.js';

/** The exit of a bundle, open. */
export interface OpenExit {
  /** @param features - what the head gave. @returns outputs of the network, and whether they are taken for the answer */
  ask(features: TensorMap): Promise<{ readonly outputs: TensorMap; readonly isSure: boolean }>;
  close(): Promise<void>;
}

/** The exit's answer to one sample, with its share of the metric. */
export interface ScoredExitAnswer {
  /** Whether it is taken. */
  readonly isSure: boolean;
  readonly ratio: Ratio;
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

/** What the metric is of with an exit before a method: its own answers where it is sure. */
export function ratiosWithExit(answers: readonly ScoredExitAnswer[], others: readonly Ratio[]): Ratio[] {
  return others.map((ratio, i) => (answers[i].isSure ? answers[i].ratio : ratio));
}
