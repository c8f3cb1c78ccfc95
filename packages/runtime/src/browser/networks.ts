/** Head, reductions and exit of a bundle, fetched and loaded on onnxruntime-web. */

import type { FetchedBundle, ModelPart, TensorSpec } from '@featherwire/bundle';
import type { ModelSession } from '@featherwire/inference';
import {
  createGpuSession,
  createWebSession,
  type GpuSession,
  type WebEngine,
  type WebSessionOptions,
} from '@featherwire/inference/browser';

/** Loaded networks of one bundle. */
export interface Networks<S extends ModelSession = ModelSession> {
  readonly head: S;
  /** By the ids of their units. */
  readonly reductions: ReadonlyMap<string, S>;
  /** Only where it is asked for. */
  readonly exit?: S;
}

/** What is loaded beside head and reductions. */
export interface NetworkChoice {
  /** Of a bundle that has one. */
  readonly withExit: boolean;
}

/** A model's bytes with those of its other files. */
interface FetchedModel {
  readonly model: Uint8Array;
  readonly options: WebSessionOptions;
}

/** @throws {BundleError} `missing-file`, `digest-mismatch` */
export async function fetchModel(
  bundle: FetchedBundle,
  { externalData = [], ...entry }: Pick<ModelPart, 'file' | 'sha256' | 'bytes' | 'externalData'>,
): Promise<FetchedModel> {
  const [model, ...data] = await Promise.all([entry, ...externalData].map((part) => bundle.fetchFile(part)));
  const weights = externalData.map(({ file }, i) => ({ path: file, data: data[i] }));
  return { model, options: weights.length > 0 ? { externalData: weights } : {} };
}

/**
 * Loads the networks.
 * @param head - its bytes; the reductions are fetched
 * @throws {BundleError} {InferenceError} `model-rejected`; nothing is then left open
 */
export function openNetworks(
  bundle: FetchedBundle,
  engine: WebEngine,
  head: FetchedModel,
  choice: NetworkChoice,
): Promise<Networks> {
  return openAll(bundle, head, choice, ({ model, options }) => createWebSession(model, engine, options));
}

/** As `openNetworks`, on WebGPU; what the codec could take there stays there if the caller wishes. */
export function openGpuNetworks(
  bundle: FetchedBundle,
  engine: WebEngine,
  head: FetchedModel,
  choice: NetworkChoice,
): Promise<Networks<GpuSession>> {
  return openAll(bundle, head, choice, ({ model, options }, outputs) => {
    const onGpu = outputs.filter(({ dtype }) => dtype === 'float32').map(({ name }) => name);
    return createGpuSession(model, engine, { ...options, onGpu });
  });
}

/** Frees networks after the runs that were asked for. */
export async function closeNetworks({ head, reductions, exit }: Networks): Promise<void> {
  const sessions = [head, ...reductions.values(), ...(exit ? [exit] : [])];
  await Promise.all(sessions.map((session) => session.close()));
}

/**
 * One after another: each needs its bytes twice while the engine reads them.
 * @param open - loads one. @param outputs - of it that the codec could take
 */
async function openAll<S extends ModelSession>(
  bundle: FetchedBundle,
  head: FetchedModel,
  { withExit }: NetworkChoice,
  open: (model: FetchedModel, outputs: readonly TensorSpec[]) => Promise<S>,
): Promise<Networks<S>> {
  const { cut, units = [], exit } = bundle.manifest;
  const opened = { head: await open(head, cut), reductions: new Map<string, S>() };
  try {
    for (const { id, reduction, latent } of units)
      opened.reductions.set(id, await open(await fetchModel(bundle, reduction), latent));
    if (!exit || !withExit) return opened;
    return { ...opened, exit: await open(await fetchModel(bundle, exit), []) };
  } catch (error) {
    await closeNetworks(opened);
    throw error;
  }
}
