/** A bundle with pictures as what a privacy measurement takes: features by its head, and ways of coding them. */

import type { Pixels } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import type { Backend } from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import type { Feature } from '../baselines/features/feature-coder.js';
import { batchRunOf } from '../split/batch-run.js';
import { openParts } from '../split/network.js';
import { prepareInput, recipeOf } from '../split/sample-feeds.js';
import type { DataPart } from '../sweep/bundle-subject.js';
import { codingMethods, ownMethods } from '../sweep/own-methods.js';
import type { PicturedFeature } from './inversion.js';
import type { PrivacyMethod } from './privacy.js';

/** Profiles take no more for their design. */
const DESIGN_SAMPLES = 100;

/**
 * Runs the head of a bundle over pictures.
 * @throws {RangeError} if the cut is not one float32 tensor, or the data are no pictures; {DataSetError} {InferenceError}
 */
export async function picturedFeatures(
  bundle: NodeBundle,
  { data, numbers }: DataPart,
  signal?: AbortSignal,
): Promise<PicturedFeature[]> {
  const { cut } = bundle.manifest;
  if (cut.length !== 1 || cut[0].dtype !== 'float32')
    throw new RangeError(`cut expected one float32 tensor, got ${cut.map(({ name }) => name).join(', ')}`);
  const recipe = recipeOf(bundle.manifest);
  const pictures: Pixels[] = [];
  const feeds: TensorMap[] = [];
  for (const number of numbers) {
    const prepared = await prepareInput((await data.sample(number)).input, recipe);
    if (prepared.pixels === null) throw new RangeError('data expected pictures, got tensors');
    pictures.push(prepared.pixels);
    feeds.push(prepared.feeds);
  }
  signal?.throwIfAborted();
  const { head, close } = await openParts(bundle);
  try {
    const run = await batchRunOf(head, feeds.slice(0, 2));
    const outputs = await run(feeds);
    return outputs.map((output, i) => ({ feature: output[cut[0].name] as Feature, picture: pictures[i] }));
  } finally {
    await close();
  }
}

/**
 * The feature itself, the profiled points of a bundle that have no unit, and frames of levels under a profile.
 * @param known - what profiles are designed on
 */
export async function privacyMethods(
  { manifest, profiles }: NodeBundle,
  known: readonly PicturedFeature[],
  { levelCounts, backend }: { readonly levelCounts: readonly number[]; readonly backend: Backend },
): Promise<PrivacyMethod[]> {
  const points = manifest.operatingPoints.flatMap((point) =>
    point.kind === 'profiled' && point.unit === undefined
      ? [{ name: point.id, profile: profiles.get(point.id)!, lambda: point.lambda ?? 0 }]
      : [],
  );
  const levels = ownMethods(backend, { levelCounts, stepShares: [] });
  const methods: PrivacyMethod[] = [{ name: 'float32', coder: null }];
  for (const method of [...codingMethods(points, backend), ...levels]) {
    if (method.kind !== 'cut') continue;
    const coder = await method.create([known.slice(0, DESIGN_SAMPLES).map(({ feature }) => feature)]);
    if (!('skip' in coder)) methods.push({ name: method.name, coder });
  }
  return methods;
}
