/** A bundle's networks with data, as calibration takes them. */

import type { NodeBundle } from '@featherwire/bundle/node';
import { holdsFeatures, recordedFeatures, type SplitSource } from '@featherwire/calibration';
import { type DataSet, openParts, readNpz } from '@featherwire/eval';
import type { ModelSession } from '@featherwire/inference';
import type { CommandContext } from '../context.js';
import { openNamedData } from '../data.js';
import { readInput } from '../files.js';
import type { Progress } from '../terminal/progress.js';

/** Where samples come from. */
export type SampleOrigin =
  | { readonly kind: 'data'; readonly data: DataSet }
  /** Features themselves: no head is run. */
  | { readonly kind: 'features'; readonly data: DataSet; readonly head: ModelSession };

/**
 * Opens samples without labels: inputs as `--data` names them, or a `.npz` with an array for each tensor of the cut.
 * @throws {DataSetError} as `openNamedData` and `recordedFeatures`
 */
export async function openUnlabelled(
  name: string,
  { manifest }: NodeBundle,
  count: number | undefined,
  { terminal }: CommandContext,
): Promise<SampleOrigin> {
  if (name.endsWith('.npz')) {
    const arrays = readNpz(await readInput(name, terminal));
    if (holdsFeatures(arrays, manifest.cut))
      return { kind: 'features', ...recordedFeatures(arrays, manifest.cut, name) };
  }
  return { kind: 'data', data: await openNamedData(name, 'calibration', count, 'unread') };
}

/** Loads the networks that samples need, and closes them after use. */
export async function withSplitSource<T>(
  bundle: NodeBundle,
  origin: SampleOrigin,
  progress: Progress,
  use: (source: SplitSource) => Promise<T>,
): Promise<T> {
  progress.stage('load head and tail');
  const { manifest } = bundle;
  const { head, tail, close } = await openParts(bundle);
  try {
    const { data } = origin;
    if (origin.kind === 'data') return await use({ manifest, head, tail, data });
    // Whatever the head takes, features are looked up by one number.
    return await use({
      manifest: { ...manifest, inputs: origin.head.inputs },
      head: origin.head,
      tail,
      data,
    });
  } finally {
    await close();
  }
}
