/**
 * A session on WebGPU whose outputs can stay where they are made, for whoever goes on with them there: another session, or the codec
 * on the same device. What is asked for as a tensor is read back, as from any session.
 */

import type { DType, Shape, Tensor } from '@featherwire/tensor';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { checkFeeds, checkValues } from '../feeds.js';
import { type EngineTurns, engineTurns, oneLine } from '../ort/engine-session.js';
import { fromOrtTensors, toOrtTensors } from '../ort/ort-values.js';
import { InferenceError, type ModelSession, type RunResult, type TensorMap } from '../session.js';
import { enterEngine, type WebEngine } from './web-engine.js';
import { loadNetwork, type WebSessionOptions, webRunOptions } from './web-session.js';

/** An output of a session on WebGPU. It belongs to the session, until it is released or the session is closed. */
export interface GpuValue {
  readonly dtype: DType;
  readonly shape: Shape;
  /** The elements, in a buffer that may be longer; undefined for values that are not on the GPU, as those without elements. */
  readonly buffer: GPUBuffer | undefined;
  /** The elements as a tensor, which the caller owns. @throws {InferenceError} `run-failed`, as for a lost device */
  read(): Promise<Tensor>;
  /** Gives the buffer back, after what is being read of it; a lost device has none to give. Calling it again is allowed. */
  release(): Promise<void>;
}

/** Values by their names. */
export type GpuValueMap = Readonly<Record<string, GpuValue>>;

/** What a run gives that leaves its outputs on the GPU. */
export interface GpuRunResult {
  /** To be released by the caller. */
  readonly outputs: GpuValueMap;
  /** As in `RunResult`, but up to the submission of the commands: the GPU may be at work still. */
  readonly runMs: number;
}

/** A loaded network on WebGPU. */
export interface GpuSession extends ModelSession {
  /** @param feeds - tensors, or values of any session on the same device */
  run(feeds: TensorMap | GpuValueMap): Promise<RunResult>;
  /** The engine's own, which its values are on. */
  readonly device: GPUDevice;
  /**
   * As `run`, without a way back.
   * @param feeds - tensors, or values of any session on the same device
   */
  runOnGpu(feeds: TensorMap | GpuValueMap): Promise<GpuRunResult>;
}

/** How a network is loaded whose outputs stay on the GPU. */
export interface GpuSessionOptions extends WebSessionOptions {
  /** Names of the outputs that do, which are of a type that the GPU has. */
  readonly onGpu: readonly string[];
}

/**
 * Loads a network.
 * @param model - the model file's bytes, which are not kept
 * @param engine - on WebGPU
 * @throws {InferenceError} `model-rejected` if the engine refuses the model
 */
export async function createGpuSession(
  model: Uint8Array,
  engine: WebEngine,
  { onGpu, ...options }: GpuSessionOptions,
): Promise<GpuSession> {
  const { ort, enter } = engine;
  const preferredOutputLocation = Object.fromEntries(onGpu.map((name) => [name, 'gpu-buffer'] as const));
  const network = await loadNetwork(model, engine, options, { preferredOutputLocation });
  const turns = await engineTurns(network, { runOptions: webRunOptions(), ...(enter && { enter }) });
  try {
    return openSession(turns, engine, await ort.env.webgpu.device);
  } catch (error) {
    await turns.close();
    throw error;
  }
}

function openSession(turns: EngineTurns, engine: WebEngine, device: GPUDevice): GpuSession {
  const { inputs, outputs } = turns;
  const values = new OpenValues(engine);
  const runOnGpu = (feeds: TensorMap | GpuValueMap): Promise<GpuRunResult> =>
    turns.run(
      () => {
        if (isOnGpu(feeds)) checkValues(inputs, feeds);
        else checkFeeds(inputs, feeds);
        return engineFeeds(feeds, engine);
      },
      async (results) => values.open(results),
    );
  return {
    inputs,
    outputs,
    device,
    runOnGpu,
    async run(feeds) {
      const { outputs: kept, runMs } = await runOnGpu(feeds);
      const start = performance.now();
      const tensors = await readValues(kept).finally(() => {
        for (const value of Object.values(kept)) void value.release();
      });
      return { outputs: tensors, runMs: runMs + performance.now() - start };
    },
    close: () => turns.close(() => values.close()),
  };
}

/** Values as tensors, which the caller owns. @throws {InferenceError} `run-failed` if one cannot be read, as for a lost device */
export async function readValues(values: GpuValueMap): Promise<TensorMap> {
  const entries = Object.entries(values).map(async ([name, value]) => [name, await value.read()] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** True for values of sessions on WebGPU; what is empty counts as tensors. */
export function isOnGpu(feeds: TensorMap | GpuValueMap): feeds is GpuValueMap {
  return Object.values(feeds).some((value) => 'release' in value);
}

function engineFeeds(feeds: TensorMap | GpuValueMap, { ort }: WebEngine): InferenceSession.FeedsType {
  if (!isOnGpu(feeds)) return toOrtTensors(feeds, ort.Tensor);
  const entries = Object.entries(feeds).map(([name, { dtype, shape, buffer }]) => {
    if (!buffer) throw new InferenceError('input-mismatch', `input '${name}' expected a buffer, got none`);
    return [name, ort.Tensor.fromGpuBuffer(buffer, { dataType: dtype as 'float32', dims: shape })];
  });
  return Object.fromEntries(entries);
}

/** The values of a session that are not released yet; what is left of them goes before the session does. */
class OpenValues {
  readonly #engine: WebEngine;
  readonly #open = new Set<OpenValue>();

  constructor(engine: WebEngine) {
    this.#engine = engine;
  }

  open(results: InferenceSession.ReturnType): GpuValueMap {
    const entries = Object.entries(results).map(([name, tensor]) => {
      const value = new OpenValue(tensor as OrtTensor, (dispose) =>
        enterEngine(this.#engine, async () => {
          dispose();
          this.#open.delete(value);
        }),
      );
      this.#open.add(value);
      return [name, value] as const;
    });
    return Object.fromEntries(entries);
  }

  /** In the session's last turn, which is one of the engine: it waits for no other. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((value) => value.end()));
  }
}

/** A value on one of the engine's tensors. */
class OpenValue implements GpuValue {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly buffer: GPUBuffer | undefined;
  readonly #tensor: OrtTensor;
  readonly #enter: (dispose: () => void) => Promise<void>;
  #reading: Promise<unknown> = Promise.resolve();
  #released: Promise<void> | undefined;
  #isDisposed = false;

  constructor(tensor: OrtTensor, enter: (dispose: () => void) => Promise<void>) {
    this.dtype = tensor.type as DType;
    this.shape = [...tensor.dims];
    this.buffer = tensor.location === 'gpu-buffer' ? tensor.gpuBuffer : undefined;
    this.#tensor = tensor;
    this.#enter = enter;
  }

  async read(): Promise<Tensor> {
    const reading = this.#reading.then(() => this.#tensor.getData());
    this.#reading = reading;
    try {
      await reading;
    } catch (cause) {
      throw new InferenceError('run-failed', `an output cannot be read: ${oneLine(cause)}`, { cause });
    }
    return fromOrtTensors({ value: this.#tensor }).value;
  }

  release(): Promise<void> {
    this.#released ??= this.#settled()
      .then(() => this.#enter(() => this.#dispose()))
      .catch(() => undefined);
    return this.#released;
  }

  /** As `release`, in a turn of the engine. */
  async end(): Promise<void> {
    await this.#settled();
    this.#dispose();
  }

  async #settled(): Promise<void> {
    await this.#reading.catch(() => undefined);
  }

  #dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    try {
      this.#tensor.dispose();
    } catch {
      // A lost device has nothing to give back, and the session is to end all the same.
    }
  }
}
