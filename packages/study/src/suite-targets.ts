/** The targets of a suite: its data sets opened, its networks loaded when the first of their cuts is. */

import path from 'node:path';
import { splitToBundle } from '@featherwire/authoring';
import {
  createTextLines,
  createTurnedLines,
  type DataSet,
  openDataSet,
  openFashionMnist,
  openMaskedPictures,
  openRawPictures,
} from '@featherwire/eval';
import { type LoadedNetwork, PACKAGED_NETWORKS } from './packaged-networks.js';
import type { Suite, SuiteData, SuiteNetwork } from './suite.js';
import { loadSuiteNetwork } from './suite-network.js';
import type { StudyTarget } from './target.js';

/** How much of a suite is studied. */
export type StudyExtent = 'quick' | 'full';

/** Where a suite's files are and go. */
export interface SuitePlaces {
  /** Directory that its file names are relative to. */
  readonly assets: string;
  /** Gets networks with probes; made if it is not there. */
  readonly directory: string;
}

/**
 * Opens what a suite names, of the extent's cuts alone.
 * @throws {DataSetError} if data cannot be read
 */
export async function targetsOfSuite(
  suite: Suite,
  { assets, directory: work }: SuitePlaces,
  extent: StudyExtent,
): Promise<StudyTarget[]> {
  const opened = new Map<string, Promise<DataSet>>();
  const dataOf = (name: string): Promise<DataSet> => {
    const known = opened.get(name) ?? openSuiteData(suite.data[name], assets);
    opened.set(name, known);
    return known;
  };
  const targets: StudyTarget[] = [];
  for (const network of suite.networks) {
    const { data, calibrationData = data, cuts, quickCuts = cuts, samples } = network;
    const chosen = extent === 'quick' ? quickCuts : cuts;
    if (chosen.length === 0) continue;
    let loading: Promise<LoadedNetwork> | undefined;
    const shared = {
      network: network.name,
      data: await dataOf(data),
      calibrationData: await dataOf(calibrationData),
      sampleCount: samples[extent],
      against: isJudgedByLabels(network, suite.data[data]) ? ('labels' as const) : ('unsplit' as const),
    };
    for (const cut of chosen) {
      const open: StudyTarget['open'] = async (directory) => {
        loading ??= loadSuiteNetwork(network, { assets, work, dataOf });
        const { loaded, content } = await loading;
        const plan = { ...content, tensors: cut, directory, keepWhole: true, modelName: network.name };
        return (await splitToBundle(loaded, { ...plan, overwrite: true, runs: 1 })).bundle;
      };
      targets.push({ ...shared, cut, open });
    }
  }
  return targets;
}

/** Packaged networks have a task, and probes are one. */
function isJudgedByLabels({ task, model, probe, agreement }: SuiteNetwork, source: SuiteData): boolean {
  const hasLabels = source.kind !== 'path' || source.labels !== 'unread';
  return hasLabels && !agreement && Boolean(task || probe || model in PACKAGED_NETWORKS);
}

function openSuiteData(source: SuiteData, assets: string): Promise<DataSet> {
  const at = (file: string): string => path.resolve(assets, file);
  switch (source.kind) {
    case 'path':
      return openDataSet(at(source.path), source.labels);
    case 'masked-pictures':
      return openMaskedPictures(at(source.images), at(source.masks));
    case 'raw-pictures':
      return openRawPictures({ ...source, images: at(source.images), labels: at(source.labels) });
    case 'text-lines':
      return createTextLines({ split: source.split, count: source.count });
    case 'turned-lines':
      return createTurnedLines({ split: source.split, count: source.count });
    case 'fashion-mnist':
      return openFashionMnist(source.split);
    default:
      return source satisfies never;
  }
}
