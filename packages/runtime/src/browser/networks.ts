/** Head and reductions of a bundle, fetched and loaded on onnxruntime-web. */

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
): Promise<Networks> {
  return openAll(bundle, head, ({ model, options }) => createWebSession(model, engine, options));
}

/** As `openNetworks`, on WebGPU; what the codec could take there stays there if the caller wishes. */
export function openGpuNetworks(
  bundle: FetchedBundle,
  engine: WebEngine,
  head: FetchedModel,
): Promise<Networks<GpuSession>> {
  return openAll(bundle, head, ({ model, options }, outputs) => {
    const onGpu = outputs.filter(({ dtype }) => dtype === 'float32').map(({ name }) => name);
    return createGpuSession(model, engine, { ...options, onGpu });
  });
}

/** Frees networks after the runs that were asked for. */
export async function closeNetworks({ head, reductions }: Networks): Promise<void> {
  await Promise.all([head, ...reductions.values()].map((session) => session.close()));
}

/** One after another: each needs its bytes twice while the engine reads them. */
async function openAll<S extends ModelSession>(
  bundle: FetchedBundle,
  head: FetchedModel,
  open: (model: FetchedModel, outputs: readonly TensorSpec[]) => Promise<S>,
): Promise<Networks<S>> {
  const { cut, units = [] } = bundle.manifest;
  const opened = { head: await open(head, cut), reductions: new Map<string, S>() };
  try {
    for (const { id, reduction, latent } of units)
      opened.reductions.set(id, await open(await fetchModel(bundle, reduction), latent));
    return opened;
  } catch (error) {
    await closeNetworks(opened);
    throw error;
  }
}
