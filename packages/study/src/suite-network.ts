/** The network of a suite's entry: a file or a packaged one, with a probe trained where the suite asks for one. */

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { loadModel } from '@featherwire/authoring';
import type { DataSet } from '@featherwire/eval';
import { type LoadedNetwork, PACKAGED_NETWORKS } from './packaged-networks.js';
import type { SuiteNetwork } from './suite.js';
import { shuffled } from './target.js';
import { PROBE_OUTPUT, trainProbe } from './train-probe.js';

/** Draws the samples of probes; that of a study draws those that are measured. */
const PROBE_SEED = 1;

/** What loading takes beside the entry. */
export interface SuiteContext {
  /** Directory that file names are relative to. */
  readonly assets: string;
  /** Gets networks with probes. */
  readonly work: string;
  /** The suite's data by name. */
  readonly dataOf: (name: string) => Promise<DataSet>;
}

/** Loads the network. @throws as `loadModel`, and `trainProbe` for an entry with a probe */
export async function loadSuiteNetwork(
  network: SuiteNetwork,
  { assets, work, dataOf }: SuiteContext,
): Promise<LoadedNetwork> {
  const { name, model, shape, preprocessing, task, probe } = network;
  const plain: LoadedNetwork = (await PACKAGED_NETWORKS[model]?.()) ?? {
    loaded: await loadModel(path.resolve(assets, model), shape),
    content: { preprocessing, task },
  };
  if (!probe) return plain;
  await mkdir(work, { recursive: true });
  const file = path.join(work, `probe-${name.replaceAll(/[^A-Za-z0-9.]+/g, '-')}.onnx`);
  const data = await dataOf(probe.data);
  const numbers = shuffled(data.length, PROBE_SEED).slice(0, probe.samples);
  const used = plain.content.preprocessing;
  await trainProbe(plain.loaded, { tensor: probe.tensor, data, numbers, preprocessing: used, file });
  return {
    loaded: await loadModel(file, shape),
    content: { preprocessing: used, task: { kind: 'classification', output: PROBE_OUTPUT } },
  };
}
