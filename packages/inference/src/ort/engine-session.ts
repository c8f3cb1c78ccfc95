/** A session on an engine of onnxruntime, whichever build it is: runs in turns, closing, errors. */

import type { InferenceSession } from 'onnxruntime-common';
import { checkFeeds } from '../feeds.js';
import { InferenceError, type ModelSession, type ValueSpec } from '../session.js';
import { fromOrtTensors, type OrtTensorClass, toOrtTensors, valueSpecs } from './ort-values.js';

/** What the runs of a network need beside the engine's own. */
export interface EngineRunOptions {
  readonly runOptions?: InferenceSession.RunOptions;
  /** Through which every run, and the end, goes; default: straight. */
  readonly enter?: <T>(call: () => Promise<T>) => Promise<T>;
}

/** What a session needs beside the engine's own. */
export interface EngineSessionOptions extends EngineRunOptions {
  readonly TensorClass: OrtTensorClass;
}

/** A loaded network that is run by the engine's own values, one run after another. */
export interface EngineTurns {
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  /**
   * Runs the network after the runs before it, so that `runMs` is the time of one run.
   * @param prepare - checks the feeds and gives the engine's; called at once
   * @param take - what is wanted of the engine's values, before another run begins; its time is the run's
   * @throws {InferenceError} as `ModelSession.run`
   */
  run<T>(
    prepare: () => InferenceSession.FeedsType,
    take: (values: InferenceSession.ReturnType) => Promise<T>,
  ): Promise<{ readonly outputs: T; readonly runMs: number }>;
  /** Lets the runs that were asked for finish, then frees the network. @param beforehand - what goes before that */
  close(beforehand?: () => Promise<void>): Promise<void>;
}

/**
 * Puts the rules of `ModelSession` around a loaded network, which belongs to the session from then on.
 * @throws {InferenceError} `model-rejected` if a value is none that this library has; the network is then freed
 */
export async function engineSession(
  engine: InferenceSession,
  { TensorClass, ...options }: EngineSessionOptions,
): Promise<ModelSession> {
  const turns = await engineTurns(engine, options);
  const { inputs, outputs } = turns;
  return {
    inputs,
    outputs,
    run(feeds) {
      const prepare = (): InferenceSession.FeedsType => {
        checkFeeds(inputs, feeds);
        return toOrtTensors(feeds, TensorClass);
      };
      return turns.run(prepare, async (values) => fromOrtTensors(values));
    },
    close: () => turns.close(),
  };
}

/** The error of a model that the engine does not take. */
export function modelRejected(model: Uint8Array | string, cause: unknown): InferenceError {
  const what = typeof model === 'string' ? `model '${model}'` : `model of ${model.byteLength} bytes`;
  return new InferenceError('model-rejected', `${what} was refused: ${oneLine(cause)}`, { cause });
}

/**
 * Has a loaded network, which belongs to the turns from then on, run in turns.
 * @throws {InferenceError} `model-rejected` if a value is none that this library has; the network is then freed
 */
export async function engineTurns(engine: InferenceSession, options: EngineRunOptions): Promise<EngineTurns> {
  try {
    return openTurns(engine, options);
  } catch (error) {
    const { enter = (call) => call() } = options;
    await enter(() => engine.release());
    throw error;
  }
}

function openTurns(
  engine: InferenceSession,
  { runOptions = {}, enter = (call) => call() }: EngineRunOptions,
): EngineTurns {
  let lastRun: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  /** One after another, so that the network is not freed under a run. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = lastRun.catch(() => undefined).then(() => enter(run));
    lastRun = turn;
    return turn;
  }
  return {
    inputs: valueSpecs(engine.inputMetadata),
    outputs: valueSpecs(engine.outputMetadata),
    async run(prepare, take) {
      if (closing) throw new InferenceError('closed', 'the session is closed');
      try {
        const feeds = prepare();
        return await inTurn(async () => {
          const start = performance.now();
          const outputs = await take(await engine.run(feeds, runOptions));
          return { outputs, runMs: performance.now() - start };
        });
      } catch (cause) {
        if (cause instanceof InferenceError) throw cause;
        throw new InferenceError('run-failed', `the run failed: ${oneLine(cause)}`, { cause });
      }
    },
    close(beforehand = async () => undefined) {
      closing ??= inTurn(async () => {
        try {
          await beforehand();
        } finally {
          await engine.release();
        }
      });
      return closing;
    },
  };
}

/** What an engine says of an error. */
export function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
}
