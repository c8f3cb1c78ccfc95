/**
 * The exit of a browser's edge side, asked before anything is coded. What the head gave stays where it is meanwhile, on the GPU or as
 * tensors: the edge side's encoder goes on from there if the request is sent.
 */

import type { Bundle } from '@featherwire/bundle';
import type { ModelSession, RunResult, TensorMap } from '@featherwire/inference';
import {
  type GpuSession,
  type GpuValue,
  type GpuValueMap,
  isOnGpu,
  readValues,
} from '@featherwire/inference/browser';
import type { Tensor } from '@featherwire/tensor';
import type { BudgetedRequestOptions, BudgetedResult } from '../client/budgeted-client.js';
import type { HostEncoder } from '../client/cut-encoder.js';
import type { FeatureRequestOptions, InferResult } from '../client/edge-client.js';
import type { Clock } from '../client/retry.js';
import { createExitClient, type ExitResult } from '../exit/exit-client.js';
import { type EdgeSessions, type GpuNetworks, isLoss } from './edge-sessions.js';

/** Answers what the exit is sure of, and has the rest sent. */
export interface EdgeExit {
  /**
   * As `ExitClient.infer`.
   * @param send - sends inputs by a client with the encoder of this edge side, `elapsedMs` after the call. That encoder knows what
   *   the head gave for these very inputs until `send` is done, and does not run it again.
   */
  infer<T extends InferResult>(
    inputs: TensorMap,
    send: (inputs: TensorMap, elapsedMs: number) => Promise<T>,
  ): Promise<ExitResult<T>>;
}

/** A client's requests with the exit before them: at a coding, or without one at the point that fits the budget. */
export interface InferWithExit {
  (inputs: TensorMap, options: FeatureRequestOptions): Promise<ExitResult<InferResult>>;
  (inputs: TensorMap, options?: BudgetedRequestOptions): Promise<ExitResult<BudgetedResult>>;
}

/** What a head gave: tensors, or values on the GPU. */
export type HeldCut = TensorMap | GpuValueMap;

/** What heads gave for inputs whose exit was asked and not sure. */
export type HeldCuts = WeakMap<TensorMap, HeldCut>;

/** What an exit is asked with; all of it stays the caller's. */
export interface EdgeExitOptions {
  readonly bundle: Bundle;
  readonly sessions: EdgeSessions;
  /** That the encoder looks into. */
  readonly held: HeldCuts;
  readonly threshold?: number;
  readonly clock: Clock;
}

/** @throws {RangeError} as `createExitClient` */
export function createEdgeExit({ sessions, held, ...shared }: EdgeExitOptions): EdgeExit {
  const { head, exit } = sessions;
  if (!exit) throw new RangeError('sessions expected one of the exit, got none');
  const onHost = createExitClient({ ...shared, head, exit });
  return {
    async infer(inputs, send) {
      const sendHeld = (cut: HeldCut, elapsedMs: number) => {
        const key = { ...inputs }; // one input may be in several requests at a time
        held.set(key, cut);
        return send(key, elapsedMs);
      };
      const { gpu } = sessions;
      if (!gpu) return onHost.infer(inputs, sendHeld);
      const first = new FirstNetworks(gpu, { head, exit }, inputs);
      const onGpu = createExitClient<Tensor | GpuValue>({ ...shared, head: first, exit: first.exit });
      try {
        return await onGpu.infer(inputs, (_, elapsedMs) => sendHeld(first.given, elapsedMs));
      } finally {
        first.release();
      }
    },
  };
}

/** An encoder that goes on from what the head gave where its exit was asked, reading what is on the GPU. */
export function createHeldEncoder(host: HostEncoder, held: HeldCuts, clock: Clock): HostEncoder {
  return {
    ...host,
    async encode(inputs, settings) {
      const cut = held.get(inputs);
      if (!cut) return host.encode(inputs, settings);
      const started = clock.now();
      let features: TensorMap;
      try {
        features = isOnGpu(cut) ? await readValues(cut) : cut;
      } catch {
        return host.encode(inputs, settings); // values of a GPU that is lost
      }
      const readMs = clock.now() - started;
      const encoded = await host.encodeFeatures(features, settings);
      return { ...encoded, encodeMs: readMs + encoded.encodeMs };
    },
  };
}

/** Head and exit of one request on a GPU, values staying there; on WebAssembly if it is lost meanwhile. */
class FirstNetworks {
  readonly exit: {
    readonly inputs: ModelSession['inputs'];
    readonly outputs: ModelSession['outputs'];
    run(values: HeldCut): Promise<RunResult>;
  };
  readonly #gpu: GpuNetworks;
  readonly #lasting: { readonly head: ModelSession; readonly exit: ModelSession };
  readonly #inputs: TensorMap;
  #given: HeldCut = {};

  constructor(
    gpu: GpuNetworks,
    lasting: { readonly head: ModelSession; readonly exit: ModelSession },
    inputs: TensorMap,
  ) {
    this.#gpu = gpu;
    this.#lasting = lasting;
    this.#inputs = inputs;
    const { inputs: read, outputs } = lasting.exit;
    this.exit = { inputs: read, outputs, run: (values) => this.#runExit(values) };
  }

  /** Of the head. */
  async run(): Promise<{ readonly outputs: HeldCut }> {
    const { outputs } = await this.#unlessLost(
      async () => this.#gpu.head.runOnGpu(this.#inputs) as Promise<{ readonly outputs: HeldCut }>,
      () => this.#lasting.head.run(this.#inputs),
    );
    this.#given = outputs;
    return { outputs };
  }

  /** What the head gave: on the GPU, or as tensors once that is lost. */
  get given(): HeldCut {
    return this.#given;
  }

  /** Gives buffers back; what is being read of them is not held up. */
  release(): void {
    if (isOnGpu(this.#given)) for (const value of Object.values(this.#given)) void value.release();
  }

  #runExit(values: HeldCut): Promise<RunResult> {
    const { head, exit } = this.#lasting;
    const session: GpuSession = this.#gpu.exit!;
    if (!isOnGpu(values)) return exit.run(values);
    return this.#unlessLost(
      // What the GPU has no type for was never on it.
      async () => session.run(isWhollyOnGpu(values) ? values : await readValues(values)),
      async () => {
        const { outputs } = await head.run(this.#inputs);
        this.release();
        this.#given = outputs;
        return exit.run(Object.fromEntries(exit.inputs.map(({ name }) => [name, outputs[name]])));
      },
    );
  }

  async #unlessLost<T>(run: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(await isLoss(this.#gpu.device, error))) throw error;
      return otherwise();
    }
  }
}

function isWhollyOnGpu(values: GpuValueMap): boolean {
  return Object.values(values).every(({ buffer }) => buffer);
}
