/**
 * The networks of the edge side on onnxruntime-web, and what becomes of them when the GPU that they run on is lost, as it is when
 * its driver is restarted or the system takes it away: they are loaded again, on WebAssembly.
 */

import type { FetchedBundle } from '@featherwire/bundle';
import { InferenceError, type ModelSession, type RunResult, type TensorMap } from '@featherwire/inference';
import type { GpuSession, WebEngine } from '@featherwire/inference/browser';
import {
  closeNetworks,
  fetchModel,
  type NetworkChoice,
  type Networks,
  openGpuNetworks,
  openNetworks,
} from './networks.js';

/** How long a failed run waits to hear that the GPU is lost. */
const LOSS_GRACE_MS = 200;

/** Networks on a GPU, whose values can stay there. */
export interface GpuNetworks extends Networks<GpuSession> {
  readonly device: GPUDevice;
}

/** What networks are loaded from. */
interface Source {
  readonly bundle: FetchedBundle;
  readonly engine: WebEngine;
  readonly choice: NetworkChoice;
}

/** One of the networks, of whichever engine. */
type Choice = (networks: Networks) => ModelSession;

/** Sessions that go on without the GPU that they began on. */
export class EdgeSessions {
  readonly head: ModelSession;
  /** By the ids of their units. */
  readonly reductions: ReadonlyMap<string, ModelSession>;
  /** Undefined where it was not asked for, or the bundle has none. */
  readonly exit: ModelSession | undefined;
  readonly #bundle: FetchedBundle;
  readonly #engine: WebEngine;
  readonly #choice: NetworkChoice;
  readonly #first: Networks;
  #gpu: GpuNetworks | undefined;
  #isLost = false;
  #isClosed = false;
  /** What runs after a loss. */
  #second: Promise<Networks> | undefined;

  private constructor({ bundle, engine, choice }: Source, first: Networks, gpu: GpuNetworks | undefined) {
    this.#bundle = bundle;
    this.#engine = engine;
    this.#choice = choice;
    this.#first = first;
    this.#gpu = gpu;
    void gpu?.device.lost.then(() => {
      this.#isLost = true;
      this.#gpu = undefined;
      // The engine makes another device once no network is on this one, which may not let go of everything.
      closeNetworks(first).catch(() => undefined);
    });
    this.head = this.#lasting(({ head }) => head);
    const reductionOf = (id: string): ModelSession => this.#lasting(({ reductions }) => reductions.get(id)!);
    this.reductions = new Map([...first.reductions.keys()].map((id) => [id, reductionOf(id)]));
    this.exit = first.exit && this.#lasting(({ exit }) => exit!);
  }

  /**
   * Loads the networks of a bundle.
   * @param engine - may still be loading while the head is fetched
   * @throws {BundleError} {InferenceError} `model-rejected`
   */
  static async open(
    bundle: FetchedBundle,
    engine: Promise<WebEngine>,
    choice: NetworkChoice,
  ): Promise<EdgeSessions> {
    const head = await fetchModel(bundle, bundle.manifest.head);
    const loaded = await engine;
    const source = { bundle, engine: loaded, choice };
    if (loaded.provider === 'wasm')
      return new EdgeSessions(source, await openNetworks(bundle, loaded, head, choice), undefined);
    const networks = await openGpuNetworks(bundle, loaded, head, choice);
    return new EdgeSessions(source, networks, { ...networks, device: networks.head.device });
  }

  /** The sessions on the GPU; undefined on WebAssembly, and once the GPU is known to be lost. */
  get gpu(): GpuNetworks | undefined {
    return this.#gpu;
  }

  /** Lets the runs that were asked for finish, then frees the networks. Calling it again is allowed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const second = await this.#second?.catch(() => undefined);
    const first = closeNetworks(this.#first);
    await Promise.all([this.#isLost ? first.catch(() => undefined) : first, second && closeNetworks(second)]);
  }

  /** A session that another takes the place of. */
  #lasting(choose: Choice): ModelSession {
    const { inputs, outputs } = choose(this.#first);
    return { inputs, outputs, run: (feeds) => this.#run(choose, feeds), close: () => this.close() };
  }

  async #run(choose: Choice, feeds: TensorMap): Promise<RunResult> {
    const gpu = this.#gpu;
    try {
      return await choose(await this.#networks()).run(feeds);
    } catch (error) {
      if (!gpu || !(await isLoss(gpu.device, error))) throw error;
      return choose(await this.#networks()).run(feeds);
    }
  }

  /** The networks that are there. @throws {BundleError} if they cannot be had a second time; the next call tries again */
  #networks(): Promise<Networks> {
    if (!this.#isLost || this.#isClosed) return Promise.resolve(this.#first);
    this.#second ??= this.#openAgain().catch((error) => {
      this.#second = undefined;
      throw error;
    });
    return this.#second;
  }

  async #openAgain(): Promise<Networks> {
    const head = await fetchModel(this.#bundle, this.#bundle.manifest.head);
    return openNetworks(this.#bundle, { ...this.#engine, provider: 'wasm' }, head, this.#choice);
  }
}

/** Whether what a run threw comes from the loss of the device, or from the end of its sessions after that. */
export async function isLoss({ lost }: GPUDevice, error: unknown): Promise<boolean> {
  if (!(error instanceof InferenceError) || error.code === 'input-mismatch') return false;
  const grace = new Promise<null>((resolve) => setTimeout(resolve, LOSS_GRACE_MS, null));
  return (await Promise.race([lost, grace])) !== null;
}
