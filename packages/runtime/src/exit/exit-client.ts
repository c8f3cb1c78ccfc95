/**
 * Confidence-aware sending: the bundle's exit looks at what the head gives and answers where it is sure; everything else is sent.
 * It stands before whatever sends, a client at a point, under a budget or with a fallback, so that an answer of the exit says
 * nothing of the link to those.
 */

import { type Bundle, EXIT_CONFIDENCE } from '@featherwire/bundle';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import type { InferResult } from '../client/edge-client.js';
import { localResult } from '../client/local-result.js';
import { type Clock, systemClock } from '../client/retry.js';

/** Values by the names of the cut tensors: tensors, or what an engine holds in their place. */
export type CutValues<V> = Readonly<Record<string, V>>;

/** What an exit client is made of; the sessions stay the caller's to close. */
export interface ExitClientOptions<V = Tensor> {
  readonly bundle: Bundle;
  /** Runs the bundle's head, as a `ModelSession` does. */
  readonly head: { run(inputs: TensorMap): Promise<{ readonly outputs: CutValues<V> }> };
  /** Runs the bundle's exit, as a `ModelSession` does, on values of the head. */
  readonly exit: Pick<ModelSession, 'inputs' | 'outputs'> & {
    run(values: CutValues<V>): Promise<{ readonly outputs: TensorMap }>;
  };
  /** Least confidence with which its answer is taken, in [0, 1]; that of the bundle by default. */
  readonly threshold?: number;
  readonly clock?: Clock;
}

/** What the exit made of a request. */
export interface ExitOutcome {
  /** In [0, 1]. */
  readonly confidence: number;
  /** Wall time of the exit in milliseconds. */
  readonly exitMs: number;
}

/** An answer of the exit: nothing crosses the link. */
export interface ExitAnswer extends InferResult {
  readonly way: 'exit';
  readonly exit: ExitOutcome;
}

/** What was sent, with the times of head and exit in it; or an answer of the exit. */
export type ExitResult<T extends InferResult> = (T & { readonly exit: ExitOutcome }) | ExitAnswer;

/** Answers what the exit is sure of, and has the rest sent. */
export interface ExitClient<V = Tensor> {
  /**
   * @param send - sends values by the names of the cut tensors, `elapsedMs` after the call; `EdgeClient.inferFeature`, or what
   *   stands before it
   * @throws {InferenceError} of head and exit; what `send` throws
   */
  infer<T extends InferResult>(
    inputs: TensorMap,
    send: (features: CutValues<V>, elapsedMs: number) => Promise<T>,
  ): Promise<ExitResult<T>>;
}

/**
 * Puts the exit of a bundle before what sends.
 * @throws {RangeError} if the threshold is not in [0, 1], the bundle has no exit, or the session is none: it reads tensors of the
 *   cut, and gives the outputs of the bundle and `EXIT_CONFIDENCE`
 */
export function createExitClient<V = Tensor>(options: ExitClientOptions<V>): ExitClient<V> {
  const { bundle, head, exit, clock = systemClock } = options;
  const threshold = exitThreshold(bundle, options.threshold);
  checkExit(options);
  const reads = exit.inputs.map(({ name }) => name);
  return {
    async infer(inputs, send) {
      const started = clock.now();
      const features = (await head.run(inputs)).outputs;
      const headEnd = clock.now();
      const { outputs } = await exit.run(Object.fromEntries(reads.map((name) => [name, features[name]])));
      const exitEnd = clock.now();
      const { [EXIT_CONFIDENCE]: sureness, ...answer } = outputs;
      const headMs = headEnd - started;
      const outcome = { confidence: Number(sureness.data[0]), exitMs: exitEnd - headEnd };
      // A confidence that is no number is none.
      if (outcome.confidence >= threshold)
        return { ...localResult(answer, { headMs, totalMs: exitEnd - started }), way: 'exit', exit: outcome };
      const cut = Object.fromEntries(bundle.manifest.cut.map(({ name }) => [name, features[name]]));
      const result = await send(cut, exitEnd - started);
      return {
        ...result,
        times: { ...result.times, headMs, totalMs: clock.now() - started },
        exit: outcome,
      };
    },
  };
}

/**
 * The least confidence of an answer that is taken.
 * @param threshold - in place of the bundle's
 * @throws {RangeError} if it is not in [0, 1], or the bundle has no exit
 */
export function exitThreshold({ manifest: { exit } }: Bundle, threshold = exit?.threshold): number {
  if (!exit || threshold === undefined)
    throw new RangeError('bundle expected one with an exit, got one without');
  if (threshold >= 0 && threshold <= 1) return threshold;
  throw new RangeError(`threshold expected 0 to 1, got ${threshold}`);
}

function checkExit({
  bundle: { manifest },
  exit,
}: Pick<ExitClientOptions<never>, 'bundle'> & {
  readonly exit: Pick<ModelSession, 'inputs' | 'outputs'>;
}): void {
  const names = (specs: readonly { readonly name: string }[]): string[] => specs.map(({ name }) => name);
  const cut = names(manifest.cut);
  if (exit.inputs.length === 0 || !names(exit.inputs).every((name) => cut.includes(name)))
    throw new RangeError(`exit expected inputs of ${cut.join(', ')}, got ${names(exit.inputs).join(', ')}`);
  const wanted = [...names(manifest.outputs), EXIT_CONFIDENCE].sort().join(', ');
  const given = names(exit.outputs).sort().join(', ');
  if (given !== wanted) throw new RangeError(`exit expected the outputs ${wanted}, got ${given}`);
}
